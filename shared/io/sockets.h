// Sockets as plain calls, which the real backends make in the same way.
#pragma once

#include "shared/io/net.h"
#include "shared/io/op.h"

#include <sys/socket.h>

#include <cstdint>

namespace logboom::io {

/// Fills a socket address from text and returns its size; 0 if the text is no numeric address.
[[nodiscard]] socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out) noexcept;

/// What every connection of ours has (N20). Zero: no TCP_USER_TIMEOUT.
void set_connection_options(int fd, std::int64_t user_timeout_ms) noexcept;

// The kinds of their names: >= 0 or -errno.
[[nodiscard]] std::int32_t listen_tcp(const Op& op) noexcept;
[[nodiscard]] std::int32_t local_port(const Op& op) noexcept;
[[nodiscard]] std::int32_t peer_address(const Op& op);

}  // namespace logboom::io
