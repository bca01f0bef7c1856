#include "shared/codec/compression.h"

#include "shared/codec/endian.h"

#include <lz4.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace logboom::codec {

namespace {

constexpr Error malformed{ErrorCode::malformed, 0, "decompress"};
constexpr Error too_large{ErrorCode::too_large, 0, "decompress"};

// --- Streams: gzip, lz4, zstd -------------------------------------------------------------------------

/// What one step of a decoder did.
struct Step {
    enum class State : std::uint8_t { more, frame_end, failed };
    State state = State::failed;
    std::size_t consumed = 0;
    std::size_t produced = 0;
};

enum class AfterFrame : std::uint8_t { nothing, another_frame };

/// Drives `step(packed, room)` to the end of the input. The output grows with what is really there, and
/// to one byte above the limit, which tells "just fits" from "too large".
template <typename StepFunction>
Result<Ok> decode_stream(
    ByteView packed,
    const std::size_t size_max,
    Buffer& out,
    const AfterFrame after_frame,
    StepFunction step
) {
    constexpr std::size_t room_min = 16u << 10;
    std::size_t used = 0;
    out.clear();
    while (true) {
        if (used > size_max) {
            return too_large;
        }
        if (used == out.size()) {
            const std::size_t wanted = std::max({room_min, 2 * used, 2 * packed.size()});
            out.resize(std::min(wanted, size_max + 1));
        }
        const Step done = step(packed, out.mutable_view().subspan(used));
        if (done.state == Step::State::failed) {
            return malformed;
        }
        packed = packed.subspan(done.consumed);
        used += done.produced;
        if (done.state == Step::State::frame_end) {
            if (packed.empty()) {
                break;
            }
            if (after_frame == AfterFrame::nothing) {
                return malformed;
            }
        } else if (done.consumed == 0 && done.produced == 0) {
            return malformed;  // there is room, so it is input that is missing
        }
    }
    out.resize(used);
    return used > size_max ? Result<Ok>(too_large) : Result<Ok>(Ok{});
}

struct InflateStream {
    InflateStream() {
        // 16: expects gzip's header and trailer. Fails only without memory.
        LB_ASSERT(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    }
    ~InflateStream() { inflateEnd(&stream); }
    InflateStream(const InflateStream&) = delete;
    InflateStream& operator=(const InflateStream&) = delete;

    z_stream stream{};
};

Result<Ok> decompress_gzip(const ByteView packed, const std::size_t size_max, Buffer& out) {
    InflateStream inflate_stream;
    z_stream& stream = inflate_stream.stream;
    const auto step = [&stream](const ByteView in, const MutableByteView room) {
        std::array<std::byte, 1> unused{};  // zlib wants a pointer even when there is no input left
        const ByteView some = in.first(std::min<std::size_t>(in.size(), 1u << 30));
        const std::byte* const from = some.empty() ? unused.data() : some.data();
        stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from));
        stream.avail_in = static_cast<uInt>(some.size());
        stream.next_out = reinterpret_cast<Bytef*>(room.data());
        stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room.size(), 1u << 30));
        const uInt room_before = stream.avail_out;
        const int code = inflate(&stream, Z_NO_FLUSH);
        Step done;
        done.consumed = some.size() - stream.avail_in;
        done.produced = room_before - stream.avail_out;
        if (code == Z_STREAM_END) {
            done.state = Step::State::frame_end;
            inflateReset(&stream);
        } else if (code == Z_OK || code == Z_BUF_ERROR) {
            done.state = Step::State::more;
        }
        return done;
    };
    return decode_stream(packed, size_max, out, AfterFrame::another_frame, step);
}

struct FreeLz4 {
    void operator()(LZ4F_dctx* const context) const noexcept {
        LZ4F_freeDecompressionContext(context);
    }
};
struct FreeZstd {
    void operator()(ZSTD_DCtx* const context) const noexcept { ZSTD_freeDCtx(context); }
};

Result<Ok> decompress_lz4(const ByteView packed, const std::size_t size_max, Buffer& out) {
    LZ4F_dctx* raw = nullptr;
    LB_ASSERT(LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) == 0);
    const std::unique_ptr<LZ4F_dctx, FreeLz4> context(raw);
    const auto step = [&context](const ByteView in, const MutableByteView room) {
        Step done;
        done.consumed = in.size();
        done.produced = room.size();
        const std::size_t code = LZ4F_decompress(
            context.get(), room.data(), &done.produced, in.data(), &done.consumed, nullptr
        );
        if (LZ4F_isError(code) == 0) {
            done.state = code == 0 ? Step::State::frame_end : Step::State::more;
        }
        return done;
    };
    return decode_stream(packed, size_max, out, AfterFrame::nothing, step);
}

