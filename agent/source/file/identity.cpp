#include "agent/source/file/identity.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>

namespace logboom::source {

FileKey key_of(const FileIdentity& identity) {
    return {identity.fs_id, identity.ino, identity.gen, identity.btime_ns};
}

Continuity continuity(
    const std::uint64_t offset, const Tail& known, const std::uint64_t size, const Tail& seen
) noexcept {
    if (size < offset) {
        return Continuity::truncated;
    }
    return known.size == 0 || known == seen ? Continuity::same : Continuity::rewritten;
}

Kinship kinship(
    const std::uint64_t offset,
    const bool is_head_equal,
    const bool is_tail_equal,
    const bool is_old_intact
) noexcept {
    if (offset == 0 || !is_head_equal || !is_tail_equal) {
        return Kinship::none;
    }
    return is_old_intact ? Kinship::copied : Kinship::moved;
}

bool is_absent(const Error& error) noexcept {
    return error.code == ErrorCode::not_found || error.sys_errno == ENOENT
        || error.sys_errno == ENOTDIR;
}

Task<Result<io::File>> Identifier::open_to_read(std::string path) {
    // Not blocking: a FIFO may have taken the file's name since it was listed (T5).
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    co_return co_await env_.fs.open(std::move(path), flags);
}

Task<Result<OpenFile>> Identifier::open(std::string path) {
    LB_CO_TRY(io::File file, co_await open_to_read(path));
    OpenFile opened;
    opened.file = std::make_unique<io::File>(std::move(file));
    Result<FileIdentity> identity = co_await identify(*opened.file, path);
    if (!identity) {
        [[maybe_unused]] const Result<Ok> given_up = co_await opened.file->close();
        co_return identity.error();
    }
    opened.identity = std::move(*identity);
    co_return std::move(opened);
}

Task<std::string> Identifier::fs_id(std::string path, const std::uint64_t dev) {
    if (const auto known = fs_ids_.find(dev); known != fs_ids_.end()) {
        co_return known->second;
    }
    const Result<io::FsInfo> info = co_await env_.fs.info(std::move(path));
    const bool is_named = info && info->fs_id != 0;
    std::string id = is_named ? fmt::format("fsid:{:016x}", info->fs_id)
                              : fmt::format("dev:{:x}", dev);
    fs_ids_[dev] = id;
    co_return id;
}

Task<Result<FileKey>> Identifier::key(io::File& file, std::string path, const io::FileStat stat) {
    FileKey key;
    key.fs_id = co_await fs_id(std::move(path), stat.dev);
    key.ino = stat.ino;
    key.btime_ns = stat.btime_ns;
    key.gen = co_await file.generation();
    co_return key;
}

Task<Result<FileIdentity>> Identifier::identify(io::File& file, std::string path) {
    LB_CO_TRY(const io::FileStat stat, co_await file.stat());
    if (stat.type != io::FileType::regular) {
        co_return Error{ErrorCode::invalid_argument, 0, "not a regular file"};
    }
    LB_CO_TRY(FileKey key, co_await this->key(file, path, stat));
    FileIdentity identity;
    identity.fs_id = std::move(key.fs_id);
    identity.ino = key.ino;
    identity.gen = key.gen;
    identity.btime_ns = key.btime_ns;
    identity.size_seen = stat.size;
    identity.path_seen = std::move(path);
    std::array<std::byte, head_bytes_max> head;
    LB_CO_TRY(const std::uint32_t size, co_await file.pread(MutableByteView(head), 0));
    identity.head_len = size;
    identity.head_hash = hash_(ByteView(head).first(size));
    co_return identity;
}

Task<Result<std::string>> Identifier::head(io::File& file) {
    std::array<std::byte, head_bytes_max> head;
    LB_CO_TRY(const std::uint32_t got, co_await file.pread(MutableByteView(head), 0));
    co_return std::string(as_text(ByteView(head).first(got)));
}

Task<Result<std::uint64_t>> Identifier::head_hash(io::File& file, const std::uint32_t size) {
    std::array<std::byte, head_bytes_max> head;
    LB_ASSERT(size <= head.size());
    LB_CO_TRY(const std::uint32_t got, co_await file.pread(MutableByteView(head).first(size), 0));
    co_return hash_(ByteView(head).first(got));
}

Task<Result<Tail>> Identifier::tail(
    io::File& file, const std::uint64_t offset, const std::uint32_t size
) {
    std::array<std::byte, batch::tail_bytes_max> bytes;
    LB_ASSERT(size <= bytes.size() && size <= offset);
    LB_CO_TRY(
        const std::uint32_t got,
        co_await file.pread(MutableByteView(bytes).first(size), offset - size)
    );
    Tail tail;
    tail.size = got;
    tail.hash = hash_(ByteView(bytes).first(got));
    co_return tail;
}

}  // namespace logboom::source
