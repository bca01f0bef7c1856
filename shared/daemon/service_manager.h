// What the service manager is told: systemd's notification protocol, one datagram per message on the
// socket that it names in NOTIFY_SOCKET. Without one nothing is sent.
#pragma once

#include "shared/base/time.h"

#include <string>
#include <string_view>
#include <utility>

namespace logboom::daemon {

class ServiceManager {
public:
    /// `socket`: a path, or '@' and an abstract name; empty: nobody listens.
    /// `watchdog`: how long a sign of life may take; zero: nobody waits for any.
    explicit ServiceManager(std::string socket, const Nanos watchdog = Nanos::zero())
        : socket_(std::move(socket))
        , watchdog_(watchdog) {}
    /// The one of the environment.
    [[nodiscard]] static ServiceManager from_environment();

    /// Configuration applied, state recovered, doors bound.
    void ready(std::string_view status) const;
    void stopping(std::string_view status) const;
    /// One line of plain text for `systemctl status`.
    void status(std::string_view text) const;
    /// Starting or stopping goes on and takes at least this much longer.
    void extend_timeout(Nanos more) const;
    /// A sign of life, due within each `watchdog()`: after a longer silence the program is killed.
    void alive() const;
    /// Zero: no signs of life are wanted.
    [[nodiscard]] Nanos watchdog() const noexcept { return watchdog_; }

private:
    void send(const std::string& message) const;

    std::string socket_;
    Nanos watchdog_;
};

/// Whether standard error is a stream into systemd's journal, which takes a line's level from its front.
[[nodiscard]] bool is_stderr_a_journal() noexcept;

}  // namespace logboom::daemon
