#include "shared/io/fs.h"

#include "shared/io/op_awaiter.h"
#include "shared/io/watch_events.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>

namespace logboom::io {

namespace {

// Pieces of one write call; the kernel takes IOV_MAX (1024).
constexpr std::size_t pieces_per_write = 64;
// Bytes of one write call: a larger one would hold the file's lock for long (io-runtime F3).
constexpr std::size_t inotify_buffer_bytes = 64u << 10;
// Files of /proc and /sys say that they are empty.
constexpr std::size_t read_bytes_min = 4095;
constexpr std::uint32_t directory_mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO
                                       | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR | IN_EXCL_UNLINK;

FileType to_type(const std::uint32_t mode) noexcept {
    switch (mode & S_IFMT) {
    case S_IFREG: return FileType::regular;
    case S_IFDIR: return FileType::directory;
    case S_IFLNK: return FileType::symlink;
    case S_IFIFO: return FileType::fifo;
    case S_IFSOCK: return FileType::socket;
    case S_IFCHR:
    case S_IFBLK: return FileType::device;
    default: return FileType::unknown;
    }
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// Why a directory cannot be synced that somebody else made: we may not read it, or its file system has no
/// names of ours to keep.
bool is_of_others(const std::int32_t sys_errno) noexcept {
    return sys_errno == EACCES || sys_errno == EPERM || sys_errno == EINVAL || sys_errno == EROFS;
}

/// An op on a path; the caller keeps the text.
Op path_op(const OpKind kind, const std::string& path) {
    Op op;
    op.kind = kind;
    op.path = path.c_str();
    return op;
}

Op fd_op(const OpKind kind, const int fd) {
    Op op;
    op.kind = kind;
    op.fd = fd;
    return op;
}

/// The content of a file that may grow meanwhile, in a buffer of about its size and not of its limit.
Task<Result<std::string>> read_whole(File& file, const std::size_t bytes_max) {
    LB_CO_TRY(const FileStat stat, co_await file.stat());
    std::string content;
    std::size_t expected = std::max<std::size_t>(stat.size, read_bytes_min);
    for (;;) {
        if (stat.size > bytes_max || content.size() > bytes_max) {
            co_return Error{ErrorCode::too_large, 0, "read file"};
        }
        const std::size_t have = content.size();
        content.resize(std::min(expected, bytes_max) + 1);  // one more, in which the end shows
        const std::span<char> rest = std::span(content).subspan(have);
        const MutableByteView room = std::as_writable_bytes(rest);
        LB_CO_TRY(const std::uint32_t size, co_await file.pread(room, have));
        content.resize(have + size);
        if (size < room.size()) {
            co_return content;
        }
        expected = 2 * content.size();
    }
}

/// Runs an op whose only outcome is success or an error.
Task<Result<Ok>> run(IoBackend& backend, Op op, const char* step) {
    const std::int32_t res = co_await OpAwaiter(backend, op);
    if (res < 0) {
        co_return to_error(res, step);
    }
    co_return Ok{};
}

}  // namespace

FileStat to_stat(const struct statx& x) {
    FileStat s;
    s.type = to_type(x.stx_mode);
    s.dev = std::uint64_t{x.stx_dev_major} << 32 | x.stx_dev_minor;
    s.ino = x.stx_ino;
    s.size = x.stx_size;
    s.allocated_bytes = x.stx_blocks * 512;
    s.mode = x.stx_mode;
    s.uid = x.stx_uid;
    s.gid = x.stx_gid;
    s.link_count = x.stx_nlink;
    s.mtime = WallTime(std::chrono::seconds(x.stx_mtime.tv_sec) + Nanos(x.stx_mtime.tv_nsec));
    if ((x.stx_mask & STATX_BTIME) != 0) {
        s.btime_ns = x.stx_btime.tv_sec * 1'000'000'000 + x.stx_btime.tv_nsec;
    }
    return s;
}

// --- File ----------------------------------------------------------------------------------------

Task<Result<std::uint32_t>> File::pread(const MutableByteView into, const std::uint64_t offset) {
    std::uint32_t done = 0;
    while (done < into.size()) {
        Op op = fd_op(OpKind::read, fd_);
        op.buf = into.data() + done;
        op.len = static_cast<std::uint32_t>(into.size() - done);
        op.off = static_cast<std::int64_t>(offset + done);
        const std::int32_t res = co_await OpAwaiter(*backend_, op);
        if (res == -EINTR) {
            continue;
        }
        if (res < 0) {
            co_return to_error(res, "read file");
        }
        if (res == 0) {
            break;
        }
        done += static_cast<std::uint32_t>(res);
    }
    co_return done;
}

Task<Result<Ok>> File::pwrite(const ByteView bytes, const std::uint64_t offset) {
    std::vector<ByteView> pieces(1, bytes);
    co_return co_await pwritev(std::move(pieces), offset);
}

Task<Result<Ok>> File::pwritev(std::vector<ByteView> pieces, std::uint64_t offset) {
    std::erase_if(pieces, [](const ByteView piece) { return piece.empty(); });
    std::size_t first = 0;
    while (first < pieces.size()) {
        std::array<iovec, pieces_per_write> iov{};
        std::uint32_t count = 0;
        for (std::size_t i = first; i < pieces.size() && count < iov.size(); ++i) {
            // The kernel only reads through the pointer.
            iov[count].iov_base = const_cast<std::byte*>(pieces[i].data()
            );  // NOLINT(cppcoreguidelines-pro-type-const-cast): iovec has no const form
            iov[count].iov_len = pieces[i].size();
            ++count;
        }
        Op op = fd_op(OpKind::writev, fd_);
        op.iov = iov.data();
        op.iov_count = count;
        op.off = static_cast<std::int64_t>(offset);
        const std::int32_t res = co_await OpAwaiter(*backend_, op);
        if (res == -EINTR) {
            continue;
        }
        if (res < 0) {
            co_return to_error(res, "write file");
        }
        auto left = static_cast<std::size_t>(res);
        offset += left;
        while (first < pieces.size() && left >= pieces[first].size()) {
            left -= pieces[first].size();
            ++first;
        }
        if (left != 0) {
            pieces[first] = pieces[first].subspan(left);
        } else if (res == 0 && first < pieces.size()) {
            co_return Error{ErrorCode::io, EIO, "write file: nothing was written"};
        }
    }
    co_return Ok{};
}

Task<Result<Ok>> File::fdatasync() {
    co_return co_await run(*backend_, fd_op(OpKind::fdatasync, fd_), "fdatasync");
}

Task<Result<Ok>> File::fsync() {
    co_return co_await run(*backend_, fd_op(OpKind::fsync, fd_), "fsync");
}

Task<Result<Ok>> File::truncate(const std::uint64_t size) {
    Op op = fd_op(OpKind::ftruncate, fd_);
    op.length = static_cast<std::int64_t>(size);
    co_return co_await run(*backend_, op, "truncate file");
}

Task<Result<Ok>> File::allocate(const std::uint64_t offset, const std::uint64_t size) {
    Op op = fd_op(OpKind::fallocate, fd_);
    op.off = static_cast<std::int64_t>(offset);
    op.length = static_cast<std::int64_t>(size);
    co_return co_await run(*backend_, op, "allocate file");
}

Task<Result<FileStat>> File::stat() {
    struct statx x {};
    Op op = fd_op(OpKind::statx, fd_);
    op.path = "";
    op.flags = AT_EMPTY_PATH;
    op.out = &x;
    LB_CO_CHECK(co_await run(*backend_, op, "stat file"));
    co_return to_stat(x);
}

Task<std::optional<bool>> File::has_writer() {
    const std::int32_t res = co_await OpAwaiter(*backend_, fd_op(OpKind::has_writer, fd_));
    if (res < 0) {
        co_return std::optional<bool>();
    }
    co_return std::optional<bool>(res == 1);
}

Task<std::optional<std::uint64_t>> File::generation() {
    std::uint64_t generation = 0;
    Op op = fd_op(OpKind::get_generation, fd_);
    op.out = &generation;
    const std::int32_t res = co_await OpAwaiter(*backend_, op);
    if (res < 0) {
        co_return std::optional<std::uint64_t>();
    }
    co_return std::optional<std::uint64_t>(generation);
}

Task<Result<Ok>> File::lock() {
    co_return co_await run(*backend_, fd_op(OpKind::lock_file, fd_), "lock file");
}

Task<Result<Ok>> File::close() {
    const int fd = std::exchange(fd_, -1);
    if (fd < 0) {
        co_return Ok{};
    }
    co_return co_await run(*backend_, fd_op(OpKind::close, fd), "close file");
}

// --- Watcher -------------------------------------------------------------------------------------

bool WatchEvent::is_overflow() const noexcept {
    return (mask & IN_Q_OVERFLOW) != 0;
}
bool WatchEvent::is_end_of_watch() const noexcept {
    return (mask & IN_IGNORED) != 0;
}
bool WatchEvent::is_directory() const noexcept {
    return (mask & IN_ISDIR) != 0;
}
bool WatchEvent::is_written() const noexcept {
    return (mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0;
}

Task<Result<int>> Watcher::add_directory(std::string path) {
    co_return co_await add(std::move(path), directory_mask);
}

Task<Result<int>> Watcher::add(std::string path, const std::uint32_t mask) {
    Op op = path_op(OpKind::inotify_add, path);
    op.fd = file_.fd();
    op.flags = mask;
    const std::int32_t res = co_await OpAwaiter(backend_, op);
    if (res < 0) {
        co_return to_error(res, "watch directory");
    }
    co_return res;
}

Task<Result<Ok>> Watcher::remove(const int watch) {
    Op op = fd_op(OpKind::inotify_remove, file_.fd());
    op.length = watch;
    co_return co_await run(backend_, op, "end watch");
}

Task<Result<std::vector<WatchEvent>>> Watcher::next() {
    buffer_.resize(inotify_buffer_bytes);
    Op op = fd_op(OpKind::read, file_.fd());
    op.buf = buffer_.data();
    op.len = static_cast<std::uint32_t>(buffer_.size());
    op.off = -1;
    const std::int32_t res = co_await OpAwaiter(backend_, op, OpAwaiter::Cancellable::yes);
    if (res < 0) {
        co_return to_error(res, "read watch events");
    }
    co_return parse_watch_events(buffer_.view().first(static_cast<std::size_t>(res)));
}

// --- Fs ------------------------------------------------------------------------------------------

Task<Result<File>> Fs::open(std::string path, const int flags, const std::uint32_t mode) {
    Op op = path_op(OpKind::open, path);
    op.flags = static_cast<std::uint32_t>(flags) | O_CLOEXEC;
    op.mode = mode;
    const std::int32_t res = co_await OpAwaiter(backend_, op);
    if (res < 0) {
        co_return to_error(res, "open file");
    }
    co_return File(backend_, res);
}

Task<Result<FileStat>> Fs::stat(std::string path, const bool follow_links) {
    struct statx x {};
    Op op = path_op(OpKind::statx, path);
    op.flags = follow_links ? 0 : AT_SYMLINK_NOFOLLOW;
    op.out = &x;
    LB_CO_CHECK(co_await run(backend_, op, "stat file"));
    co_return to_stat(x);
}

Task<Result<Ok>> Fs::rename(std::string from, std::string to) {
    Op op = path_op(OpKind::rename, from);
    op.path2 = to.c_str();
    co_return co_await run(backend_, op, "rename file");
}

Task<Result<Ok>> Fs::unlink(std::string path) {
    co_return co_await run(backend_, path_op(OpKind::unlink, path), "remove file");
}

Task<Result<Ok>> Fs::remove_dir(std::string path) {
    Op op = path_op(OpKind::unlink, path);
    op.flags = AT_REMOVEDIR;
    co_return co_await run(backend_, op, "remove directory");
}

Task<Result<Ok>> Fs::make_dir(std::string path, const std::uint32_t mode) {
    Op op = path_op(OpKind::mkdir, path);
    op.mode = mode;
    const Result<Ok> made = co_await run(backend_, op, "make directory");
    if (!made && made.code() != ErrorCode::already_exists) {
        co_return made;
    }
    co_return Ok{};
}

Task<Result<Ok>> Fs::make_dirs(std::string path, const std::uint32_t mode) {
    const std::string parent = parent_of(path);
    Result<Ok> above = Ok{};
    if (parent != path && parent != "." && parent != "/") {
        above = co_await make_dirs(parent, mode);
    }
    const Result<Ok> made = co_await make_dir(path, mode);
    if (!made) {
        co_return above ? made : above;
    }
    // Also where it stood already, up to the root: whoever made it may have died before its name was on disk.
    const Result<Ok> synced = co_await sync_dir(parent);
    if (!synced && is_of_others(synced.error().sys_errno)) {
        co_return Ok{};
    }
    co_return synced;
}

Task<Result<std::vector<DirEntry>>> Fs::list(std::string path, const ListDetail detail) {
    std::vector<DirEntry> entries;
    Op op = path_op(OpKind::list_dir, path);
    op.flags = static_cast<std::uint32_t>(detail);
    op.out = &entries;
    LB_CO_CHECK(co_await run(backend_, op, "list directory"));
    std::ranges::sort(entries, {}, &DirEntry::name);
    co_return entries;
}

Task<Result<Ok>> Fs::sync_dir(std::string path) {
    LB_CO_TRY(File dir, co_await open(path, O_RDONLY | O_DIRECTORY));
    const Result<Ok> synced = co_await dir.fsync();
    LB_CO_CHECK(co_await dir.close());
    co_return synced;
}

Task<Result<FsInfo>> Fs::info(std::string path) {
    FsInfo info;
    Op op = path_op(OpKind::statfs, path);
    op.out = &info;
    LB_CO_CHECK(co_await run(backend_, op, "look up file system"));
    co_return info;
}

Task<Result<std::string>> Fs::read_link(std::string path) {
    std::string target;
    Op op = path_op(OpKind::read_link, path);
    op.out = &target;
    LB_CO_CHECK(co_await run(backend_, op, "read link"));
    co_return target;
}

Task<Result<Watcher>> Fs::watch() {
    Op op;
    op.kind = OpKind::inotify_open;
    const std::int32_t res = co_await OpAwaiter(backend_, op);
    if (res < 0) {
        co_return to_error(res, "open inotify");
    }
    co_return Watcher(backend_, res);
}

Task<Result<std::string>> Fs::read_file(std::string path, const std::size_t bytes_max) {
    LB_CO_TRY(File file, co_await open(path, O_RDONLY));
    Result<std::string> content = co_await read_whole(file, bytes_max);
    LB_CO_CHECK(co_await file.close());
    co_return content;
}

Task<Result<Ok>> Fs::replace_file(std::string path, const ByteView content) {
    const std::string temporary = path + ".tmp";
    LB_CO_TRY(File file, co_await open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0640));
    Result<Ok> written = co_await file.pwrite(content, 0);
    if (written) {
        written = co_await file.fdatasync();
    }
    LB_CO_CHECK(co_await file.close());
    LB_CO_CHECK(written);
    LB_CO_CHECK(co_await rename(temporary, path));
    const std::string parent = parent_of(path);
    co_return co_await sync_dir(parent);
}

}  // namespace logboom::io
