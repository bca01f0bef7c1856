// Addresses as people write them, and connections to them.
#pragma once

#include "collector/ctl/failure.h"
#include "shared/io/env.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace logboom::ctl {

struct PeerAddress {
    std::string host;
    std::uint16_t port = 0;
};
[[nodiscard]] std::string to_string(const PeerAddress& address);
/// "host", "host:9092", "[::1]:9092".
[[nodiscard]] std::optional<PeerAddress> parse_peer_address(
    std::string_view text, std::uint16_t port_default
);

/// To the first address of the host that takes it. Failures name the peer and the reason.
Task<Outcome<std::unique_ptr<Conn>>> connect_to(Env& env, PeerAddress address, SteadyTime deadline);

/// The peer and the reason, in the words that other tools use.
[[nodiscard]] Failure unreachable(const PeerAddress& address, const Error& error);

}  // namespace logboom::ctl
