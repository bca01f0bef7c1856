// Lets tasks in one at a time: what each of them does over its awaits, no other one sees half done.
#pragma once

#include "shared/io/sync.h"
#include "shared/io/task.h"

#include <utility>

namespace logboom::io {

/// Shard: that of `scheduler`.
class Turn {
public:
    explicit Turn(Scheduler& scheduler) noexcept : free_(scheduler) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    /// Runs `work` when nobody else's is running, and returns its result. Not cut short by cancellation.
    template <typename R>
    Task<R> run(Task<R> work) {
        while (is_taken_) {
            // Named, since clang 14 takes the awaited thing itself for a dropped result in a template.
            [[maybe_unused]] const Result<Ok> woken = co_await free_.wait_uncancelled();
        }
        is_taken_ = true;
        R result = co_await std::move(work);
        is_taken_ = false;
        free_.wake_one();
        co_return result;
    }

private:
    bool is_taken_ = false;
    WaitQueue free_;
};

}  // namespace logboom::io
