// In what pieces a target shows its input to a parser that is fed.
#pragma once

#include <array>
#include <cstddef>

namespace logboom::fuzz {

/// Byte by byte only where that does not take most of the time.
[[nodiscard]] constexpr std::size_t piece_bytes_for(const std::size_t input_bytes) noexcept {
    constexpr std::size_t bytewise_max = 150;
    constexpr std::array<std::size_t, 3> sizes{1, 7, 100};
    const std::size_t size = sizes[input_bytes % sizes.size()];
    return size == 1 && input_bytes > bytewise_max ? 29 : size;
}

}  // namespace logboom::fuzz
