#include "collector/ctl/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace logboom::ctl {

namespace {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t size_bytes = 0;
};

std::uint32_t byte_at(const std::string_view text, const std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
}

/// The code point at the front of `text`, which is not empty; nothing if that is not UTF-8: overlong
/// forms and surrogates are not.
std::optional<CodePoint> decode_front(const std::string_view text) noexcept {
    const std::uint32_t lead = byte_at(text, 0);
    if (lead < 0x80) {
        return CodePoint{lead, 1};
    }
    const std::size_t size = lead >= 0xf0 ? 4 : (lead >= 0xe0 ? 3 : 2);
    if (lead < 0xc2 || lead > 0xf4 || text.size() < size) {
        return std::nullopt;
    }
    std::uint32_t value = lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(text, i) & 0xc0u) != 0x80u) {
            return std::nullopt;
        }
        value = (value << 6u) | (byte_at(text, i) & 0x3fu);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return std::nullopt;
    }
    return CodePoint{value, size};
}

bool turns_direction(const std::uint32_t c) noexcept {
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e)
        || (c >= 0x2066 && c <= 0x2069);
}

bool is_harmful(const std::uint32_t c) noexcept {
    return (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029
        || turns_direction(c);
}

void append_escaped(std::string& out, const std::uint32_t c) {
    if (c == '\n') {
        out += "\\n";
    } else if (c == '\r') {
        out += "\\r";
    } else if (c < 0x80) {
        out += fmt::format("\\x{:02x}", c);
    } else {
        out += fmt::format("\\u{:04x}", c);
    }
}

enum class Keep : std::uint8_t { all, harmless };

std::string rewritten(std::string_view text, const Keep keep) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto front = decode_front(text);
        if (!front.has_value()) {
            out += fmt::format("\\x{:02x}", byte_at(text, 0));
            text.remove_prefix(1);
            continue;
        }
        if (keep == Keep::harmless && is_harmful(front->value)) {
            append_escaped(out, front->value);
        } else {
            out += text.substr(0, front->size_bytes);
        }
        text.remove_prefix(front->size_bytes);
    }
    return out;
}

}  // namespace

std::string printable(const std::string_view foreign) {
    return rewritten(foreign, Keep::harmless);
}

std::string as_utf8(const std::string_view foreign) {
    return rewritten(foreign, Keep::all);
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto front = decode_front(text);
        if (!front.has_value()) {
            return false;
        }
        text.remove_prefix(front->size_bytes);
    }
    return true;
}

std::string to_base64(const ByteView bytes) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        for (std::size_t i = 0; i < 3; ++i) {
            const std::uint32_t byte = i < count ? std::to_integer<std::uint32_t>(bytes[at + i])
                                                 : 0;
            group = (group << 8u) | byte;
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text.push_back(i <= count ? alphabet[(group >> (18 - 6 * i)) & 0x3fu] : '=');
        }
    }
    return text;
}

}  // namespace logboom::ctl
