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
        && !chunks_.contains(batch.bytes.chunk_id())) {
        batch.bytes = packed(batch.bytes);
    }
    charge(batch.bytes);
    oldest_first_.push_back(Held{&tail, batch.bytes.chunk_id(), batch.bytes.capacity()});
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

void TailCache::charge(const Slice& bytes) {
    bytes_ += place_bytes;
    if (++chunks_[bytes.chunk_id()] == 1) {
        bytes_ += bytes.capacity();
    }
}

void TailCache::release(const Held& held) {
    const auto chunk = chunks_.find(held.chunk);
    if (--chunk->second == 0) {
        chunks_.erase(chunk);
        bytes_ -= held.chunk_bytes;
    }
}

void TailCache::drop_oldest() {
    const Held oldest = oldest_first_.front();
    oldest_first_.pop_front();
    bytes_ -= place_bytes;
    if (oldest.tail != nullptr) {
        release(oldest);
        oldest.tail->batches_.pop_front();
    }
    if (oldest_first_.empty()) {
        room_ = Slice();
        room_used_ = 0;
    }
}

void TailCache::forget(LogTail& tail) {
    for (Held& held : oldest_first_) {
        if (held.tail == &tail) {
            release(held);  // a chunk that is freed here may come again at its address
            held.tail = nullptr;
        }
    }
    tail.batches_.clear();
}

}  // namespace logboom::storage
