// Files and directories, over Ops. Paths are bytes.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/time.h"
#include "shared/io/io_backend.h"
#include "shared/io/task.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace logboom::io {

enum class FileType : std::uint8_t { unknown, regular, directory, symlink, fifo, socket, device };

struct FileStat {
    FileType type = FileType::unknown;
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
    std::uint64_t size = 0;
    std::uint64_t allocated_bytes = 0;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t link_count = 0;
    WallTime mtime{};
    std::optional<std::int64_t> btime_ns;  // where the file system tells
};

struct DirEntry {
    std::string name;
    FileType type = FileType::unknown;
    std::uint64_t ino = 0;
    std::optional<FileStat> stat;  // if it was asked for and can be told; of what a link leads to
};
/// How much a listing tells.
enum class ListDetail : std::uint8_t {
    names,
    stats  ///< what a look at each entry would tell, at a fraction of its cost
};

struct FsInfo {
    std::uint64_t magic = 0;  // of statfs(2)
    std::uint64_t fs_id = 0;  // f_fsid
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
};

[[nodiscard]] FileStat to_stat(const struct statx& x);

/// An open descriptor. Move-only; an owner that dies without `close()` leaves the closing to the
/// backend. Operations of one File may overlap; it must outlive them. Shard: the opener's.
class File {
public:
    File() = default;
    File(IoBackend& backend, const int fd) noexcept : backend_(&backend), fd_(fd) {}
    File(File&& other) noexcept : backend_(other.backend_), fd_(std::exchange(other.fd_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(backend_, other.backend_);
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~File() {
        if (fd_ >= 0) {
            backend_->close_later(fd_);
        }
    }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int fd() const noexcept { return fd_; }

    /// Reads up to `into.size()` bytes at `offset`; fewer only at the end of the file (0: at or behind
    /// it).
    Task<Result<std::uint32_t>> pread(MutableByteView into, std::uint64_t offset);
    /// Writes all of `bytes` at `offset`. Errors: `no_space`, `io`; part may have been written.
    Task<Result<Ok>> pwrite(ByteView bytes, std::uint64_t offset);
    /// Writes the pieces one behind the other in as few calls as the kernel allows.
    Task<Result<Ok>> pwritev(std::vector<ByteView> pieces, std::uint64_t offset);
    Task<Result<Ok>> fdatasync();
    Task<Result<Ok>> fsync();
    Task<Result<Ok>> truncate(std::uint64_t size);
    Task<Result<Ok>> allocate(std::uint64_t offset, std::uint64_t size);
    Task<Result<FileStat>> stat();
    /// Whether anybody has it open for writing; `nullopt` where that cannot be told (T14).
    Task<std::optional<bool>> has_writer();
    /// Inode generation where the file system has one.
    Task<std::optional<std::uint64_t>> generation();
    /// Exclusive lock, not waiting. Error `busy`: another process has it.
    Task<Result<Ok>> lock();
    Task<Result<Ok>> close();

private:
    IoBackend* backend_ = nullptr;
    int fd_ = -1;
};

struct WatchEvent {
    int watch = -1;
    std::uint32_t mask = 0;  // IN_...; IN_Q_OVERFLOW comes with watch -1
    std::uint32_t cookie = 0;
    std::string name;

    /// Events were lost, of any watch.
    [[nodiscard]] bool is_overflow() const noexcept;
    /// The watch is no more: its directory was removed or its file system unmounted.
    [[nodiscard]] bool is_end_of_watch() const noexcept;
    /// `name` is that of a directory.
    [[nodiscard]] bool is_directory() const noexcept;
    /// The file has other bytes than before; else it came, went or changed its name.
    [[nodiscard]] bool is_written() const noexcept;
};

/// One inotify descriptor (T27).
class Watcher {
public:
    Watcher(IoBackend& backend, const int fd) noexcept : file_(backend, fd), backend_(backend) {}

    Task<Result<int>> add(std::string path, std::uint32_t mask);
    /// Watches what comes, goes and is written in a directory (agent-design T1). A directory that is
    /// watched already keeps its watch. Errors: `no_space` when the user has no watches left.
    Task<Result<int>> add_directory(std::string path);
    Task<Result<Ok>> remove(int watch);
    /// Waits for the next events; ends with `cancelled` when the scope does.
    Task<Result<std::vector<WatchEvent>>> next();
    Task<Result<Ok>> close() { return file_.close(); }

private:
    File file_;
    IoBackend& backend_;
    Buffer buffer_;
};

class Fs {
public:
    explicit Fs(IoBackend& backend) noexcept : backend_(backend) {}

    /// `flags` O_...; O_CLOEXEC is added.
    Task<Result<File>> open(std::string path, int flags, std::uint32_t mode = 0640);
    /// Follows links unless told otherwise.
    Task<Result<FileStat>> stat(std::string path, bool follow_links = true);
    Task<Result<Ok>> rename(std::string from, std::string to);
    Task<Result<Ok>> unlink(std::string path);
    Task<Result<Ok>> remove_dir(std::string path);
    /// An existing directory is no error.
    Task<Result<Ok>> make_dir(std::string path, std::uint32_t mode = 0750);
    /// The directory with its parents; all their names are durable when it returns.
    Task<Result<Ok>> make_dirs(std::string path, std::uint32_t mode = 0750);
    /// Entries without "." and "..", in byte order of their names.
    Task<Result<std::vector<DirEntry>>> list(
        std::string path, ListDetail detail = ListDetail::names
    );
    Task<Result<Ok>> sync_dir(std::string path);
    Task<Result<FsInfo>> info(std::string path);
    Task<Result<std::string>> read_link(std::string path);
    Task<Result<Watcher>> watch();

    /// A whole small file. Error `too_large` above `bytes_max`.
    Task<Result<std::string>> read_file(std::string path, std::size_t bytes_max);
    /// Replaces a file so that after a crash the old or the new content is there: temporary name,
    /// fdatasync, rename, fsync of the directory (F16).
    Task<Result<Ok>> replace_file(std::string path, ByteView content);

private:
    IoBackend& backend_;
};

}  // namespace logboom::io
