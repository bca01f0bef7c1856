// Durations, sizes and addresses as people write them.
#pragma once

#include "shared/base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logboom::config {

/// "250ms", "5s", "10m", "2h", "7d", "0"; also us and ns. Nothing for other text or above 292 years.
[[nodiscard]] std::optional<Nanos> parse_duration(std::string_view text);
/// The shortest exact form.
[[nodiscard]] std::string format_duration(Nanos duration);

/// "64KiB", "1GiB", "10MB", "512B", "4096". Nothing for other text or above 2^63 - 1.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::int64_t bytes);

/// A name or numeric address, and a port; not resolved.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;

    bool operator==(const HostPort&) const = default;
};
/// "lb1.example:7460", "127.0.0.1:0", "[::1]:7460".
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);
[[nodiscard]] std::string to_string(const HostPort& address);

}  // namespace logboom::config
