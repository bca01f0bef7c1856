#include "shared/daemon/service_manager.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace logboom::daemon {
namespace {

std::string_view variable(const char* const name) noexcept {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : value;
}

/// The unit's WatchdogSec=, if it is meant for this process and not for one that inherited the environment.
Nanos watchdog_of_environment() noexcept {
    const std::string_view pid = variable("WATCHDOG_PID");
    const std::string_view text = variable("WATCHDOG_USEC");
    std::int64_t micros = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), micros);
    const bool is_ours = pid.empty() || pid == std::to_string(::getpid());
    constexpr std::int64_t micros_max = INT64_MAX / 1000;
    const bool is_valid = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    return is_ours && is_valid && micros > 0 && micros <= micros_max
             ? Nanos(std::chrono::microseconds(micros))
             : Nanos::zero();
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    return ServiceManager(std::string(variable("NOTIFY_SOCKET")), watchdog_of_environment());
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

void ServiceManager::extend_timeout(const Nanos more) const {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(more);
    send(fmt::format("EXTEND_TIMEOUT_USEC={}\n", micros.count()));
}

void ServiceManager::alive() const {
    send("WATCHDOG=1\n");
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

bool is_stderr_a_journal() noexcept {
    struct stat status {};
    if (::fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    // Device and inode: a program that was started by a service and writes elsewhere inherits the variable.
    return variable("JOURNAL_STREAM") == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

}  // namespace logboom::daemon
