#include "collector/ctl/connect.h"

#include <charconv>
#include <cstring>

namespace logboom::ctl {

namespace {

/// The reason as people know it from other tools.
std::string reason_of(const Error& error) {
    switch (error.code) {
    case ErrorCode::timed_out: return "timed out";
    case ErrorCode::not_found: return "no such host";
    case ErrorCode::closed: return "the peer closed the connection";
    case ErrorCode::malformed: return error.step;
    default: break;  // for the rest the kernel's reason says most
    }
    if (error.sys_errno == ECONNREFUSED) {
        return "connection refused";
    }
    return error.sys_errno != 0 ? std::string(strerror(error.sys_errno)) : to_string(error);
}

}  // namespace

Failure unreachable(const PeerAddress& address, const Error& error) {
    return Failure{
        .exit_code = error.code == ErrorCode::cancelled ? ExitCode::interrupted
                                                        : ExitCode::unreachable,
        .what = to_string(address) + " (" + reason_of(error) + ")"};
}

std::string to_string(const PeerAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::optional<PeerAddress> parse_peer_address(
    const std::string_view text, const std::uint16_t port_default
) {
    PeerAddress address;
    address.port = port_default;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        address.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        const std::size_t colon = text.rfind(':');
        address.host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    if (!port.empty()) {
        const char* const end = port.data() + port.size();
        const auto parsed = std::from_chars(port.data() + 1, end, address.port);
        if (port.front() != ':' || parsed.ec != std::errc() || parsed.ptr != end
            || address.port == 0) {
            return std::nullopt;
        }
    }
    return address.host.empty() ? std::nullopt : std::optional(std::move(address));
}

Task<Outcome<std::unique_ptr<Conn>>> connect_to(
    Env& env, PeerAddress address, const SteadyTime deadline
) {
    const auto hosts = co_await env.net.resolve(address.host, deadline);
    if (!hosts.has_value()) {
        co_return unreachable(address, hosts.error());
    }
    Error last{ErrorCode::not_found, 0, "resolve"};
    for (const std::string& host : *hosts) {
        SocketAddress peer{host, address.port};
        auto conn = co_await env.net.connect(std::move(peer), deadline);
        if (conn.has_value()) {
            co_return std::move(*conn);
        }
        last = conn.error();
    }
    co_return unreachable(address, last);
}

}  // namespace logboom::ctl
