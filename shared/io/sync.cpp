#include "shared/io/sync.h"

#include <algorithm>

namespace logboom::io {

bool WaitQueue::Awaiter::suspend(const std::coroutine_handle<> task, TaskContext* const context) {
    task_ = task;
    if (cancellable_ == Cancellable::yes && context->cancel->is_cancelled()) {
        outcome_ = ErrorCode::cancelled;
        return false;
    }
    queue_.waiters_.push_back(*this);
    if (timer_.due != no_deadline) {
        timer_.self = this;
        timer_.on_due = [](TimerNode& node) {
            static_cast<Timer&>(node).self->end(ErrorCode::timed_out);
        };
        queue_.scheduler_.timers().arm(timer_);
    }
    if (cancellable_ == Cancellable::yes) {
        cancel_.self = this;
        cancel_.on_cancel = [](CancelNode& node) {
            static_cast<Cancel&>(node).self->end(ErrorCode::cancelled);
        };
        context->cancel->add(cancel_);
    }
    return true;
}

void WaitQueue::Awaiter::end(const ErrorCode outcome) {
    outcome_ = outcome;
    unlink();
    timer_.unlink();
    cancel_.unlink();
    queue_.scheduler_.post(task_);
}

void WaitQueue::wake_one() {
    if (!waiters_.empty()) {
        waiters_.front().end(ErrorCode{});
    }
}

void WaitQueue::wake_all() {
    while (!waiters_.empty()) {
        waiters_.front().end(ErrorCode{});
    }
}

Task<Result<Ok>> Event::wait(const SteadyTime deadline) {
    while (!set_) {
        LB_CO_CHECK(co_await waiters_.wait(deadline));
    }
    co_return Ok{};
}

Task<void> Event::wait_uncancelled() {
    while (!set_) {
        [[maybe_unused]] const auto woken = co_await waiters_.wait_uncancelled();
    }
}

Task<Result<Ok>> ByteSemaphore::acquire(const std::uint64_t bytes, const SteadyTime deadline) {
    const std::uint64_t wanted = std::min(bytes, total_);
    // The counter keeps newcomers behind those who wait already.
    bool queued = false;
    while (free_ < wanted || (!queued && waiting_ != 0)) {
        ++waiting_;
        queued = true;
        const Result<Ok> woken = co_await waiters_.wait(deadline);
        --waiting_;
        if (!woken) {
            waiters_.wake_one();
            co_return woken.error();
        }
    }
    free_ -= wanted;
    if (free_ != 0) {
        waiters_.wake_one();
    }
    co_return Ok{};
}

bool ByteSemaphore::try_acquire(const std::uint64_t bytes) noexcept {
    const std::uint64_t wanted = std::min(bytes, total_);
    if (free_ < wanted || waiting_ != 0) {
        return false;
    }
    free_ -= wanted;
    return true;
}

void ByteSemaphore::release(const std::uint64_t bytes) {
    free_ += std::min(bytes, total_);
    LB_ASSERT(free_ <= total_);
    waiters_.wake_one();
}

Task<Result<Ok>> sleep_until(Scheduler& scheduler, const SteadyTime until) {
    WaitQueue never(scheduler);
    const Result<Ok> ended = co_await never.wait(until);
    if (ended.code() == ErrorCode::timed_out) {
        co_return Ok{};
    }
    co_return ended;
}

}  // namespace logboom::io
