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
    if (try_acquire(bytes)) {
        co_return Ok{};
    }
    Request request(scheduler_, std::min(bytes, total_));
    requests_.push_back(request);
    const Result<Ok> served = co_await request.served.wait(deadline);
    if (!served) {
        // Those behind it may have been waiting for it alone.
        request.unlink();
        serve();
    }
    co_return served;
}

bool ByteSemaphore::try_acquire(const std::uint64_t bytes) noexcept {
    const std::uint64_t wanted = std::min(bytes, total_);
    if (free_ < wanted || !requests_.empty()) {
        return false;
    }
    free_ -= wanted;
    return true;
}

void ByteSemaphore::release(const std::uint64_t bytes) {
    free_ += std::min(bytes, total_);
    LB_ASSERT(free_ <= total_);
    serve();
}

/// The bytes are taken here and not when the task runs, so that nobody takes them in between.
void ByteSemaphore::serve() {
    while (!requests_.empty()) {
        Request& request = requests_.front();
        const bool has_given_up = request.served.empty();  // its task has not run since
        if (!has_given_up && request.wanted > free_) {
            break;
        }
        request.unlink();
        if (!has_given_up) {
            free_ -= request.wanted;
            request.served.wake_one();
        }
    }
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
