#include "shared/daemon/service_manager.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace logboom::daemon {

ServiceManager ServiceManager::from_environment() {
    const char* const socket = std::getenv("NOTIFY_SOCKET");
    return ServiceManager(socket == nullptr ? "" : socket);
}

void ServiceManager::ready(const std::string_view status) const {
    send(fmt::format("READY=1\nSTATUS={}\n", status));
}

void ServiceManager::stopping(const std::string_view status) const {
    send(fmt::format("STOPPING=1\nSTATUS={}\n", status));
}

void ServiceManager::status(const std::string_view text) const {
    send(fmt::format("STATUS={}\n", text));
}

/// Not waiting: a manager that does not listen must not stop us, and there is nobody to tell.
void ServiceManager::send(const std::string& message) const {
    sockaddr_un address{};
    const bool is_valid = socket_.size() > 1 && socket_.size() < sizeof address.sun_path
                       && (socket_.front() == '/' || socket_.front() == '@');
    if (!is_valid) {
        return;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_.front() == '@') {
        address.sun_path[0] = '\0';
    }
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    [[maybe_unused]] const ssize_t sent = ::sendto(
        fd,
        message.data(),
        message.size(),
        MSG_NOSIGNAL,
        reinterpret_cast<const sockaddr*>(&address),
        length
    );
    ::close(fd);
}

}  // namespace logboom::daemon
