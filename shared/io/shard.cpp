#include "shared/io/shard.h"

namespace logboom::io {

void Shard::post(std::function<void()> message) {
    {
        const std::lock_guard lock(mutex_);
        inbox_.push_back(std::move(message));
    }
    backend_.wake();
}

void Shard::drain() {
    {
        const std::lock_guard lock(mutex_);
        draining_.swap(inbox_);
    }
    while (!draining_.empty()) {
        const std::function<void()> message = std::move(draining_.front());
        draining_.pop_front();
        message();
    }
}

}  // namespace logboom::io
