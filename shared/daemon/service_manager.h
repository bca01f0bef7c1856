// What the service manager is told: systemd's notification protocol, one datagram per message on the
// socket that it names in NOTIFY_SOCKET. Without one nothing is sent.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace logboom::daemon {

class ServiceManager {
public:
    /// `socket`: a path, or '@' and an abstract name; empty: nobody listens.
    explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}
    /// The one of the environment.
    [[nodiscard]] static ServiceManager from_environment();

    /// Configuration applied, state recovered, doors bound.
    void ready(std::string_view status) const;
    void stopping(std::string_view status) const;
    /// One line of plain text for `systemctl status`.
    void status(std::string_view text) const;

private:
    void send(const std::string& message) const;

    std::string socket_;
};

}  // namespace logboom::daemon
