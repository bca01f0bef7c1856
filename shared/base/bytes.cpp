#include "shared/base/bytes.h"

#include <algorithm>

namespace logboom {

void Buffer::reserve(const std::size_t capacity) {
    if (capacity <= capacity_) {
        return;
    }
    const std::size_t grown = std::max(capacity, capacity_ + capacity_ / 2);
    std::unique_ptr<std::byte[]> next(new std::byte[grown]);  // make_unique would zero it
    if (size_ != 0) {
        std::memcpy(next.get(), data_.get(), size_);
    }
    data_ = std::move(next);
    capacity_ = grown;
}

void Buffer::erase_front(const std::size_t n) noexcept {
    LB_ASSERT(n <= size_);
    if (n == 0) {
        return;
    }
    std::memmove(data_.get(), data_.get() + n, size_ - n);
    size_ -= n;
}

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

}  // namespace

std::string quoted(const std::string_view foreign, const std::size_t bytes_max) {
    std::string out = "\"";
    for (const char c : foreign.substr(0, bytes_max)) {
        const auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (u >= 0x20 && u < 0x7f) {
            out += c;
        } else {
            out += "\\x";
            out += hex_digits[u >> 4];
            out += hex_digits[u & 15];
        }
    }
    out += '"';
    if (foreign.size() > bytes_max) {
        out += "...";
    }
    return out;
}

std::string to_hex(const ByteView bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::byte b : bytes) {
        const auto u = std::to_integer<unsigned>(b);
        out += hex_digits[u >> 4];
        out += hex_digits[u & 15];
    }
    return out;
}

}  // namespace logboom
