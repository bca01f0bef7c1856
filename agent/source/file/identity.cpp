#include "agent/source/file/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace logboom::source {

namespace {

// Magic numbers of statfs(2): proc, sysfs, debugfs, tracefs, securityfs, bpf, cgroup, cgroup2, pstore,
// configfs.
constexpr std::array<std::uint64_t, 10> kernel_magics{
    0x9FA0,
    0x62656572,
    0x64626720,
    0x74726163,
    0x73636673,
    0xCAFE4A11,
    0x27E0EB,
    0x63677270,
    0x6165676C,
    0x62656570,
};

}  // namespace

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

Kinship kinship(const ContentProofs& proofs, const bool is_old_whole) noexcept {
    if (!prove_content(proofs)) {
        return Kinship::none;
    }
    return is_old_whole ? Kinship::copied : Kinship::moved;
}

bool is_absent(const Error& error) noexcept {
    return error.code == ErrorCode::not_found || error.sys_errno == ENOENT
        || error.sys_errno == ENOTDIR;
}

bool leads_nowhere(const Error& error) noexcept {
    return is_absent(error) || error.sys_errno == ELOOP;
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
    Result<FileIdentity> identity = co_await identify(*opened.file, path, opened.mtime);
    if (!identity) {
        [[maybe_unused]] const Result<Ok> given_up = co_await opened.file->close();
        co_return identity.error();
    }
    opened.identity = std::move(*identity);
    co_return std::move(opened);
}

Task<Identifier::KnownFs> Identifier::known_fs(std::string path, const std::uint64_t dev) {
    if (const auto known = known_fs_.find(dev); known != known_fs_.end()) {
        co_return known->second;
    }
    Result<io::FsInfo> info = co_await env_.fs.info(path);
    if (!info) {  // the file went away; its directory will be there
        info = co_await env_.fs.info(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
    }
    const bool is_named = info && info->fs_id != 0;
    KnownFs fs;
    fs.id = is_named ? fmt::format("fsid:{:016x}", info->fs_id) : fmt::format("dev:{:x}", dev);
    fs.is_kernels = info && std::ranges::find(kernel_magics, info->magic) != kernel_magics.end();
    if (info) {
        known_fs_[dev] = fs;
    }
    co_return fs;
}

Task<std::string> Identifier::fs_id(std::string path, const std::uint64_t dev) {
    KnownFs fs = co_await known_fs(std::move(path), dev);
    co_return std::move(fs.id);
}

Task<bool> Identifier::is_kernel_fs(std::string path, const std::uint64_t dev) {
    const KnownFs fs = co_await known_fs(std::move(path), dev);
    co_return fs.is_kernels;
}

Task<Result<FileKey>> Identifier::key(io::File& file, std::string path, const io::FileStat stat) {
    FileKey key;
    key.fs_id = co_await fs_id(std::move(path), stat.dev);
    key.ino = stat.ino;
    key.btime_ns = stat.btime_ns;
    key.gen = co_await file.generation();
    co_return key;
}

Task<Result<FileIdentity>> Identifier::identify(io::File& file, std::string path, WallTime& mtime) {
    LB_CO_TRY(const io::FileStat stat, co_await file.stat());
    mtime = stat.mtime;
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
