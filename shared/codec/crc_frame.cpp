#include "shared/codec/crc_frame.h"

#include "shared/base/limits.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"

#include <algorithm>

namespace logboom::codec {

namespace {

constexpr std::size_t kind_bytes = 4;
constexpr std::size_t length_bytes = 4;

std::uint32_t frame_crc(const ByteView length, const ByteView payload) noexcept {
    return crc32c(payload, crc32c(length));
}

bool is_zero(const ByteView bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](const std::byte b) {
        return b == std::byte{0};
    });
}

}  // namespace

void append_file_head(const std::string_view kind, const std::uint8_t version, Buffer& out) {
    LB_ASSERT(kind.size() == kind_bytes);
    std::byte* const to = out.extend(framed_file_head_bytes);
    std::memcpy(to, kind.data(), kind_bytes);
    to[kind_bytes] = std::byte{version};
    std::fill(to + kind_bytes + 1, to + framed_file_head_bytes, std::byte{0});
}

Result<Ok> check_file_head(
    const ByteView file, const std::string_view kind, const std::uint8_t version
) {
    if (file.size() < framed_file_head_bytes || as_text(file.first(kind_bytes)) != kind) {
        return Error{ErrorCode::malformed, 0, "head of a file"};
    }
    if (file[kind_bytes] == std::byte{0}) {
        return Error{
            ErrorCode::malformed, 0, "head of a file"};  // torn: no version has that number
    }
    if (file[kind_bytes] != std::byte{version}) {
        return Error{ErrorCode::unsupported, 0, "version of a file"};
    }
    return Ok{};
}

void append_crc_frame(const ByteView payload, Buffer& out) {
    LB_ASSERT(!payload.empty() && payload.size() <= limits::crc_frame_bytes_max);
    std::byte* const to = out.extend(crc_frame_head_bytes + payload.size());
    store_be(to, static_cast<std::uint32_t>(payload.size()));
    store_be(to + length_bytes, frame_crc(ByteView{to, length_bytes}, payload));
    std::memcpy(to + crc_frame_head_bytes, payload.data(), payload.size());
}

CrcFrameReader::Found CrcFrameReader::next(ByteView& payload) noexcept {
    const ByteView rest = bytes_.subspan(position_);
    if (is_zero(rest.first(std::min(rest.size(), crc_frame_head_bytes)))) {
        return is_zero(rest) ? Found::end : Found::torn;
    }
    if (rest.size() < crc_frame_head_bytes) {
        return Found::torn;
    }
    const auto length = load_be<std::uint32_t>(rest.data());
    const auto crc = load_be<std::uint32_t>(rest.data() + length_bytes);
    if (length == 0 || length > limits::crc_frame_bytes_max
        || length > rest.size() - crc_frame_head_bytes) {
        return Found::torn;
    }
    const ByteView found = rest.subspan(crc_frame_head_bytes, length);
    if (frame_crc(rest.first(length_bytes), found) != crc) {
        return Found::torn;
    }
    payload = found;
    position_ += crc_frame_head_bytes + length;
    return Found::frame;
}

Result<ByteView> read_framed_file(
    const ByteView file, const std::string_view kind, const std::uint8_t version
) {
    LB_CHECK(check_file_head(file, kind, version));
    CrcFrameReader reader(file.subspan(framed_file_head_bytes));
    ByteView payload;
    if (reader.next(payload) != CrcFrameReader::Found::frame
        || framed_file_head_bytes + reader.position() != file.size()) {
        return Error{ErrorCode::corrupt, 0, "frame of a file"};
    }
    return payload;
}

void append_framed_file(
    const std::string_view kind, const std::uint8_t version, const ByteView payload, Buffer& out
) {
    append_file_head(kind, version, out);
    append_crc_frame(payload, out);
}

}  // namespace logboom::codec
