#include "shared/kafka/uuid.h"

#include <cstdint>
#include <string_view>

namespace logboom::kafka {

std::optional<Uuid> usable_uuid(const std::array<std::byte, 16>& bits) {
    Uuid one;
    one.bytes.back() = std::byte{1};
    const Uuid id{bits};
    const bool is_usable = !id.is_zero() && id != one && to_string(id).front() != '-';
    return is_usable ? std::optional(id) : std::nullopt;
}

std::string to_string(const Uuid& id) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    text.reserve(22);
    std::uint32_t pending = 0;
    unsigned pending_bits = 0;
    for (const std::byte byte : id.bytes) {
        pending = (pending << 8u) | std::to_integer<std::uint32_t>(byte);
        pending_bits += 8;
        while (pending_bits >= 6) {
            pending_bits -= 6;
            text.push_back(alphabet[(pending >> pending_bits) & 0x3fu]);
        }
    }
    // 128 bits are 21 characters and two bits.
    text.push_back(alphabet[(pending << 4u) & 0x3fu]);
    return text;
}

}  // namespace logboom::kafka
