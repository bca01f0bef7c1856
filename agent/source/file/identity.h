// Who a file is (T8) and what a look at an open file says about a stream that we know (T9). A file is
// known by several independent proofs, each of which fails alone somewhere: inodes are reused, heads are
// shared, paths change hands.
#pragma once

#include "agent/batch/keyed_hash.h"
#include "shared/io/env.h"
#include "shared/record/source_cursor.h"

#include <compare>
#include <map>
#include <memory>
#include <string>

namespace logboom::source {

using batch::KeyedHash;
using batch::Tail;
using record::FileIdentity;

inline constexpr std::uint32_t head_bytes_max = 1024;

/// The proofs that name one life of one inode: number, file system, and generation or birth time, which
/// change when the number is used again (T9.4).
struct FileKey {
    std::string fs_id;
    std::uint64_t ino = 0;
    std::optional<std::uint64_t> gen;
    std::optional<std::int64_t> btime_ns;

    auto operator<=>(const FileKey&) const = default;
};
[[nodiscard]] FileKey key_of(const FileIdentity& identity);

/// What the position of a known stream says about the file with its key (T9.1 to T9.3).
enum class Continuity : std::uint8_t {
    same,       ///< long enough, and the bytes before the position are those that were read
    truncated,  ///< shorter than the position
    rewritten   ///< long enough, with other bytes before the position
};
[[nodiscard]] Continuity continuity(
    std::uint64_t offset, const Tail& known, std::uint64_t size, const Tail& seen
) noexcept;

/// Head and tail are two proofs only where they do not overlap: a file with nothing but its header line
/// would prove that line twice.
[[nodiscard]] constexpr bool are_two_proofs(
    std::uint32_t head_len, std::uint64_t offset, const Tail& tail
) noexcept {
    return tail.size != 0 && offset >= std::uint64_t{head_len} + tail.size;
}

/// What a look at a file says about the content of a known stream (T9.5).
struct ContentProofs {
    bool is_head_equal = false;
    bool is_tail_equal = false;  // also if nothing was read, and there is none
    bool are_apart = false;      // `are_two_proofs`
    /// It was born after the stream's file was last written to, as far as that was seen, is as long as that
    /// file was, and is named like a copy of it: the second proof of small files and of unread ones.
    bool is_later_copy = false;
};
/// A head alone proves nothing: headers and banners are shared.
[[nodiscard]] constexpr bool prove_content(const ContentProofs& proofs) noexcept {
    return proofs.is_head_equal && proofs.is_tail_equal
        && (proofs.are_apart || proofs.is_later_copy);
}

/// How a file with a new key relates to a stream whose head it shares (T9.5).
enum class Kinship : std::uint8_t {
    none,    ///< its content is not that of the stream
    moved,   ///< the same content, and the old file is gone or was cut: the content lives on here
    copied,  ///< the same content, and the old file is whole
    begun    ///< so far the beginning of a whole file's content: maybe a copy that is being made
};
[[nodiscard]] Kinship kinship(const ContentProofs& proofs, bool is_old_whole) noexcept;

struct OpenFile {
    std::unique_ptr<io::File> file;
    FileIdentity identity;
    WallTime mtime{};
};

/// Nothing is at that path, as opposed to: something is, and we cannot tell what.
[[nodiscard]] bool is_absent(const Error& error) noexcept;
/// The same, or links that lead round in a circle are.
[[nodiscard]] bool leads_nowhere(const Error& error) noexcept;

/// Opens files to be read, and reads proofs from them.
class Identifier {
public:
    Identifier(Env& env, const KeyedHash hash) noexcept : env_(env), hash_(hash) {}

    /// Opens what may be a log file, without waiting and without effect on what is none (T5).
    Task<Result<io::File>> open_to_read(std::string path);
    /// The same with its identity. Errors: those of opening and of `identify`.
    Task<Result<OpenFile>> open(std::string path);

    /// The identity of an open regular file: its key and up to `head_bytes_max` bytes of its head. `mtime`
    /// becomes the file's. Errors: those of reading; `invalid_argument` if it is no regular file (T5).
    Task<Result<FileIdentity>> identify(io::File& file, std::string path, WallTime& mtime);
    /// The key alone, without reading.
    Task<Result<FileKey>> key(io::File& file, std::string path, io::FileStat stat);
    /// Up to `head_bytes_max` first bytes.
    Task<Result<std::string>> head(io::File& file);
    /// Hash of the first `size` bytes. A file that is shorter gives another hash.
    Task<Result<std::uint64_t>> head_hash(io::File& file, std::uint32_t size);
    /// Proof of a position: of the `size` bytes before `offset`.
    Task<Result<Tail>> tail(io::File& file, std::uint64_t offset, std::uint32_t size);

    [[nodiscard]] std::uint64_t hash_of(const std::string_view bytes) const noexcept {
        return hash_(as_bytes(bytes));
    }
    /// The same from bytes at hand, of the position behind them.
    [[nodiscard]] Tail tail_of(const ByteView bytes) const noexcept {
        return batch::tail_of(hash_, bytes);
    }

    /// The name of the file system that `path` lies on, asked once per device.
    Task<std::string> fs_id(std::string path, std::uint64_t dev);
    /// Whether that is one of the kernel's own, whose files are made when they are read (T5).
    Task<bool> is_kernel_fs(std::string path, std::uint64_t dev);

private:
    struct KnownFs {
        std::string id;
        bool is_kernels = false;
    };

    Task<KnownFs> known_fs(std::string path, std::uint64_t dev);

    Env& env_;
    KeyedHash hash_;
    std::map<std::uint64_t, KnownFs> known_fs_;  // by device
};

}  // namespace logboom::source
