#include "collector/storage/time_index.h"

#include "shared/codec/endian.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr std::size_t entry_bytes = 12;
constexpr std::size_t at_offset = 8;

}  // namespace

void TimeIndex::add(const std::int64_t timestamp_ms, const Offset last_offset) {
    if (!entries_.empty() && timestamp_ms <= entries_.back().timestamp_ms) {
        return;
    }
    const std::int64_t delta = last_offset - base_;
    LB_ASSERT(delta >= 0 && delta <= INT32_MAX);
    entries_.push_back(Entry{timestamp_ms, static_cast<std::int32_t>(delta)});
}

Offset TimeIndex::start_of(const std::int64_t timestamp_ms) const noexcept {
    const auto after = std::partition_point(
        entries_.begin(),
        entries_.end(),
        [timestamp_ms](const Entry& entry) { return entry.timestamp_ms < timestamp_ms; }
    );
    return after == entries_.begin() ? base_ : base_ + std::prev(after)->last_offset_delta;
}

void TimeIndex::encode(Buffer& out) const {
    for (const Entry& entry : entries_) {
        std::byte* const to = out.extend(entry_bytes);
        codec::store_be(to, entry.timestamp_ms);
        codec::store_be(to + at_offset, entry.last_offset_delta);
    }
}

Result<TimeIndex> TimeIndex::decode(const ByteView file, const Offset base_offset) {
    if (file.size() % entry_bytes != 0) {
        return Error{ErrorCode::malformed, 0, "size of a time index"};
    }
    TimeIndex index(base_offset);
    for (std::size_t at = 0; at < file.size(); at += entry_bytes) {
        Entry entry;
        entry.timestamp_ms = codec::load_be<std::int64_t>(file.data() + at);
        entry.last_offset_delta = codec::load_be<std::int32_t>(file.data() + at + at_offset);
        const bool is_rising = index.entries_.empty()
                               || (entry.timestamp_ms > index.entries_.back().timestamp_ms
                                   && entry.last_offset_delta
                                          > index.entries_.back().last_offset_delta);
        if (!is_rising || entry.last_offset_delta < 0) {
            return Error{ErrorCode::malformed, 0, "order of a time index"};
        }
        index.entries_.push_back(entry);
    }
    return index;
}

}  // namespace logboom::storage
