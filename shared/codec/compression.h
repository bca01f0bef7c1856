// The compression codecs of Kafka's record batches. This folder is the only one that knows the
// libraries behind them.
//
// We write LZ4 only. The others are read, because Kafka's clients produce them and we store what they
// send: gzip members (RFC 1952), snappy both raw and in the Java library's blocks, LZ4 frames with
// independent or linked blocks, zstd frames.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"

#include <cstddef>
#include <cstdint>

namespace logboom::codec {

/// Bits 0-2 of a batch's attributes.
enum class CodecId : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

/// "none", "gzip" ..., as Kafka's clients write it.
[[nodiscard]] const char* to_string(CodecId id) noexcept;

/// Decompresses all of `packed` into `out`, whose old content is dropped and whose room is reused.
///
/// `out` never grows beyond `size_max` bytes, and only as far as the data really goes: a length that
/// is merely claimed allocates nothing much. Errors: `too_large` if there is more than `size_max`;
/// `malformed` if the bytes are not of the format, are cut, or are followed by others.
[[nodiscard]] Result<Ok> decompress(CodecId id, ByteView packed, std::size_t size_max, Buffer& out);

/// Decompresses the beginning of one LZ4 frame: `out` then holds at least the first `size_wanted`
/// bytes, or all if there are fewer. Blocks behind them are not looked at.
///
/// Errors: `malformed`; `unsupported` for frames of linked blocks, which we never write.
[[nodiscard]] Result<Ok> decompress_lz4_prefix(
    ByteView frame, std::size_t size_wanted, Buffer& out
);

}  // namespace logboom::codec
