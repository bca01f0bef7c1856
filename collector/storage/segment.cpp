#include "collector/storage/segment.h"

#include "shared/base/limits.h"

namespace logboom::storage {

void Segment::add(const record::BatchView& batch) {
    const record::BatchHeader& header = batch.header();
    LB_ASSERT(header.base_offset == end_);
    if (header.max_timestamp_ms > largest_.timestamp_ms) {
        largest_ = {header.max_timestamp_ms, header.base_offset, header.last_offset()};
    }
    const bool is_entry = offset_index_.add(batch, size_bytes_);
    if (is_entry && largest_.timestamp_ms >= 0) {
        time_index_.add(largest_.timestamp_ms, largest_.last_offset);
    }
    end_ = header.end_offset();
    size_bytes_ += batch.size();
}

bool Segment::should_roll(
    const std::uint64_t batch_bytes, const Offset last_offset, const std::uint64_t bytes_max
) const noexcept {
    if (size_bytes_ == 0) {
        return false;
    }
    return size_bytes_ + batch_bytes > bytes_max || last_offset - base_ > INT32_MAX;
}

std::size_t Segment::index_file_bytes_max() const noexcept {
    // An entry of 16 bytes per interval, one of the last batch, and a head.
    constexpr std::uint64_t entry_bytes = 16;
    return static_cast<std::size_t>(entry_bytes * (size_bytes_ / limits::index_interval_bytes + 2));
}

void Segment::finish_indexes() {
    offset_index_.finish();
    if (largest_.timestamp_ms >= 0) {
        time_index_.add(largest_.timestamp_ms, largest_.last_offset);
    }
}

void Segment::forget_indexes() {
    LB_ASSERT(has_indexes_);
    offset_index_ = OffsetIndex(base_);
    time_index_ = TimeIndex(base_);
    has_indexes_ = false;
}

}  // namespace logboom::storage
