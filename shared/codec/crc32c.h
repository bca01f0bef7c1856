// CRC-32C (Castagnoli, reflected 0x82F63B78), the checksum of Kafka's batches and of our own frames.
#pragma once

#include "shared/base/bytes.h"

#include <cstdint>

namespace logboom::codec {

/// The checksum of `bytes`, or, given the checksum of what came before them, of both together:
/// `crc32c(b, crc32c(a))` is the checksum of a followed by b. Of "123456789" it is E3069283.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0) noexcept;

/// How the checksum can be computed; the fastest that the processor has is chosen once.
enum class Crc32cEngine : std::uint8_t {
    table,       ///< any processor; slice-by-8
    one_lane,    ///< the crc32 instruction of SSE4.2
    three_lanes  ///< three interleaved streams of it, joined by carry-less multiplication
};

/// Whether this processor can run `engine`.
[[nodiscard]] bool is_available(Crc32cEngine engine) noexcept;

/// The same by one engine, for tests and benchmarks. `engine` is available.
[[nodiscard]] std::uint32_t crc32c_by(
    Crc32cEngine engine, ByteView bytes, std::uint32_t crc = 0
) noexcept;

}  // namespace logboom::codec
