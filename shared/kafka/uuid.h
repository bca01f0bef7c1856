// The 128-bit ids of the Kafka protocol, of topics above all.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>

namespace logboom::kafka {

/// 16 bytes, most significant half first. All zeros mean "none".
struct Uuid {
    std::array<std::byte, 16> bytes{};

    [[nodiscard]] bool is_zero() const noexcept { return *this == Uuid{}; }
    friend bool operator==(const Uuid&, const Uuid&) = default;
    friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// An id from random bits, as Kafka's tools take one: not one of the reserved ids (0 and 1), and its text
/// does not begin like an option of a command line. Nothing: draw again.
[[nodiscard]] std::optional<Uuid> usable_uuid(const std::array<std::byte, 16>& bits);

/// As Kafka's tools write it: 22 characters of URL-safe base64 without padding.
[[nodiscard]] std::string to_string(const Uuid& id);

}  // namespace logboom::kafka
