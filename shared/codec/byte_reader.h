// A cursor over foreign bytes. It never reads past their end: the first field that does not fit or is
// not of its form makes the reader fail, and every later read gives zero or nothing. So a decoder
// reads all fields of a structure and asks once.
#pragma once

#include "shared/base/bytes.h"
#include "shared/codec/endian.h"
#include "shared/codec/varint.h"

#include <cstddef>
#include <cstdint>

namespace logboom::codec {

class ByteReader {
public:
    /// `bytes` outlives the reader and every view it hands out.
    explicit ByteReader(const ByteView bytes) noexcept
        : at_(bytes.data())
        , end_(bytes.data() + bytes.size())
        , begin_(bytes.data()) {}

    /// False after the first read that failed.
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::size_t remaining() const noexcept {
        return static_cast<std::size_t>(end_ - at_);
    }
    [[nodiscard]] std::size_t position() const noexcept {
        return static_cast<std::size_t>(at_ - begin_);
    }
    [[nodiscard]] ByteView rest() const noexcept { return {at_, end_}; }

    /// A big-endian integer of fixed width.
    template <std::integral T>
    [[nodiscard]] T be() noexcept {
        if (remaining() < sizeof(T)) {
            fail();
            return T{};
        }
        const T value = load_be<T>(at_);
        at_ += sizeof(T);
        return value;
    }

    /// Up to 5 bytes and 32 bits; more, or bits beyond the 32nd, fail.
    [[nodiscard]] std::uint32_t uvarint() noexcept {
        const std::uint64_t wide = variable(varint_bytes_max);
        if (wide > UINT32_MAX) {
            fail();
            return 0;
        }
        return static_cast<std::uint32_t>(wide);
    }
    /// Up to 10 bytes and 64 bits.
    [[nodiscard]] std::uint64_t uvarlong() noexcept { return variable(varlong_bytes_max); }
    [[nodiscard]] std::int32_t varint() noexcept { return unzigzag(uvarint()); }
    [[nodiscard]] std::int64_t varlong() noexcept { return unzigzag(uvarlong()); }

    /// The next `n` bytes; empty after a failure.
    [[nodiscard]] ByteView bytes(const std::size_t n) noexcept {
        if (remaining() < n) {
            fail();
            return {};
        }
        const ByteView view(at_, n);
        at_ += n;
        return view;
    }

    /// For a decoder that finds a value it cannot accept.
    void fail() noexcept {
        ok_ = false;
        at_ = end_;
    }

private:
    [[nodiscard]] std::uint64_t variable(const std::size_t bytes_max) noexcept {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes_max && at_ != end_; ++i) {
            const auto byte = std::to_integer<std::uint64_t>(*at_++);
            if (i == varlong_bytes_max - 1 && byte > 1) {
                break;  // the 65th bit and above
            }
            value |= (byte & 0x7f) << (7 * i);
            if (byte < 0x80) {
                return value;
            }
        }
        fail();
        return 0;
    }

    const std::byte* at_;
    const std::byte* end_;
    const std::byte* begin_;
    bool ok_ = true;
};

}  // namespace logboom::codec
