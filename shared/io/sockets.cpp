#include "shared/io/sockets.h"

#include "shared/base/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace logboom::io {

namespace {

void set_option(const int fd, const int level, const int name, const int value) noexcept {
    // A kernel that lacks one of them serves without it.
    static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

}  // namespace

socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out) noexcept {
    out = {};
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        return sizeof(sockaddr_in);
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        return sizeof(sockaddr_in6);
    }
    return 0;
}

void set_connection_options(const int fd, const std::int64_t user_timeout_ms) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout_ms));
}

std::int32_t listen_tcp(const Op& op) noexcept {
    sockaddr_storage address;
    const socklen_t size = to_sockaddr(*static_cast<const SocketAddress*>(op.address), address);
    if (size == 0) {
        return -EADDRNOTAVAIL;
    }
    const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (op.flags == 1) {
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) < 0
        || ::listen(fd, limits::listen_backlog) < 0) {
        const int error = errno;
        ::close(fd);
        return -error;
    }
    return fd;
}

std::int32_t local_port(const Op& op) noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(op.fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
        return -errno;
    }
    // The port stands at the same place in both families.
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::int32_t peer_address(const Op& op) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(op.fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
        return -errno;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* const bytes =
        address.ss_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)
            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    ::inet_ntop(address.ss_family, bytes, text.data(), text.size());
    auto& peer = *static_cast<SocketAddress*>(op.out);
    peer.host = text.data();
    peer.port = ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    return 0;
}

}  // namespace logboom::io
