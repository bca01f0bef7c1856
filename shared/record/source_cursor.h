// Which bytes of which source a batch covers. The cursor travels inside the batch, in the header
// `lb.cur` of its first record, so that it is replicated and recovered with the data itself.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logboom::record {

using Id128 = std::array<std::byte, 16>;

inline constexpr std::string_view cursor_header_key = "lb.cur";

/// Why a batch may begin above the position that the collector knows.
enum class GapReason : std::uint32_t { none = 0, truncated = 1, lost = 2, new_generation = 3 };

/// Several independent proofs of which file this is; each may fail alone (an inode is reused, a head
/// is shared by two files), so a match weighs them together.
struct FileIdentity {
    std::string fs_id;  // UUID, statfs id or device number of the file system
    std::uint64_t ino = 0;
    std::optional<std::uint64_t> gen;      // inode generation, where the file system tells
    std::optional<std::int64_t> btime_ns;  // birth time, where the file system tells
    std::uint32_t head_len = 0;            // first bytes that were hashed ...
    std::uint64_t head_hash = 0;           // ... with the installation's key
    std::uint64_t size_seen = 0;
    std::string path_seen;  // bytes, never assumed to be UTF-8
    /// The stream whose file had the path before: its last line comes before our first one. It travels
    /// with the proofs, so that the order survives a lost checkpoint.
    std::optional<Id128> predecessor;

    bool operator==(const FileIdentity&) const = default;
};

struct SourceCursor {
    Id128 agent_id{};
    std::uint32_t agent_epoch = 0;
    Id128 stream{};
    std::uint64_t generation = 0;  // raised when the file was truncated
    std::uint64_t from = 0;        // [from, to): raw byte offsets that were looked at
    std::uint64_t to = 0;
    GapReason gap_reason = GapReason::none;
    std::uint32_t tail_len = 0;   // bytes just before `to` ...
    std::uint64_t tail_hash = 0;  // ... and their keyed hash
    std::optional<FileIdentity> identity;

    bool operator==(const SourceCursor&) const = default;
};

/// Bytes of `fs_id` and `path_seen` that a decoder takes; more is `malformed`.
inline constexpr std::size_t fs_id_bytes_max = 64;
inline constexpr std::size_t path_seen_bytes_max = 4096;

/// Appends the encoded form.
void encode_cursor(const SourceCursor& cursor, Buffer& out);
void encode_identity(const FileIdentity& identity, Buffer& out);

/// `malformed` if the bytes are no such message or an id has another length than 16; `unsupported` for
/// a gap reason that we do not know.
[[nodiscard]] Result<SourceCursor> decode_cursor(ByteView bytes);
[[nodiscard]] Result<FileIdentity> decode_identity(ByteView bytes);

/// The cursor of a batch, or nothing if the batch has no mark. `batch` is one whole batch whose checksum
/// is known to be right. Only its first record is decoded.
///
/// Errors: `malformed` if a marked batch has no cursor where it must be; `unsupported` for another
/// codec than LZ4 or none; `too_large` if the first record is longer than an agent writes them.
[[nodiscard]] Result<std::optional<SourceCursor>> read_cursor(ByteView batch);

}  // namespace logboom::record
