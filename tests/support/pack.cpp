#include "tests/support/pack.h"

#include "shared/base/assert.h"
#include "shared/codec/endian.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>

namespace logboom::tests {

namespace {

Buffer pack_gzip(const ByteView raw) {
    z_stream stream{};
    LB_ASSERT(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    Buffer out;
    out.resize(deflateBound(&stream, raw.size()) + 64);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(raw.data()));
    stream.avail_in = static_cast<uInt>(raw.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    LB_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

Buffer pack_snappy(const ByteView raw) {
    std::string packed;
    snappy::Compress(reinterpret_cast<const char*>(raw.data()), raw.size(), &packed);
    Buffer out;
    out.append(packed);
    return out;
}

Buffer pack_lz4(const ByteView raw, const LZ4F_blockMode_t mode) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockMode = mode;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    Buffer out;
    out.resize(LZ4F_compressFrameBound(raw.size(), &preferences));
    const std::size_t size =
        LZ4F_compressFrame(out.data(), out.size(), raw.data(), raw.size(), &preferences);
    LB_ASSERT(LZ4F_isError(size) == 0);
    out.resize(size);
    return out;
}

Buffer pack_zstd(const ByteView raw) {
    Buffer out;
    out.resize(ZSTD_compressBound(raw.size()));
    const std::size_t size = ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3);
    LB_ASSERT(ZSTD_isError(size) == 0);
    out.resize(size);
    return out;
}

}  // namespace

Buffer pack(const codec::CodecId id, const ByteView raw) {
    switch (id) {
    case codec::CodecId::gzip: return pack_gzip(raw);
    case codec::CodecId::snappy: return pack_snappy(raw);
    case codec::CodecId::lz4: return pack_lz4(raw, LZ4F_blockIndependent);
    case codec::CodecId::zstd: return pack_zstd(raw);
    case codec::CodecId::none: break;
    }
    Buffer out;
    out.append(raw);
    return out;
}

Buffer pack_xerial(ByteView raw, const std::size_t block_bytes) {
    constexpr std::uint8_t header[16]{
        0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
    Buffer out;
    out.append(std::as_bytes(std::span(header)));
    while (!raw.empty()) {
        const std::size_t n = std::min(raw.size(), block_bytes);
        const Buffer block = pack_snappy(raw.first(n));
        codec::store_be(out.extend(4), static_cast<std::uint32_t>(block.size()));
        out.append(block.view());
        raw = raw.subspan(n);
    }
    return out;
}

Buffer pack_linked_lz4(const ByteView raw) {
    return pack_lz4(raw, LZ4F_blockLinked);
}

}  // namespace logboom::tests
