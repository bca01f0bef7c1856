// Clean-up that awaits (a goodbye to a peer, a last look for acknowledgements) belongs to tasks that have
// been cancelled: it runs under a shield, which their cancelling does not pass, with a deadline of its own
// (io-runtime C15).
#pragma once

#include "shared/base/time.h"
#include "shared/io/task.h"
#include "shared/io/timer_wheel.h"

namespace logboom::io {

namespace detail {

/// What the task under a shield belongs to in place of its parent's scope.
class Shield {
public:
    Shield(Scheduler& scheduler, const SteadyTime deadline) : context_{&scheduler, &token_} {
        if (deadline != no_deadline) {
            end_.token = &token_;
            end_.due = deadline;
            end_.on_due = [](TimerNode& node) { static_cast<End&>(node).token->cancel(); };
            scheduler.timers().arm(end_);
        }
    }
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;

    template <typename T>
    struct Awaiter : Task<T>::Awaiter {
        TaskContext* context;

        template <std::derived_from<PromiseBase> P>
        bool await_suspend(const std::coroutine_handle<P> parent) {
            return this->start(parent, context);
        }
    };
    template <typename T>
    [[nodiscard]] Awaiter<T> over(Task<T>&& task) noexcept {
        return Awaiter<T>{std::move(task).operator co_await(), &context_};
    }

private:
    struct End : TimerNode {
        CancelToken* token = nullptr;
    };
    CancelToken token_;
    TaskContext context_;
    End end_;
};

}  // namespace detail

/// Runs `task`, and what it awaits, whether or not the caller's scope is cancelled. At the deadline its
/// awaits end with `cancelled`. The caller waits for it in any case: it is meant to be short.
template <typename T>
Task<T> shielded(Scheduler& scheduler, Task<T> task, const SteadyTime deadline = no_deadline) {
    detail::Shield shield(scheduler, deadline);
    co_return co_await shield.over(std::move(task));
}

}  // namespace logboom::io
