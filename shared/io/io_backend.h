// The only virtual seam to the kernel. UringBackend and PollBackend ask the real one, SimBackend a
// simulated one.
#pragma once

#include "shared/io/op.h"

namespace logboom::io {

class IoBackend {
public:
    IoBackend() = default;
    IoBackend(const IoBackend&) = delete;
    IoBackend& operator=(const IoBackend&) = delete;
    virtual ~IoBackend() = default;

    /// Starts `op`, which stays where it is until it completes. Never completes inside this call:
    /// completion is always a later turn of the loop (`complete`).
    virtual void submit(Op& op) = 0;
    /// Asks; the op still completes exactly once, with its result or -ECANCELED.
    virtual void cancel(Op& op) = 0;
    /// Closes `fd` some time later and tells nobody: for owners that die without having closed.
    virtual void close_later(int fd) = 0;

    /// Collects completions; waits for the first one until `until` (a past time: does not wait).
    virtual void poll(SteadyTime until) = 0;
    /// Ends a `poll` that waits. The one call that other threads may make.
    virtual void wake() noexcept = 0;

    virtual SteadyTime now() = 0;  // CLOCK_BOOTTIME
    virtual WallTime wall() = 0;   // CLOCK_REALTIME

protected:
    /// The one place where an op ends.
    static void complete(Op& op, const std::int32_t res) {
        LB_ASSERT(op.in_kernel);
        op.in_kernel = false;
        op.res = res;
        if (op.on_done != nullptr) {
            op.on_done(op);
        } else {
            op.scheduler->post(op.waiter);
        }
    }
};

}  // namespace logboom::io
