// The frame of our own journals and small files: a payload with its length and checksum, so that a torn
// or rotten one is told from a whole one.
//
//   file:   4 letters that name its kind | version u8 | 3 zero bytes | frames
//   frame:  payload length u32 | CRC-32C of the length's 4 bytes and the payload u32 | payload
//
// Numbers are big-endian. A length of 0 is no frame: a tail of zeros ends the frames.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"

#include <cstdint>
#include <string_view>

namespace logboom::codec {

inline constexpr std::size_t framed_file_head_bytes = 8;
inline constexpr std::size_t crc_frame_head_bytes = 8;
/// Where the version stands in a file's head.
inline constexpr std::size_t framed_file_version_at = 4;

/// `kind` has 4 letters.
void append_file_head(std::string_view kind, std::uint8_t version, Buffer& out);
/// `malformed` if the bytes do not begin with a head of that kind; `unsupported` for another version.
[[nodiscard]] Result<Ok> check_file_head(
    ByteView file, std::string_view kind, std::uint8_t version
);

/// Appends one frame. `payload` is not empty and at most limits::crc_frame_bytes_max long.
void append_crc_frame(ByteView payload, Buffer& out);

/// Walks over the frames of a file.
class CrcFrameReader {
public:
    /// `frames` are the bytes behind the file's head; they outlive the reader.
    explicit CrcFrameReader(const ByteView frames) noexcept : bytes_(frames) {}

    enum class Found : std::uint8_t {
        frame,  ///< `payload` is one whole payload
        end,    ///< no bytes are left, or only zeros
        torn    ///< what follows is no frame: it was cut short, or it is damaged
    };
    [[nodiscard]] Found next(ByteView& payload) noexcept;
    /// Bytes of the frames that were whole.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }

private:
    ByteView bytes_;
    std::size_t position_ = 0;
};

/// A file of one head and exactly one frame. Errors: as `check_file_head`; `corrupt` for anything else.
[[nodiscard]] Result<ByteView> read_framed_file(
    ByteView file, std::string_view kind, std::uint8_t version
);
/// The bytes of such a file.
void append_framed_file(std::string_view kind, std::uint8_t version, ByteView payload, Buffer& out);

}  // namespace logboom::codec
