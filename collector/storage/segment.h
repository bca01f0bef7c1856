// One file of a partition's log with what is known of it. A segment is plain data: the Log writes, reads
// and closes it.
#pragma once

#include "collector/storage/offset_index.h"
#include "collector/storage/time_index.h"
#include "shared/io/fs.h"

#include <memory>

namespace logboom::storage {

/// The largest timestamp of some batches and the first batch that has it.
struct LargestTimestamp {
    std::int64_t timestamp_ms = -1;  // -1: there is none
    Offset base_offset{-1};          // of that batch
    Offset last_offset{-1};
};

class Segment {
public:
    explicit Segment(const Offset base_offset) noexcept
        : base_(base_offset)
        , end_(base_offset)
        , offset_index_(base_offset)
        , time_index_(base_offset) {}

    [[nodiscard]] Offset base_offset() const noexcept { return base_; }
    /// Offset after the last batch.
    [[nodiscard]] Offset end_offset() const noexcept { return end_; }
    /// Bytes of whole batches; the file may be longer by zeros.
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    [[nodiscard]] const LargestTimestamp& largest_timestamp() const noexcept { return largest_; }

    /// Takes a batch into account that lies at the end of the segment.
    void add(const record::BatchView& batch);
    /// Whether a batch of that size, ending at `last_offset`, belongs into the next segment.
    [[nodiscard]] bool should_roll(
        std::uint64_t batch_bytes, Offset last_offset, std::uint64_t bytes_max
    ) const noexcept;

    [[nodiscard]] const OffsetIndex& offset_index() const noexcept { return offset_index_; }
    [[nodiscard]] const TimeIndex& time_index() const noexcept { return time_index_; }
    /// The largest file of one of its indexes; a longer one is not of this segment.
    [[nodiscard]] std::size_t index_file_bytes_max() const noexcept;
    /// The last entries of both indexes: the segment is closed.
    void finish_indexes();
    /// Frees the memory of the indexes, which are in their files now.
    void forget_indexes();
    [[nodiscard]] bool has_indexes() const noexcept { return has_indexes_; }

    /// The open file; empty for a closed segment that nobody reads. Held by those who use it, so that
    /// it is not closed under them.
    std::shared_ptr<io::File> file;

private:
    Offset base_;
    Offset end_;
    std::uint64_t size_bytes_ = 0;
    LargestTimestamp largest_;
    OffsetIndex offset_index_;
    TimeIndex time_index_;
    bool has_indexes_ = true;
};

}  // namespace logboom::storage
