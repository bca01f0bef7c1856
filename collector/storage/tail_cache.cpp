#include "collector/storage/tail_cache.h"

#include "shared/base/limits.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace logboom::storage {

namespace {

/// Bookkeeping of one batch: its place in both queues.
constexpr std::uint64_t place_bytes = 64;

}  // namespace

void TailCache::add(LogTail& tail, LogTail::Batch batch) {
    LB_ASSERT(tail.batches_.empty() || tail.batches_.back().end_offset == batch.base_offset);
    if (batch.bytes.size() <= limits::tail_cache_packed_bytes_max
        && !batch.bytes.is_of_same_chunk(newest_)) {
        batch.bytes = packed(batch.bytes);
    }
    const std::uint64_t charge = charge_of(batch.bytes);
    bytes_ += charge;
    oldest_first_.push_back(Held{&tail, charge});
    tail.batches_.push_back(std::move(batch));
    while (bytes_ > bytes_max_ && !oldest_first_.empty()) {
        drop_oldest();
    }
}

Slice TailCache::packed(const Slice& bytes) {
    if (room_used_ + bytes.size() > room_.size()) {
        room_ = pool_.allocate(limits::tail_cache_room_bytes);
        room_used_ = 0;
    }
    std::memcpy(room_.mutable_bytes().data() + room_used_, bytes.data(), bytes.size());
    Slice copy = room_.part(room_used_, bytes.size());
    room_used_ += bytes.size();
    return copy;
}

std::uint64_t TailCache::charge_of(const Slice& bytes) {
    if (bytes.is_of_same_chunk(newest_)) {
        return place_bytes;
    }
    newest_ = bytes;
    return place_bytes + bytes.capacity();
}

void TailCache::drop_oldest() {
    const Held oldest = oldest_first_.front();
    oldest_first_.pop_front();
    bytes_ -= oldest.charge;
    if (oldest.tail != nullptr) {
        oldest.tail->batches_.pop_front();
    }
    if (oldest_first_.empty()) {
        newest_ = Slice();
        room_ = Slice();
        room_used_ = 0;
    }
}

void TailCache::forget(LogTail& tail) {
    tail.batches_.clear();
    // Their chunks may be shared with other logs' batches: the charge goes when its turn comes.
    for (Held& held : oldest_first_) {
        if (held.tail == &tail) {
            held.tail = nullptr;
        }
    }
}

}  // namespace logboom::storage
