#include "collector/storage/segment.h"

#include "shared/base/limits.h"

#include <algorithm>
#include <utility>

namespace logboom::storage {

void Segment::add(const record::BatchView& batch) {
    const record::BatchHeader& header = batch.header();
    LB_ASSERT(header.base_offset == end_offset());
    LargestTimestamp& largest = facts_.largest;
    if (header.max_timestamp_ms > largest.timestamp_ms) {
        largest = {header.max_timestamp_ms, header.base_offset, header.last_offset()};
    }
    const bool is_entry = offset_index_.add(batch, size_bytes());
    if (is_entry && largest.timestamp_ms >= 0) {
        time_index_.add(largest.timestamp_ms, largest.last_offset);
    }
    facts_.end_offset = header.end_offset();
    facts_.last_epoch = header.leader_epoch;
    facts_.size_bytes += batch.size();
}

void Segment::note_append(const std::int64_t now_ms) noexcept {
    if (facts_.first_append_ms < 0) {
        facts_.first_append_ms = now_ms;
    }
    facts_.last_append_ms = std::max(facts_.last_append_ms, now_ms);
}

void Segment::set_append_times(const std::int64_t first_ms, const std::int64_t last_ms) noexcept {
    if (size_bytes() != 0) {
        facts_.first_append_ms = first_ms;
        facts_.last_append_ms = last_ms;
    }
}

bool Segment::should_roll(
    const std::uint64_t batch_bytes, const Offset last_offset, const std::uint64_t bytes_max
) const noexcept {
    if (size_bytes() == 0) {
        return false;
    }
    return size_bytes() + batch_bytes > bytes_max || last_offset - base_offset() > INT32_MAX;
}

std::size_t Segment::index_file_bytes_max() const noexcept {
    // An entry of 16 bytes per interval, one of the last batch, and a head.
    constexpr std::uint64_t entry_bytes = 16;
    return static_cast<std::size_t>(
        entry_bytes * (size_bytes() / limits::index_interval_bytes + 2)
    );
}

void Segment::finish_indexes() {
    offset_index_.finish();
    if (facts_.largest.timestamp_ms >= 0) {
        time_index_.add(facts_.largest.timestamp_ms, facts_.largest.last_offset);
    }
}

void Segment::forget_indexes() {
    LB_ASSERT(has_indexes_);
    offset_index_ = OffsetIndex(base_offset());
    time_index_ = TimeIndex(base_offset());
    has_indexes_ = false;
}

void Segment::note_index_files(
    const std::uint32_t offset_index_crc, const std::uint32_t time_index_crc
) noexcept {
    facts_.offset_index_crc = offset_index_crc;
    facts_.time_index_crc = time_index_crc;
}

void Segment::resume(const SegmentFacts& facts, OffsetIndex offset_index, TimeIndex time_index) {
    LB_ASSERT(size_bytes() == 0 && has_indexes_);
    facts_ = facts;
    facts_.end_offset = facts.base_offset;
    facts_.last_epoch = LeaderEpoch(-1);
    facts_.size_bytes = 0;
    offset_index_ = std::move(offset_index);
    time_index_ = std::move(time_index);
}

void Segment::skip_to(const record::BatchView& last_entry, const std::uint64_t position) {
    facts_.end_offset = last_entry.header().end_offset();
    facts_.last_epoch = last_entry.header().leader_epoch;
    facts_.size_bytes = position + last_entry.size();
    offset_index_.resume_behind(last_entry);
}

}  // namespace logboom::storage
