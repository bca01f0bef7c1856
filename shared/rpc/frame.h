// The frame of our own doors: a fixed header, a small Protobuf header, a raw payload. Pure bytes, no
// I/O; what goes over a connection is in frame_io.h. PROTOCOL.md has every field.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/base/result.h"

#include <cstdint>
#include <string>

namespace logboom::rpc {

inline constexpr std::uint32_t frame_magic = 0x4C424652;  // "LBFR"
inline constexpr std::uint8_t frame_version = 1;
inline constexpr std::uint32_t frame_head_bytes = 28;

enum class FrameKind : std::uint8_t {
    request = 0,
    reply = 1,
    refusal = 2,  ///< the payload is a sentence for the peer's log; the sender closes after it
};

/// What is asked. A reply carries the method of its request.
enum class Method : std::uint16_t {
    hello = 1,
    ship = 2,
    ping = 3,
};

/// The fixed header, without magic, version and its own checksum.
struct FrameHead {
    FrameKind kind = FrameKind::request;
    Method method = Method::ping;
    std::uint32_t correlation_id = 0;  // chosen by who asks; the answer repeats it
    std::uint32_t header_bytes = 0;
    std::uint32_t payload_bytes = 0;
    std::uint32_t header_crc = 0;  // CRC-32C of the Protobuf header

    bool operator==(const FrameHead&) const = default;
};

/// What a door accepts; checked before a byte of the body is received.
struct FrameLimits {
    std::uint32_t header_bytes_max = limits::rpc_header_bytes_max;
    std::uint32_t payload_bytes_max = limits::rpc_payload_bytes_max;
};

/// The limits of a door that takes requests from anybody who can connect.
[[nodiscard]] constexpr FrameLimits request_limits() noexcept {
    return {limits::rpc_request_header_bytes_max, limits::rpc_payload_bytes_max};
}

/// Writes `frame_head_bytes` bytes. `head.header_crc` is written as it is given.
void encode_frame_head(const FrameHead& head, std::byte* to) noexcept;

/// Reads the fixed header from the first `frame_head_bytes` of `bytes`, which has that many.
///
/// Errors: `malformed` if this is no frame of ours or its checksum is wrong; `unsupported` for another
/// version, kind or method; `too_large` if a part is above `limits`.
[[nodiscard]] Result<FrameHead> decode_frame_head(ByteView bytes, const FrameLimits& limits);

/// The sentence that tells the peer why its frame was refused; names both versions where they differ.
/// `bytes` are those that `decode_frame_head` refused with `error`.
[[nodiscard]] std::string refusal_text(ByteView bytes, const Error& error);

/// One whole frame's fixed and Protobuf header as they are sent: fills in `header_bytes` and
/// `header_crc` of `head` and appends to `out`. The payload follows on the wire as it is.
void append_frame(FrameHead head, ByteView header, Buffer& out);

}  // namespace logboom::rpc
