// Views and owners of bytes. Views borrow until the call, or the awaited task, ends.
#pragma once

#include "shared/base/assert.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace logboom {

using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

[[nodiscard]] inline ByteView as_bytes(const std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(const ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A growable run of bytes whose new room is not zeroed (std::vector would touch it twice).
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(const std::size_t capacity) { reserve(capacity); }

    [[nodiscard]] std::byte* data() noexcept { return data_.get(); }
    [[nodiscard]] const std::byte* data() const noexcept { return data_.get(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] ByteView view() const noexcept { return {data_.get(), size_}; }
    [[nodiscard]] MutableByteView mutable_view() noexcept { return {data_.get(), size_}; }

    void clear() noexcept { size_ = 0; }
    /// Grows geometrically; what was there is kept.
    void reserve(std::size_t capacity);
    /// New bytes are not initialised.
    void resize(const std::size_t size) {
        reserve(size);
        size_ = size;
    }
    /// Makes room for `n` more bytes, counts them in, and returns where they begin.
    [[nodiscard]] std::byte* extend(const std::size_t n) {
        reserve(size_ + n);
        std::byte* const at = data_.get() + size_;
        size_ += n;
        return at;
    }
    void append(const ByteView bytes) {
        if (!bytes.empty()) {
            std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
        }
    }
    void append(const std::string_view text) { append(as_bytes(text)); }
    /// Forgets the first `n` bytes and moves the rest to the front.
    void erase_front(std::size_t n) noexcept;

private:
    std::unique_ptr<std::byte[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// Printable form of foreign bytes for messages: quoted, \xNN for what is not printable ASCII, cut
/// after `bytes_max` with "...".
[[nodiscard]] std::string quoted(std::string_view foreign, std::size_t bytes_max = 120);

/// Lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(ByteView bytes);

}  // namespace logboom
