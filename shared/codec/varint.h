// Variable-length integers: seven bits a byte, least significant group first. Kafka's records hold them
// zigzag-coded (varint, varlong), its compact messages plain (uvarint).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace logboom::codec {

inline constexpr std::size_t varint_bytes_max = 5;
inline constexpr std::size_t varlong_bytes_max = 10;

[[nodiscard]] constexpr std::uint32_t zigzag(const std::int32_t n) noexcept {
    return (static_cast<std::uint32_t>(n) << 1) ^ static_cast<std::uint32_t>(n >> 31);
}
[[nodiscard]] constexpr std::uint64_t zigzag(const std::int64_t n) noexcept {
    return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}
[[nodiscard]] constexpr std::int32_t unzigzag(const std::uint32_t n) noexcept {
    return static_cast<std::int32_t>((n >> 1) ^ (~(n & 1) + 1));
}
[[nodiscard]] constexpr std::int64_t unzigzag(const std::uint64_t n) noexcept {
    return static_cast<std::int64_t>((n >> 1) ^ (~(n & 1) + 1));
}

/// Bytes that the number takes.
[[nodiscard]] constexpr std::size_t uvarint_size(const std::uint64_t n) noexcept {
    return (static_cast<std::size_t>(std::bit_width(n | 1)) + 6) / 7;
}
[[nodiscard]] constexpr std::size_t varint_size(const std::int32_t n) noexcept {
    return uvarint_size(zigzag(n));
}
[[nodiscard]] constexpr std::size_t varlong_size(const std::int64_t n) noexcept {
    return uvarint_size(zigzag(n));
}

/// Writes the number at `to`, which has room for its largest form, and returns the byte after it.
[[nodiscard]] inline std::byte* put_uvarint(std::byte* to, std::uint64_t n) noexcept {
    while (n >= 0x80) {
        *to++ = static_cast<std::byte>(n | 0x80);
        n >>= 7;
    }
    *to++ = static_cast<std::byte>(n);
    return to;
}
[[nodiscard]] inline std::byte* put_varint(std::byte* const to, const std::int32_t n) noexcept {
    return put_uvarint(to, zigzag(n));
}
[[nodiscard]] inline std::byte* put_varlong(std::byte* const to, const std::int64_t n) noexcept {
    return put_uvarint(to, zigzag(n));
}

}  // namespace logboom::codec
