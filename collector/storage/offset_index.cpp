#include "collector/storage/offset_index.h"

#include "shared/base/limits.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/crc_frame.h"
#include "shared/codec/endian.h"

#include <algorithm>
#include <utility>

namespace logboom::storage {

namespace {

using codec::load_be;
using codec::store_be;

constexpr std::string_view file_kind = "LBOI";

constexpr std::size_t entry_bytes = 16;
constexpr std::size_t at_last_offset = 0;
constexpr std::size_t at_position = 4;
constexpr std::size_t at_heads_crc = 8;
constexpr std::size_t at_entry_crc = 12;

}  // namespace

bool OffsetIndex::add(const record::BatchView& batch, const std::uint64_t position) {
    const std::int64_t delta = batch.header().last_offset() - base_;
    LB_ASSERT(delta >= 0 && delta <= INT32_MAX && position <= INT32_MAX);
    last_batch_.last_offset_delta = static_cast<std::int32_t>(delta);
    last_batch_.position = static_cast<std::int32_t>(position);
    heads_crc_ = codec::crc32c(batch.bytes().first(batch_head_bytes), heads_crc_);
    has_uncovered_heads_ = true;
    const bool is_due = bytes_since_entry_ >= limits::index_interval_bytes;
    if (is_due) {
        finish();
        bytes_since_entry_ = 0;
    }
    bytes_since_entry_ += batch.size();
    return is_due;
}

void OffsetIndex::finish() {
    if (has_uncovered_heads_) {
        Entry entry = last_batch_;
        entry.heads_crc = std::exchange(heads_crc_, 0);
        entries_.push_back(entry);
        has_uncovered_heads_ = false;
    }
}

void OffsetIndex::resume_behind(const record::BatchView& last_entry) noexcept {
    bytes_since_entry_ = last_entry.size();
    heads_crc_ = 0;
    has_uncovered_heads_ = false;
}

std::uint64_t OffsetIndex::position_of(const Offset target) const noexcept {
    const std::int64_t delta = target - base_;
    const auto after =
        std::partition_point(entries_.begin(), entries_.end(), [delta](const Entry& entry) {
            return entry.last_offset_delta <= delta;
        });
    return after == entries_.begin() ? 0 : static_cast<std::uint64_t>(std::prev(after)->position);
}

void OffsetIndex::encode(Buffer& out) const {
    codec::append_file_head(file_kind, file_version, out);
    for (const Entry& entry : entries_) {
        std::byte* const to = out.extend(entry_bytes);
        store_be(to + at_last_offset, entry.last_offset_delta);
        store_be(to + at_position, entry.position);
        store_be(to + at_heads_crc, entry.heads_crc);
        store_be(to + at_entry_crc, codec::crc32c(ByteView{to, at_entry_crc}));
    }
}

Result<OffsetIndex> OffsetIndex::decode(const ByteView file, const Offset base_offset) {
    LB_CHECK(codec::check_file_head(file, file_kind, file_version));
    const ByteView bytes = file.subspan(codec::framed_file_head_bytes);
    if (bytes.size() % entry_bytes != 0) {
        return Error{ErrorCode::malformed, 0, "size of an offset index"};
    }
    OffsetIndex index(base_offset);
    index.entries_.reserve(bytes.size() / entry_bytes);
    for (std::size_t at = 0; at < bytes.size(); at += entry_bytes) {
        const std::byte* const from = bytes.data() + at;
        const auto crc = load_be<std::uint32_t>(from + at_entry_crc);
        if (codec::crc32c(ByteView{from, at_entry_crc}) != crc) {
            return Error{ErrorCode::corrupt, 0, "entry of an offset index"};
        }
        Entry entry;
        entry.last_offset_delta = load_be<std::int32_t>(from + at_last_offset);
        entry.position = load_be<std::int32_t>(from + at_position);
        entry.heads_crc = load_be<std::uint32_t>(from + at_heads_crc);
        const bool is_rising = index.entries_.empty()
                            || (entry.position > index.entries_.back().position
                                && entry.last_offset_delta > index.entries_.back().last_offset_delta
                            );
        if (!is_rising || entry.position < 0 || entry.last_offset_delta < 0) {
            return Error{ErrorCode::malformed, 0, "order of an offset index"};
        }
        index.entries_.push_back(entry);
    }
    return index;
}

std::optional<std::size_t> OffsetIndex::first_contradiction(
    const OffsetIndex& kept, const OffsetIndex& from_log
) {
    // Both follow one rule from the segment's first batch on, so the shorter is a prefix of the longer. But
    // for the entry of the last batch: a segment that was closed once stays as it is.
    const std::size_t common = std::min(kept.entries_.size(), from_log.entries_.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (kept.entries_[i] != from_log.entries_[i]) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace logboom::storage
