// Reads the front of an LZ4 frame without the library's frame decoder, whose buffers cost more than the
// few hundred bytes that are wanted. The frame's layout is LZ4's "Frame Format Description" 1.6.
#include "shared/codec/compression.h"

#include <lz4.h>

#include <algorithm>
#include <cstring>

namespace logboom::codec {

namespace {

constexpr std::uint32_t frame_magic = 0x184D2204;
constexpr std::uint32_t stored_block_bit = 0x80000000;

constexpr Error malformed{ErrorCode::malformed, 0, "decompress first record"};
constexpr Error linked{ErrorCode::unsupported, 0, "decompress first record of linked blocks"};

std::uint32_t load_le32(const std::byte* const from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

struct FrameShape {
    std::size_t header_bytes = 0;
    std::size_t block_bytes_max = 0;
    std::size_t block_checksum_bytes = 0;
};

/// The frame's header. Its own checksum is not looked at: the batch's covers it.
Result<FrameShape> read_header(const ByteView frame) {
    if (frame.size() < 7 || load_le32(frame.data()) != frame_magic) {
        return malformed;
    }
    const auto flags = std::to_integer<unsigned>(frame[4]);
    const auto block = std::to_integer<unsigned>(frame[5]);
    const unsigned block_size_id = (block >> 4) & 7;
    if ((flags & 0xC2) != 0x40 || (flags & 0x01) != 0 || (block & 0x8F) != 0 || block_size_id < 4) {
        return malformed;
    }
    if ((flags & 0x20) == 0) {
        return linked;
    }
    FrameShape shape;
    shape.header_bytes = (flags & 0x08) != 0 ? 15 : 7;
    shape.block_bytes_max = std::size_t{1} << (8 + 2 * block_size_id);
    shape.block_checksum_bytes = (flags & 0x10) != 0 ? 4 : 0;
    if (frame.size() < shape.header_bytes) {
        return malformed;
    }
    return shape;
}

/// Appends the first `size_wanted` bytes of one block, or all of it.
Result<Ok> append_block(
    const ByteView block, const bool is_stored, const std::size_t size_wanted, Buffer& out
) {
    if (is_stored) {
        out.append(block.first(std::min(block.size(), size_wanted)));
        return Ok{};
    }
    const std::size_t before = out.size();
    auto* const to = reinterpret_cast<char*>(out.extend(size_wanted));
    const int got = LZ4_decompress_safe_partial(
        reinterpret_cast<const char*>(block.data()),
        to,
        static_cast<int>(block.size()),
        static_cast<int>(size_wanted),
        static_cast<int>(size_wanted)
    );
    if (got < 0) {
        return malformed;
    }
    out.resize(before + static_cast<std::size_t>(got));
    return Ok{};
}

}  // namespace

Result<Ok> decompress_lz4_prefix(const ByteView frame, const std::size_t size_wanted, Buffer& out) {
    out.clear();
    LB_TRY(const FrameShape shape, read_header(frame));
    ByteView rest = frame.subspan(shape.header_bytes);
    while (out.size() < size_wanted) {
        if (rest.size() < 4) {
            return malformed;
        }
        const std::uint32_t word = load_le32(rest.data());
        rest = rest.subspan(4);
        if (word == 0) {
            break;  // the end mark
        }
        const std::size_t block_bytes = word & ~stored_block_bit;
        if (block_bytes > shape.block_bytes_max
            || block_bytes + shape.block_checksum_bytes > rest.size()) {
            return malformed;
        }
        const std::size_t wanted = std::min(size_wanted - out.size(), shape.block_bytes_max);
        LB_CHECK(append_block(rest.first(block_bytes), (word & stored_block_bit) != 0, wanted, out)
        );
        rest = rest.subspan(block_bytes + shape.block_checksum_bytes);
    }
    return Ok{};
}

}  // namespace logboom::codec
