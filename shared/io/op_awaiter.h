// Awaiting one Op: `const std::int32_t res = co_await OpAwaiter(backend, op);`
#pragma once

#include "shared/base/result.h"
#include "shared/io/io_backend.h"
#include "shared/io/task.h"

#include <cerrno>

namespace logboom::io {

class OpAwaiter {
public:
    /// Ops on files end by themselves and are never cancelled, so that clean-up needs no shield;
    /// what waits on a peer or on an event is.
    enum class Cancellable : bool { no, yes };

    /// A deadline asks the backend to cancel as well; the result is then -ETIMEDOUT.
    OpAwaiter(
        IoBackend& backend,
        const Op& op,
        const Cancellable cancellable = Cancellable::no,
        const SteadyTime deadline = no_deadline
    )
        : backend_(backend)
        , op_(op)
        , cancellable_(cancellable) {
        timer_.due = deadline;
    }
    OpAwaiter(const OpAwaiter&) = delete;
    OpAwaiter& operator=(const OpAwaiter&) = delete;
    ~OpAwaiter() {
        // A frame destroyed under the kernel: its buffers would be written to after they are gone.
        LB_ASSERT(!op_.in_kernel);
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <std::derived_from<PromiseBase> P>
    bool await_suspend(const std::coroutine_handle<P> task) {
        TaskContext* const context = task.promise().context;
        if (cancellable_ == Cancellable::yes) {
            if (context->cancel->is_cancelled()) {
                op_.res = -ECANCELED;
                return false;
            }
            cancel_.self = this;
            cancel_.on_cancel = [](CancelNode& node) {
                static_cast<Cancel&>(node).self->ask_to_cancel();
            };
            context->cancel->add(cancel_);
        }
        if (timer_.due != no_deadline) {
            timer_.self = this;
            timer_.on_due = [](TimerNode& node) {
                OpAwaiter& self = *static_cast<Timer&>(node).self;
                self.timed_out_ = true;
                self.ask_to_cancel();
            };
            context->scheduler->timers().arm(timer_);
        }
        op_.waiter = task;
        op_.scheduler = context->scheduler;
        op_.in_kernel = true;
        backend_.submit(op_);
        return true;
    }
    [[nodiscard]] std::int32_t await_resume() noexcept {
        cancel_.unlink();
        timer_.unlink();
        return timed_out_ && op_.res == -ECANCELED ? -ETIMEDOUT : op_.res;
    }

private:
    struct Cancel : CancelNode {
        OpAwaiter* self = nullptr;
    };
    struct Timer : TimerNode {
        OpAwaiter* self = nullptr;
    };

    void ask_to_cancel() {
        // It may have completed already and wait in the ready list.
        if (op_.in_kernel && !op_.cancel_requested) {
            op_.cancel_requested = true;
            backend_.cancel(op_);
        }
    }

    IoBackend& backend_;
    Op op_;
    Cancellable cancellable_;
    Cancel cancel_;
    Timer timer_;
    bool timed_out_ = false;
};

/// Error of a negative result: `io` with its errno, or the code that callers react to.
[[nodiscard]] Error to_error(std::int32_t negative_errno, const char* step) noexcept;

}  // namespace logboom::io
