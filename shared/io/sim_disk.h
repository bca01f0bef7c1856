// The disk of one simulated machine: what programs see now (the page cache) and what would survive a
// power loss (replication-design 27.2). A crash keeps, loses or tears each unsynced 512-byte sector, and
// keeps or loses each unsynced change of size and of a directory, as the seed says.
#pragma once

#include "shared/io/fs.h"
#include "shared/io/sim_events.h"
#include "shared/io/sim_watch.h"

#include <sys/stat.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::io {

struct SimDiskFaults {
    double read_error = 0;   // -EIO of a read
    double write_error = 0;  // -EIO of a write, half of it done
    double sync_error =
        0;  // -EIO of a sync: by the seed its data is dropped or stays readable only
    double short_read = 0;
    double short_write = 0;
    double interrupted = 0;  // -EINTR of a read or write
};

struct SimDiskOptions {
    std::uint64_t capacity_bytes = 1ull << 40;
    /// A freed inode number is given to the next file, as ext4 does.
    bool reuse_inodes = true;
    SimDiskFaults faults;
};

struct SimInode {
    std::uint64_t ino = 0;
    std::uint64_t generation = 0;
    std::uint32_t mode = 0;
    std::string data;     // what is read; of a link its target
    std::string durable;  // what a power loss leaves
    std::set<std::uint64_t> dirty_sectors;
    std::map<std::string, std::shared_ptr<SimInode>> entries;
    std::map<std::string, std::shared_ptr<SimInode>> durable_entries;
    std::uint32_t links = 0;
    std::uint32_t opens = 0;
    std::uint32_t writers = 0;
    const void* locked_by = nullptr;
    WallTime mtime{};
    WallTime btime{};
    SimInode* parent =
        nullptr;  // directory and name of the latest link; null after the last unlink
    std::string name;
    SimWatched watched;
    std::shared_ptr<std::vector<std::uint64_t>> free_numbers;
    std::shared_ptr<std::uint64_t> used_bytes;

    SimInode() = default;
    SimInode(const SimInode&) = delete;
    SimInode& operator=(const SimInode&) = delete;
    ~SimInode();
    [[nodiscard]] bool is_directory() const noexcept { return S_ISDIR(mode); }
    [[nodiscard]] bool is_link() const noexcept { return S_ISLNK(mode); }
};

/// An open file description. Closing it is the holder's duty: `SimDisk::close`.
struct SimOpenFile {
    std::shared_ptr<SimInode> inode;
    bool can_read = false;
    bool can_write = false;
    bool appends = false;
    bool closed = false;
    std::uint32_t boot = 0;  // of the machine that opened it; it means nothing after a power loss
};

/// Calls answer at once with >= 0 or -errno; the backend adds the waiting. Applications of a test call
/// them directly.
class SimDisk {
public:
    SimDisk(SimEvents& events, std::uint32_t node, SimDiskOptions options);
    SimDisk(const SimDisk&) = delete;
    SimDisk& operator=(const SimDisk&) = delete;
    ~SimDisk();

    /// Applications of a test write without faults of their own.
    enum class Faults : bool { none, configured };

    [[nodiscard]] SimDiskOptions& options() noexcept { return options_; }
    /// CLOCK_REALTIME of the machine, for time stamps of files.
    [[nodiscard]] WallTime wall() const noexcept;
    void set_wall_offset(const Nanos offset) noexcept { wall_offset_ = offset; }

    std::int32_t open(
        std::string_view path,
        std::uint32_t flags,
        std::uint32_t mode,
        std::shared_ptr<SimOpenFile>& out
    );
    void close(SimOpenFile& file);
    std::int32_t read(
        const SimOpenFile& file, MutableByteView into, std::uint64_t offset, Faults faults
    );
    std::int32_t write(SimOpenFile& file, ByteView bytes, std::uint64_t offset, Faults faults);
    std::int32_t truncate(SimOpenFile& file, std::uint64_t size);
    std::int32_t allocate(SimOpenFile& file, std::uint64_t offset, std::uint64_t length);
    /// Data and size of a file, or the names of a directory.
    std::int32_t sync(SimOpenFile& file, Faults faults);
    std::int32_t stat(
        const SimOpenFile* file, std::string_view path, bool follow, struct statx& out
    );
    std::int32_t rename(std::string_view from, std::string_view to);
    std::int32_t unlink(std::string_view path, bool directory);
    std::int32_t make_dir(std::string_view path, std::uint32_t mode);
    std::int32_t make_link(std::string_view target, std::string_view path);
    /// Another name of a file.
    std::int32_t make_hard_link(std::string_view file, std::string_view path);
    std::int32_t list(std::string_view path, std::vector<DirEntry>& out);
    std::int32_t read_link(std::string_view path, std::string& out);
    std::int32_t lock(SimOpenFile& file);
    std::int32_t watch(
        const std::shared_ptr<SimWatcher>& watcher, std::string_view path, std::uint32_t mask
    );
    [[nodiscard]] FsInfo info() const;

    /// Power loss: everything open is gone, and of what was not synced what the seed says.
    void lose_power();
    /// Writes back all there is, as after a quiet minute.
    void sync_all();
    /// The bytes of a file as a power loss now would surely leave them: for white-box checkers.
    [[nodiscard]] std::string durable_content(std::string_view path) const;

private:
    using InodePtr = std::shared_ptr<SimInode>;
    struct DirectoryChange {  // not yet durable; a rename is one change
        InodePtr from_dir;    // null: created
        std::string from;
        InodePtr to_dir;  // null: removed
        std::string to;
        InodePtr target;
    };
    struct Found {
        InodePtr dir;
        std::string name;
        InodePtr target;
        std::int32_t error = 0;
    };

    [[nodiscard]] Found find(std::string_view path, bool follow, int depth = 0) const;
    InodePtr make_inode(std::uint32_t mode);
    void link(const InodePtr& dir, const std::string& name, const InodePtr& target);
    void unlink_entry(SimInode& dir, const std::string& name);
    static void make_durable(const DirectoryChange& change);
    static void sync_content(SimInode& inode);
    [[nodiscard]] bool resize(SimInode& inode, std::uint64_t size);
    void touch(SimInode& inode) const;
    static void tell(const SimInode& inode, std::uint32_t mask);
    static void end_if_unused(SimInode& inode);
    void overwrite(SimInode& inode, ByteView bytes, std::uint64_t offset) const;
    void settle_after_crash(SimInode& inode);
    void settle_tree(const InodePtr& inode);
    void sync_tree(const InodePtr& inode);
    [[nodiscard]] bool strikes(double rate);

    SimEvents& events_;
    std::uint32_t node_;
    SimDiskOptions options_;
    Nanos wall_offset_{};
    std::shared_ptr<std::vector<std::uint64_t>> free_numbers_;
    std::shared_ptr<std::uint64_t> used_bytes_;
    std::uint64_t next_ino_ = 11;
    std::uint64_t next_generation_ = 1;
    std::uint32_t next_cookie_ = 1;
    InodePtr root_;
    std::uint32_t boot_ = 0;
    std::vector<DirectoryChange> changes_;
    double kept_at_crash_ = 0;  // of this power loss: share of unsynced parts that survive
};

}  // namespace logboom::io
