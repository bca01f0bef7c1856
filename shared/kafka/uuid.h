// The 128-bit ids of the Kafka protocol, of topics above all.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>

namespace logboom::kafka {

/// 16 bytes, most significant half first. All zeros mean "none".
struct Uuid {
    std::array<std::byte, 16> bytes{};

    [[nodiscard]] bool is_zero() const noexcept { return *this == Uuid{}; }
    friend bool operator==(const Uuid&, const Uuid&) = default;
    friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// As Kafka's tools write it: 22 characters of URL-safe base64 without padding.
[[nodiscard]] std::string to_string(const Uuid& id);

}  // namespace logboom::kafka
