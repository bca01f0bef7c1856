#include "shared/io/op_calls.h"

#include "shared/io/fs.h"
#include "shared/io/sockets.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace logboom::io {

namespace {

/// Of a call that tells its error by errno.
std::int32_t result_of(const std::int64_t call) noexcept {
    return call < 0 ? -errno : static_cast<std::int32_t>(call);
}

FileType to_type(const unsigned char d_type) noexcept {
    switch (d_type) {
    case DT_REG: return FileType::regular;
    case DT_DIR: return FileType::directory;
    case DT_LNK: return FileType::symlink;
    case DT_FIFO: return FileType::fifo;
    case DT_SOCK: return FileType::socket;
    case DT_CHR:
    case DT_BLK: return FileType::device;
    default: return FileType::unknown;
    }
}

/// Of an entry of an open directory: a look from there costs less than one by the whole path.
std::optional<FileStat> look_at(const int directory, const char* const name) {
    struct statx x {};
    constexpr unsigned mask = STATX_BASIC_STATS | STATX_BTIME;
    if (::statx(directory, name, AT_NO_AUTOMOUNT, mask, &x) != 0) {
        return std::nullopt;
    }
    return to_stat(x);
}

std::int32_t list_dir(const Op& op) {
    const bool has_stats = op.flags == static_cast<std::uint32_t>(ListDetail::stats);
    auto& entries = *static_cast<std::vector<DirEntry>*>(op.out);
    DIR* const dir = ::opendir(op.path);
    if (dir == nullptr) {
        return -errno;
    }
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(dir);
        if (entry == nullptr) {
            break;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            DirEntry& added = entries.emplace_back();
            added.name = name;
            added.type = to_type(entry->d_type);
            added.ino = entry->d_ino;
            if (has_stats) {
                added.stat = look_at(::dirfd(dir), entry->d_name);
            }
        }
    }
    const int error = errno;
    ::closedir(dir);
    return -error;
}

std::int32_t look_up_fs(const Op& op) {
    struct statfs s {};
    if (::statfs(op.path, &s) < 0) {
        return -errno;
    }
    auto& info = *static_cast<FsInfo*>(op.out);
    info.magic = static_cast<std::uint64_t>(s.f_type);
    std::memcpy(&info.fs_id, &s.f_fsid, sizeof info.fs_id);
    const auto block = static_cast<std::uint64_t>(s.f_bsize);
    info.free_bytes = s.f_bavail * block;
    info.total_bytes = s.f_blocks * block;
    return 0;
}

std::int32_t read_link(const Op& op) {
    auto& target = *static_cast<std::string*>(op.out);
    target.resize(4096);  // PATH_MAX
    const ssize_t size = ::readlink(op.path, target.data(), target.size());
    if (size < 0) {
        return -errno;
    }
    target.resize(static_cast<std::size_t>(size));
    return 0;
}

std::int32_t lock_file(const Op& op) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return result_of(::fcntl(op.fd, F_OFD_SETLK, &lock));
}

/// A read lease is refused while anybody has the inode open for writing, also after rename and unlink;
/// it is dropped at once (agent-design T14). Whoever opens it between the two calls waits for that moment,
/// and we are sent a SIGIO, which the program ignores (daemon::Signals).
std::int32_t has_writer(const Op& op) {
    if (::fcntl(op.fd, F_SETLEASE, F_RDLCK) == 0) {
        ::fcntl(op.fd, F_SETLEASE, F_UNLCK);
        return 0;
    }
    return errno == EAGAIN ? 1 : -errno;
}

std::int32_t get_generation(const Op& op) {
    long generation = 0;  // the ioctl writes an int into what its name calls a long
    if (::ioctl(op.fd, FS_IOC_GETVERSION, &generation) < 0) {
        return -errno;
    }
    *static_cast<std::uint64_t*>(op.out) = static_cast<std::uint32_t>(generation);
    return 0;
}

std::int32_t read_at(const Op& op) noexcept {
    return result_of(
        op.off < 0 ? ::read(op.fd, op.buf, op.len) : ::pread(op.fd, op.buf, op.len, op.off)
    );
}

std::int32_t look_at(const Op& op) noexcept {
    const int at = *op.path == '\0' ? op.fd : AT_FDCWD;
    return result_of(::statx(
        at,
        op.path,
        static_cast<int>(op.flags),
        STATX_BASIC_STATS | STATX_BTIME,
        static_cast<struct statx*>(op.out)
    ));
}

}  // namespace

std::int32_t run_call(Op& op) {
    const int flags = static_cast<int>(op.flags);
    switch (op.kind) {
    case OpKind::listen_tcp: return listen_tcp(op);
    case OpKind::local_port: return local_port(op);
    case OpKind::peer_address: return peer_address(op);
    case OpKind::shutdown: return result_of(::shutdown(op.fd, flags));
    case OpKind::open: return result_of(::open(op.path, flags, op.mode));
    case OpKind::close: return result_of(::close(op.fd));
    case OpKind::read: return read_at(op);
    case OpKind::writev:
        return result_of(::pwritev(op.fd, op.iov, static_cast<int>(op.iov_count), op.off));
    case OpKind::fdatasync: return result_of(::fdatasync(op.fd));
    case OpKind::fsync: return result_of(::fsync(op.fd));
    case OpKind::statx: return look_at(op);
    case OpKind::fallocate: return result_of(::fallocate(op.fd, 0, op.off, op.length));
    case OpKind::ftruncate: return result_of(::ftruncate(op.fd, op.length));
    case OpKind::rename: return result_of(::rename(op.path, op.path2));
    case OpKind::unlink: return result_of(::unlinkat(AT_FDCWD, op.path, flags));
    case OpKind::mkdir: return result_of(::mkdir(op.path, op.mode));
    case OpKind::list_dir: return list_dir(op);
    case OpKind::statfs: return look_up_fs(op);
    case OpKind::read_link: return read_link(op);
    case OpKind::lock_file: return lock_file(op);
    case OpKind::has_writer: return has_writer(op);
    case OpKind::get_generation: return get_generation(op);
    case OpKind::inotify_open: return result_of(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    case OpKind::inotify_add: return result_of(::inotify_add_watch(op.fd, op.path, op.flags));
    case OpKind::inotify_remove:
        return result_of(::inotify_rm_watch(op.fd, static_cast<int>(op.length)));
    case OpKind::accept_multi:
    case OpKind::connect_tcp:
    case OpKind::recv_multi:
    case OpKind::recv:
    case OpKind::recv_some:
    case OpKind::sendmsg:
    case OpKind::resolve: break;
    }
    LB_UNREACHABLE(to_string(op.kind));  // it waits for somebody
}

}  // namespace logboom::io
