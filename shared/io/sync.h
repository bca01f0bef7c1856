// What tasks of one shard wait on besides I/O: events, queues of waiters, byte budgets, time.
#pragma once

#include "shared/base/result.h"
#include "shared/base/time.h"
#include "shared/io/cancel.h"
#include "shared/io/scheduler.h"
#include "shared/io/task.h"

#include <cstdint>

namespace logboom::io {

/// One suspended task in a list, with an optional deadline. Ends exactly once: woken, timed out or
/// cancelled. `Result<Ok>`: errors `timed_out`, `cancelled`.
class WaitQueue {
public:
    explicit WaitQueue(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    enum class Cancellable : bool { no, yes };

    class Awaiter : public ListNode {
    public:
        Awaiter(WaitQueue& queue, const SteadyTime deadline, const Cancellable cancellable) noexcept
            : queue_(queue)
            , cancellable_(cancellable) {
            timer_.due = deadline;
        }
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <std::derived_from<PromiseBase> P>
        bool await_suspend(const std::coroutine_handle<P> task) {
            return suspend(task, task.promise().context);
        }
        Result<Ok> await_resume() const noexcept {
            if (outcome_ == ErrorCode{}) {
                return Ok{};
            }
            return Error{outcome_, 0, "wait"};
        }

    private:
        friend class WaitQueue;
        struct Timer : TimerNode {
            Awaiter* self = nullptr;
        };
        struct Cancel : CancelNode {
            Awaiter* self = nullptr;
        };
        bool suspend(std::coroutine_handle<> task, TaskContext* context);
        void end(ErrorCode outcome);

        WaitQueue& queue_;
        Cancellable cancellable_;
        std::coroutine_handle<> task_;
        Timer timer_;
        Cancel cancel_;
        ErrorCode outcome_{};
    };

    /// Suspends until woken. First in, first out.
    [[nodiscard]] Awaiter wait(const SteadyTime deadline = no_deadline) noexcept {
        return Awaiter(*this, deadline, Cancellable::yes);
    }
    [[nodiscard]] Awaiter wait_uncancelled() noexcept {
        return Awaiter(*this, no_deadline, Cancellable::no);
    }
    void wake_one();
    void wake_all();
    [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }

private:
    Scheduler& scheduler_;
    IntrusiveList<Awaiter> waiters_;
};

/// A flag that tasks wait for. Stays set until `reset()`.
class Event {
public:
    explicit Event(Scheduler& scheduler) noexcept : waiters_(scheduler) {}

    void set() {
        set_ = true;
        waiters_.wake_all();
    }
    void reset() noexcept { set_ = false; }
    [[nodiscard]] bool is_set() const noexcept { return set_; }
    Task<Result<Ok>> wait(SteadyTime deadline = no_deadline);
    Task<void> wait_uncancelled();

private:
    WaitQueue waiters_;
    bool set_ = false;
};

/// A budget in bytes with FIFO waiters (X2). A request above the whole budget is served alone.
class ByteSemaphore {
public:
    ByteSemaphore(Scheduler& scheduler, const std::uint64_t bytes) noexcept
        : scheduler_(scheduler)
        , total_(bytes)
        , free_(bytes) {}

    Task<Result<Ok>> acquire(std::uint64_t bytes, SteadyTime deadline = no_deadline);
    [[nodiscard]] bool try_acquire(std::uint64_t bytes) noexcept;
    void release(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t used() const noexcept { return total_ - free_; }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

private:
    /// In the frame of the task that waits.
    struct Request : ListNode {
        Request(Scheduler& scheduler, const std::uint64_t bytes) noexcept
            : wanted(bytes)
            , served(scheduler) {}
        std::uint64_t wanted;
        WaitQueue served;
    };
    void serve();

    Scheduler& scheduler_;
    std::uint64_t total_;
    std::uint64_t free_;
    IntrusiveList<Request> requests_;
};

/// Suspends the task until `until`; `cancelled` if its scope ends first.
Task<Result<Ok>> sleep_until(Scheduler& scheduler, SteadyTime until);

/// Goes to the back of the ready list (for loops that could run long without suspending, C21).
struct YieldAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <std::derived_from<PromiseBase> P>
    void await_suspend(const std::coroutine_handle<P> task) const {
        task.promise().context->scheduler->post(task);
    }
    void await_resume() const noexcept {}
};
[[nodiscard]] inline YieldAwaiter yield() noexcept {
    return {};
}

/// True when the running task's scope was cancelled.
struct IsCancelledAwaiter {
    bool cancelled = false;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <std::derived_from<PromiseBase> P>
    bool await_suspend(const std::coroutine_handle<P> task) noexcept {
        cancelled = task.promise().context->cancel->is_cancelled();
        return false;
    }
    [[nodiscard]] bool await_resume() const noexcept { return cancelled; }
};
[[nodiscard]] inline IsCancelledAwaiter is_cancelled() noexcept {
    return {};
}

}  // namespace logboom::io
