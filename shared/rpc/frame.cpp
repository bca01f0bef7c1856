#include "shared/rpc/frame.h"

#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"

#include <fmt/format.h>

#include <string>

namespace logboom::rpc {
namespace {

using codec::load_be;
using codec::store_be;

constexpr std::size_t magic_at = 0;
constexpr std::size_t version_at = 4;
constexpr std::size_t kind_at = 5;
constexpr std::size_t method_at = 6;
constexpr std::size_t correlation_id_at = 8;
constexpr std::size_t header_bytes_at = 12;
constexpr std::size_t payload_bytes_at = 16;
constexpr std::size_t header_crc_at = 20;
constexpr std::size_t head_crc_at = 24;
static_assert(head_crc_at + sizeof(std::uint32_t) == frame_head_bytes);

bool is_known(const FrameKind kind) noexcept {
    switch (kind) {
    case FrameKind::request:
    case FrameKind::reply:
    case FrameKind::refusal: return true;
    }
    return false;
}

bool is_known(const Method method) noexcept {
    switch (method) {
    case Method::hello:
    case Method::ship:
    case Method::ping: return true;
    }
    return false;
}

}  // namespace

void encode_frame_head(const FrameHead& head, std::byte* const to) noexcept {
    store_be(to + magic_at, frame_magic);
    store_be(to + version_at, frame_version);
    store_be(to + kind_at, static_cast<std::uint8_t>(head.kind));
    store_be(to + method_at, static_cast<std::uint16_t>(head.method));
    store_be(to + correlation_id_at, head.correlation_id);
    store_be(to + header_bytes_at, head.header_bytes);
    store_be(to + payload_bytes_at, head.payload_bytes);
    store_be(to + header_crc_at, head.header_crc);
    store_be(to + head_crc_at, codec::crc32c(ByteView(to, head_crc_at)));
}

Result<FrameHead> decode_frame_head(const ByteView bytes, const FrameLimits& limits) {
    LB_ASSERT(bytes.size() >= frame_head_bytes);
    const std::byte* const at = bytes.data();
    if (load_be<std::uint32_t>(at + magic_at) != frame_magic) {
        return Error{ErrorCode::malformed, 0, "frame magic"};
    }
    // Before the checksum: another version may place it elsewhere.
    if (load_be<std::uint8_t>(at + version_at) != frame_version) {
        return Error{ErrorCode::unsupported, 0, "frame version"};
    }
    if (load_be<std::uint32_t>(at + head_crc_at) != codec::crc32c(bytes.first(head_crc_at))) {
        return Error{ErrorCode::malformed, 0, "frame head checksum"};
    }
    FrameHead head;
    head.kind = static_cast<FrameKind>(load_be<std::uint8_t>(at + kind_at));
    head.method = static_cast<Method>(load_be<std::uint16_t>(at + method_at));
    head.correlation_id = load_be<std::uint32_t>(at + correlation_id_at);
    head.header_bytes = load_be<std::uint32_t>(at + header_bytes_at);
    head.payload_bytes = load_be<std::uint32_t>(at + payload_bytes_at);
    head.header_crc = load_be<std::uint32_t>(at + header_crc_at);
    if (!is_known(head.kind) || !is_known(head.method)) {
        return Error{ErrorCode::unsupported, 0, "frame kind or method"};
    }
    if (head.header_bytes > limits.header_bytes_max) {
        return Error{ErrorCode::too_large, 0, "frame header"};
    }
    if (head.payload_bytes > limits.payload_bytes_max) {
        return Error{ErrorCode::too_large, 0, "frame payload"};
    }
    return head;
}

std::string refusal_text(const ByteView bytes, const Error& error) {
    if (bytes.size() > version_at && load_be<std::uint32_t>(bytes.data()) == frame_magic) {
        const auto theirs = load_be<std::uint8_t>(bytes.data() + version_at);
        if (theirs != frame_version) {
            return fmt::format(
                "frame version {} is not spoken here, only version {}", theirs, frame_version
            );
        }
    }
    return to_string(error);
}

void append_frame(FrameHead head, const ByteView header, Buffer& out) {
    LB_ASSERT(header.size() <= limits::rpc_header_bytes_max);
    head.header_bytes = static_cast<std::uint32_t>(header.size());
    head.header_crc = codec::crc32c(header);
    encode_frame_head(head, out.extend(frame_head_bytes));
    out.append(header);
}

}  // namespace logboom::rpc
