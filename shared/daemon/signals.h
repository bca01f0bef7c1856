// The signals of a daemon. A handler is the one thing that the kernel calls without an object, so there
// is one Signals per process, made in main; a simulated node has none.
#pragma once

#include <functional>

namespace logboom::daemon {

class Signals {
public:
    /// SIGTERM and SIGINT: the first calls `on_stop`, which must be safe in a signal handler (it wakes a
    /// loop and does nothing else); the second ends the process at once with 128 + its number, for an
    /// operator whose stop hangs. SIGHUP is noted. SIGPIPE is ignored: a send reports EPIPE. So is SIGIO,
    /// which says that somebody opens a file on which we hold a lease for a moment (agent-design U5).
    explicit Signals(std::function<void()> on_stop);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    /// Gives the signals back their default actions.
    ~Signals();

    /// The signal that asked for the stop; 0 if none has.
    [[nodiscard]] int stop_signal() const noexcept;
    /// Whether a SIGHUP has come since the last call.
    [[nodiscard]] bool take_hangup() noexcept;
};

}  // namespace logboom::daemon
