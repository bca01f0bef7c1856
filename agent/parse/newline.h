// Where the line feeds of a block are. 64 bytes become one 64-bit mask; with AVX2 that is four
// instructions, and walking the set bits is the whole cost per line.
#pragma once

#include "shared/base/bytes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace logboom::parse {

inline constexpr std::size_t mask_bytes = 64;

/// Sets bit `i` of `masks[k]` where byte `64 * k + i` is LF and clears the others. `data` has
/// `masks_count * 64` bytes. Chosen once for this processor.
void newline_masks(const std::byte* data, std::size_t masks_count, std::uint64_t* masks) noexcept;
/// The same on any processor; what the fast ones are tested against.
void newline_masks_portable(
    const std::byte* data, std::size_t masks_count, std::uint64_t* masks
) noexcept;

/// Calls `found(index)` for each LF of `bytes`, in order.
template <typename Found>
void for_each_newline(const ByteView bytes, Found&& found) {
    // 64 masks at a time stay in the first-level cache.
    std::array<std::uint64_t, 64> masks;
    std::size_t at = 0;
    while (bytes.size() - at >= mask_bytes) {
        const std::size_t count = std::min(masks.size(), (bytes.size() - at) / mask_bytes);
        newline_masks(bytes.data() + at, count, masks.data());
        for (std::size_t k = 0; k < count; ++k) {
            for (std::uint64_t mask = masks[k]; mask != 0; mask &= mask - 1) {
                found(at + k * mask_bytes + static_cast<std::size_t>(std::countr_zero(mask)));
            }
        }
        at += count * mask_bytes;
    }
    while (at < bytes.size()) {
        const void* const hit = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
        if (hit == nullptr) {
            return;
        }
        const auto index =
            static_cast<std::size_t>(static_cast<const std::byte*>(hit) - bytes.data());
        found(index);
        at = index + 1;
    }
}

}  // namespace logboom::parse
