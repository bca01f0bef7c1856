// Bytes from hexadecimal text, for vectors that are written down.
#pragma once

#include "shared/base/bytes.h"

#include <string_view>

namespace logboom {

/// Spaces are skipped; anything else than hexadecimal digits is a mistake in the test.
[[nodiscard]] inline Buffer from_hex(const std::string_view text) {
    Buffer bytes;
    int pending = -1;
    for (const char c : text) {
        if (c == ' ') {
            continue;
        }
        const std::size_t digit = std::string_view("0123456789abcdef").find(c);
        LB_ASSERT(digit != std::string_view::npos);
        if (pending < 0) {
            pending = static_cast<int>(digit);
            continue;
        }
        *bytes.extend(1) = static_cast<std::byte>(pending * 16 + static_cast<int>(digit));
        pending = -1;
    }
    LB_ASSERT(pending < 0);
    return bytes;
}

}  // namespace logboom
