// One file of a partition's log with what is known of it. A segment is plain data: the Log writes, reads
// and closes it. Readers hold it: it may be deleted while they read.
#pragma once

#include "collector/storage/offset_index.h"
#include "collector/storage/segment_facts.h"
#include "collector/storage/time_index.h"
#include "shared/io/fs.h"

#include <memory>

namespace logboom::storage {

class Segment {
public:
    explicit Segment(const Offset base_offset) noexcept
        : offset_index_(base_offset)
        , time_index_(base_offset) {
        facts_.base_offset = facts_.end_offset = base_offset;
    }
    /// A closed segment that is known from before: its indexes are in their files.
    explicit Segment(const SegmentFacts& facts) noexcept
        : facts_(facts)
        , offset_index_(facts.base_offset)
        , time_index_(facts.base_offset)
        , has_indexes_(false) {}

    [[nodiscard]] Offset base_offset() const noexcept { return facts_.base_offset; }
    /// Offset after the last batch.
    [[nodiscard]] Offset end_offset() const noexcept { return facts_.end_offset; }
    /// Bytes of whole batches; the file may be longer by zeros.
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return facts_.size_bytes; }
    [[nodiscard]] const LargestTimestamp& largest_timestamp() const noexcept {
        return facts_.largest;
    }
    [[nodiscard]] const SegmentFacts& facts() const noexcept { return facts_; }

    /// Takes a batch into account that lies at the end of the segment.
    void add(const record::BatchView& batch);
    /// Batches were appended now.
    void note_append(std::int64_t now_ms) noexcept;
    /// The times of a file that was found, when nothing better is known.
    void set_append_times(std::int64_t first_ms, std::int64_t last_ms) noexcept;
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
    /// Its index files have these checksums now.
    void note_index_files(std::uint32_t offset_index_crc, std::uint32_t time_index_crc) noexcept;
    /// Goes on with a segment that was left at a clean stop as `facts` says, with the indexes of its
    /// files. If the offset index has entries, `skip_to` is next; then the batches behind are added.
    void resume(const SegmentFacts& facts, OffsetIndex offset_index, TimeIndex time_index);
    /// `last_entry` is the batch of the offset index's last entry, which lies at `position`.
    void skip_to(const record::BatchView& last_entry, std::uint64_t position);

    /// The open file; empty for a closed segment that nobody reads. Held by those who use it, so that
    /// it is not closed under them.
    std::shared_ptr<io::File> file;
    /// Its files are gone or going: what is begun with it ends with `out_of_range`.
    bool is_deleted = false;

private:
    SegmentFacts facts_;
    OffsetIndex offset_index_;
    TimeIndex time_index_;
    bool has_indexes_ = true;
};
using SegmentPtr = std::shared_ptr<Segment>;

}  // namespace logboom::storage
