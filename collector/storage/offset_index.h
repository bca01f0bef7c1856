// Where batches lie in a segment: one entry per limits::index_interval_bytes of log or more, and one for
// the last batch of a closed segment, so that the heads of all its batches are in a checksum. A cache of
// what the log says; but an intact entry that contradicts the log means that the log is damaged.
//
// The active segment's entries are in memory only; the file is written when the segment is closed.
#pragma once

#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/batch.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace logboom::storage {

/// Bytes of a batch before those that its own checksum covers: base offset, length, epoch, magic, CRC.
inline constexpr std::size_t batch_head_bytes = 21;

class OffsetIndex {
public:
    struct Entry {
        std::int32_t last_offset_delta = 0;  // of the batch, to the segment's base
        std::int32_t position = 0;           // where the batch begins in the file
        /// CRC-32C over the heads of the batches after the previous entry's, this one's included.
        std::uint32_t heads_crc = 0;

        bool operator==(const Entry&) const = default;
    };

    /// Of the file's format.
    static constexpr std::uint8_t file_version = 1;

    explicit OffsetIndex(const Offset base_offset) noexcept : base_(base_offset) {}

    /// Takes the next batch of the segment into account. True: an entry was made for it.
    bool add(const record::BatchView& batch, std::uint64_t position);
    /// The segment is closed: makes an entry for its last batch unless that has one.
    void finish();
    /// Goes on behind the last entry, whose batch is `last_entry`, in an index that was decoded.
    void resume_behind(const record::BatchView& last_entry) noexcept;
    /// A position at or before the batch that holds `target`; 0 is the first batch.
    [[nodiscard]] std::uint64_t position_of(Offset target) const noexcept;
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

    /// The file's bytes.
    void encode(Buffer& out) const;
    /// Errors: `malformed`, `unsupported`, `corrupt`: the file is of no use and must be made anew.
    [[nodiscard]] static Result<OffsetIndex> decode(ByteView file, Offset base_offset);
    /// The first intact entry of `kept` that contradicts `from_log`, which was made from the log itself: a
    /// batch begins where there is none now, or the heads were others.
    [[nodiscard]] static std::optional<std::size_t> first_contradiction(
        const OffsetIndex& kept, const OffsetIndex& from_log
    );

private:
    Offset base_;
    std::vector<Entry> entries_;
    std::uint64_t bytes_since_entry_ = 0;
    std::uint32_t heads_crc_ = 0;
    Entry last_batch_;  // as an entry that was not made; heads_crc aside
    bool has_uncovered_heads_ = false;
};

}  // namespace logboom::storage
