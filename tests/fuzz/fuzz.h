// What the fuzz targets share. A target looks at one input and asserts what must hold of it: no bytes
// crash a decoder, what decodes is encoded to what decodes the same, and limits hold. That nothing is read
// behind the input's end is seen by the address sanitizer: libFuzzer and the replay hand in blocks of the
// exact size.
#pragma once

#include "shared/base/assert.h"
#include "shared/base/bytes.h"
#include "shared/codec/endian.h"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

/// The body of the one target of a file, named as the file is: `int (data, size)`, as libFuzzer has it.
#define LB_FUZZ_TARGET(name)                                               \
    static int run_##name(const std::uint8_t* data, std::size_t size);     \
    static const ::logboom::fuzz::Target target_##name(#name, run_##name); \
    static int run_##name(const std::uint8_t* const data, const std::size_t size)

namespace logboom::fuzz {

/// Made once for each target, before `main`; the program that holds the targets finds them by it.
class Target {
public:
    using Run = int (*)(const std::uint8_t* data, std::size_t size);

    Target(const char* const name, const Run body) noexcept
        : name_(name)
        , body_(body)
        , next_(first_) {
        first_ = this;
    }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    void run(const std::uint8_t* const data, const std::size_t size) const {
        LB_ASSERT(body_(data, size) == 0);
    }

    /// Any one of those that the program holds, or null.
    [[nodiscard]] static const Target* first() noexcept { return first_; }
    [[nodiscard]] static const Target* named(const std::string_view name) noexcept {
        const Target* target = first_;
        while (target != nullptr && target->name_ != name) {
            target = target->next_;
        }
        return target;
    }

private:
    std::string_view name_;
    Run body_;
    const Target* next_;

    static inline const Target* first_ = nullptr;
};

[[nodiscard]] inline ByteView view_of(
    const std::uint8_t* const data, const std::size_t size
) noexcept {
    return std::as_bytes(std::span(data, size));
}

[[nodiscard]] inline bool is_same(const ByteView a, const ByteView b) noexcept {
    return std::ranges::equal(a, b);
}

/// A copy of exactly these bytes, so that the sanitizer sees a read behind the end.
class Exact {
public:
    explicit Exact(const ByteView bytes) : data_(new std::byte[bytes.size()]), size_(bytes.size()) {
        if (!bytes.empty()) {
            std::memcpy(data_.get(), bytes.data(), size_);
        }
    }
    [[nodiscard]] ByteView view() const noexcept { return {data_.get(), size_}; }
    [[nodiscard]] MutableByteView mutable_view() noexcept { return {data_.get(), size_}; }

private:
    std::unique_ptr<std::byte[]> data_;
    std::size_t size_;
};

/// The input, from whose front a target takes what it chooses by. What is not there is zero.
class Input {
public:
    Input(const std::uint8_t* const data, const std::size_t size) noexcept
        : rest_(view_of(data, size)) {}

    template <std::integral T>
    [[nodiscard]] T take() noexcept {
        if (rest_.size() < sizeof(T)) {
            rest_ = {};
            return T{};
        }
        const T value = codec::load_be<T>(rest_.data());
        rest_ = rest_.subspan(sizeof(T));
        return value;
    }
    [[nodiscard]] ByteView rest() const noexcept { return rest_; }

private:
    ByteView rest_;
};

/// What `decode` makes of the bytes is encoded to bytes that decode to the same value. Returns what the bytes
/// decoded to. `decode(ByteView)` gives a Result, `encode(value, Buffer&)` appends.
template <typename Decode, typename Encode>
auto decode_and_back(const ByteView bytes, const Decode decode, const Encode encode) {
    auto first = decode(bytes);
    if (!first.has_value()) {
        return first;
    }
    Buffer once;
    encode(*first, once);
    const Exact again(once.view());
    const auto second = decode(again.view());
    LB_ASSERT(second.has_value());
    if constexpr (std::equality_comparable<std::remove_cvref_t<decltype(*first)>>) {
        LB_ASSERT(*second == *first);
    } else {
        Buffer twice;
        encode(*second, twice);
        LB_ASSERT(is_same(once.view(), twice.view()));
    }
    return first;
}

template <typename Decode, typename Encode>
void check_round_trip(const ByteView bytes, const Decode decode, const Encode encode) {
    static_cast<void>(decode_and_back(bytes, decode, encode));
}

}  // namespace logboom::fuzz