/// Largest window a zstd frame may ask for, as a power of two: the raw batch fits it (32 MiB), and a
/// header of a few bytes cannot ask for more.
constexpr int zstd_window_log_max = 25;

Result<Ok> decompress_zstd(const ByteView packed, const std::size_t size_max, Buffer& out) {
    const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
    LB_ASSERT(context != nullptr);
    ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
    const auto step = [&context](const ByteView in, const MutableByteView room) {
        ZSTD_inBuffer input{in.data(), in.size(), 0};
        ZSTD_outBuffer output{room.data(), room.size(), 0};
        const std::size_t code = ZSTD_decompressStream(context.get(), &output, &input);
        Step done;
        done.consumed = input.pos;
        done.produced = output.pos;
        if (ZSTD_isError(code) == 0) {
            done.state = code == 0 ? Step::State::frame_end : Step::State::more;
        }
        return done;
    };
    return decode_stream(packed, size_max, out, AfterFrame::another_frame, step);
}

// --- Snappy ---------------------------------------------------------------------------------------------

/// What the Java library writes before its blocks: a magic number and two versions.
constexpr std::array<std::uint8_t, 8> xerial_magic{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t xerial_header_bytes = 16;

/// Appends one raw block to `out`.
Result<Ok> append_snappy_block(const ByteView block, const std::size_t size_max, Buffer& out) {
    const auto* const text = reinterpret_cast<const char*>(block.data());
    std::size_t length = 0;
    if (!snappy::GetUncompressedLength(text, block.size(), &length)) {
        return malformed;
    }
    if (length > size_max - out.size()) {
        return too_large;
    }
    // The best that the format can do is 64 bytes from a copy of 3, so a larger claim is a lie, and
    // no memory is given to it.
    if (length > block.size() * 64 / 3 + 64) {
        return malformed;
    }
    const std::size_t before = out.size();
    auto* const to = reinterpret_cast<char*>(out.extend(length));
    if (!snappy::RawUncompress(text, block.size(), to)) {
        out.resize(before);
        return malformed;
    }
    return Ok{};
}

Result<Ok> decompress_snappy(ByteView packed, const std::size_t size_max, Buffer& out) {
    out.clear();
    const bool is_xerial = packed.size() >= xerial_header_bytes
                        && std::memcmp(packed.data(), xerial_magic.data(), xerial_magic.size())
                               == 0;
    if (!is_xerial) {
        return append_snappy_block(packed, size_max, out);
    }
    packed = packed.subspan(xerial_header_bytes);
    while (!packed.empty()) {
        if (packed.size() < 4) {
            return malformed;
        }
        const auto length = load_be<std::uint32_t>(packed.data());
        packed = packed.subspan(4);
        if (length > packed.size()) {
            return malformed;
        }
        LB_CHECK(append_snappy_block(packed.first(length), size_max, out));
        packed = packed.subspan(length);
    }
    return Ok{};
}

Result<Ok> copy_plain(const ByteView packed, const std::size_t size_max, Buffer& out) {
    out.clear();
    if (packed.size() > size_max) {
        return too_large;
    }
    out.append(packed);
    return Ok{};
}

}  // namespace

const char* to_string(const CodecId id) noexcept {
    switch (id) {
    case CodecId::none: return "none";
    case CodecId::gzip: return "gzip";
    case CodecId::snappy: return "snappy";
    case CodecId::lz4: return "lz4";
    case CodecId::zstd: return "zstd";
    }
    return "unknown";  // three bits of a batch may hold 5 to 7
}

Result<Ok> decompress(
    const CodecId id, const ByteView packed, const std::size_t size_max, Buffer& out
) {
    switch (id) {
    case CodecId::none: return copy_plain(packed, size_max, out);
    case CodecId::gzip: return decompress_gzip(packed, size_max, out);
    case CodecId::snappy: return decompress_snappy(packed, size_max, out);
    case CodecId::lz4: return decompress_lz4(packed, size_max, out);
    case CodecId::zstd: return decompress_zstd(packed, size_max, out);
    }
    return Error{ErrorCode::unsupported, 0, "decompress"};
}

}  // namespace logboom::codec
