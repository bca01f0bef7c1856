#include "tests/bench/loopback.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace logboom::bench {

namespace {

sockaddr_in loopback(const std::uint16_t port) noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

void no_delay(const int socket) {
    const int on = 1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        give_up("TCP_NODELAY");
    }
}

int tcp_socket() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    if (socket < 0) {
        give_up("socket");
    }
    return socket;
}

}  // namespace

void give_up(const char* const step) noexcept {
    std::fprintf(stderr, "%s: %s\n", step, std::strerror(errno));
    std::_Exit(1);
}

int connect_to(const std::uint16_t port) {
    const int socket = tcp_socket();
    const sockaddr_in address = loopback(port);
    if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        give_up("connect");
    }
    no_delay(socket);
    return socket;
}

SocketPair connected_pair() {
    const int listener = tcp_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0
        || listen(listener, 1) != 0
        || getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        give_up("listen");
    }
    SocketPair pair;
    pair.client = connect_to(ntohs(address.sin_port));
    pair.server = accept(listener, nullptr, nullptr);
    if (pair.server < 0) {
        give_up("accept");
    }
    no_delay(pair.server);
    close(listener);
    return pair;
}

void send_all(const int socket, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            give_up("send");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

void send_pieces(const int socket, std::vector<iovec>& pieces) {
    auto at = pieces.begin();
    while (at != pieces.end()) {
        msghdr message{};
        message.msg_iov = &*at;
        message.msg_iovlen = static_cast<std::size_t>(pieces.end() - at);
        const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent <= 0) {
            give_up("sendmsg");
        }
        auto rest = static_cast<std::size_t>(sent);
        while (at != pieces.end() && rest >= at->iov_len) {
            rest -= at->iov_len;
            ++at;
        }
        if (at != pieces.end()) {
            at->iov_base = static_cast<std::byte*>(at->iov_base) + rest;
            at->iov_len -= rest;
        }
    }
}

bool receive_all(const int socket, MutableByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t got = recv(socket, bytes.data(), bytes.size(), 0);
        if (got < 0) {
            give_up("recv");
        }
        if (got == 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

double now_seconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace logboom::bench
