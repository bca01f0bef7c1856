#include "collector/storage/tail_cache.h"

#include <algorithm>
#include <utility>

namespace logboom::storage {

void TailCache::add(LogTail& tail, LogTail::Batch batch) {
    LB_ASSERT(
        tail.batches_.empty() || tail.batches_.back().end_offset == batch.base_offset
    );
    bytes_ += batch.bytes.size();
    tail.batches_.push_back(std::move(batch));
    oldest_first_.push_back(&tail);
    while (bytes_ > bytes_max_) {
        LogTail& oldest = *oldest_first_.front();
        oldest_first_.pop_front();
        bytes_ -= oldest.batches_.front().bytes.size();
        oldest.batches_.pop_front();
    }
}

void TailCache::forget(LogTail& tail) {
    for (const LogTail::Batch& batch : tail.batches_) {
        bytes_ -= batch.bytes.size();
    }
    tail.batches_.clear();
    std::erase(oldest_first_, &tail);
}

}  // namespace logboom::storage
