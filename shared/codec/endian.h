// Big-endian integers at any address, as Kafka's formats have them.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace logboom::codec {

static_assert(std::endian::native == std::endian::little);

namespace detail {

template <std::integral T>
[[nodiscard]] constexpr T swap_bytes(const T value) noexcept {
    using U = std::make_unsigned_t<T>;
    const auto u = static_cast<U>(value);
    if constexpr (sizeof(T) == 1) {
        return value;
    } else if constexpr (sizeof(T) == 2) {
        return static_cast<T>(__builtin_bswap16(u));
    } else if constexpr (sizeof(T) == 4) {
        return static_cast<T>(__builtin_bswap32(u));
    } else {
        return static_cast<T>(__builtin_bswap64(u));
    }
}

}  // namespace detail

/// Reads sizeof(T) bytes at `from`.
template <std::integral T>
[[nodiscard]] T load_be(const std::byte* const from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return detail::swap_bytes(value);
}

/// Writes sizeof(T) bytes at `to`.
template <std::integral T>
void store_be(std::byte* const to, const T value) noexcept {
    const T swapped = detail::swap_bytes(value);
    std::memcpy(to, &swapped, sizeof swapped);
}

}  // namespace logboom::codec
