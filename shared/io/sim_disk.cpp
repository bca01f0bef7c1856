#include "shared/io/sim_disk.h"

#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace logboom::io {

namespace {

constexpr std::uint64_t sector_bytes = 512;
constexpr int links_followed_max = 8;
constexpr std::uint64_t ext4_magic = 0xEF53;
// Virtual 2026-01-01 at virtual boot time 0.
constexpr Nanos wall_epoch = std::chrono::seconds(1'767'225'600);

FileType to_type(const std::uint32_t mode) noexcept {
    if (S_ISDIR(mode)) {
        return FileType::directory;
    }
    return S_ISLNK(mode) ? FileType::symlink : FileType::regular;
}

statx_timestamp to_timestamp(const WallTime time) noexcept {
    const std::int64_t ns = time.time_since_epoch().count();
    statx_timestamp stamp{};
    stamp.tv_sec = ns / 1'000'000'000;
    stamp.tv_nsec = static_cast<std::uint32_t>(ns % 1'000'000'000);
    return stamp;
}

/// Sectors that [begin, end) touches.
void mark_dirty(SimInode& inode, const std::uint64_t begin, const std::uint64_t end) {
    for (std::uint64_t sector = begin / sector_bytes; sector * sector_bytes < end; ++sector) {
        inode.dirty_sectors.insert(sector);
    }
}

void copy_range(
    const std::string& from, std::string& to, const std::uint64_t begin, const std::uint64_t size
) {
    const std::uint64_t end = std::min<std::uint64_t>({begin + size, from.size(), to.size()});
    if (begin < end) {
        std::copy(
            from.begin() + static_cast<std::ptrdiff_t>(begin),
            from.begin() + static_cast<std::ptrdiff_t>(end),
            to.begin() + static_cast<std::ptrdiff_t>(begin)
        );
    }
}

}  // namespace

SimInode::~SimInode() {
    if (free_numbers != nullptr) {
        free_numbers->push_back(ino);
        *used_bytes -= data.size();
    }
}

SimDisk::SimDisk(SimEvents& events, const std::uint32_t node, SimDiskOptions options)
    : events_(events)
    , node_(node)
    , options_(options)
    , free_numbers_(std::make_shared<std::vector<std::uint64_t>>())
    , used_bytes_(std::make_shared<std::uint64_t>(0)) {
    root_ = make_inode(S_IFDIR | 0755);
    root_->links = 1;
}

SimDisk::~SimDisk() = default;

WallTime SimDisk::wall() const noexcept {
    return WallTime(events_.now().time_since_epoch() + wall_epoch + wall_offset_);
}

bool SimDisk::strikes(const double rate) {
    return rate > 0 && events_.rng().chance(rate);
}

SimDisk::InodePtr SimDisk::make_inode(const std::uint32_t mode) {
    auto inode = std::make_shared<SimInode>();
    if (options_.reuse_inodes && !free_numbers_->empty()) {
        inode->ino = free_numbers_->back();
        free_numbers_->pop_back();
    } else {
        inode->ino = next_ino_++;
    }
    inode->generation = next_generation_++;
    inode->mode = mode;
    inode->btime = inode->mtime = wall();
    inode->free_numbers = free_numbers_;
    inode->used_bytes = used_bytes_;
    return inode;
}

SimDisk::Found SimDisk::find(const std::string_view path, const bool follow, const int depth)
    const {
    Found found{nullptr, {}, root_, 0};
    std::size_t begin = 0;
    while (begin < path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view part = path.substr(begin, end - begin);
        const bool is_last = path.find_first_not_of('/', end) == std::string_view::npos;
        begin = end + 1;
        if (part.empty() || part == ".") {
            continue;
        }
        if (found.target == nullptr) {
            return Found{nullptr, {}, nullptr, -ENOENT};
        }
        if (!found.target->is_directory()) {
            return Found{nullptr, {}, nullptr, -ENOTDIR};
        }
        found.dir = found.target;
        found.name = part;
        const auto entry = found.dir->entries.find(found.name);
        found.target = entry == found.dir->entries.end() ? nullptr : entry->second;
        if (found.target != nullptr && found.target->is_link() && (follow || !is_last)) {
            if (depth == links_followed_max) {
                return Found{nullptr, {}, nullptr, -ELOOP};
            }
            Found there = find(found.target->data, true, depth + 1);
            if (is_last || there.error != 0) {
                return there;
            }
            found = std::move(there);
        }
    }
    return found;
}

void SimDisk::tell(const SimInode& inode, const std::uint32_t mask) {
    inode.watched.tell(mask, 0, {});
    if (inode.parent != nullptr) {
        inode.parent->watched.tell(mask, 0, inode.name);
    }
}

void SimDisk::link(const InodePtr& dir, const std::string& name, const InodePtr& target) {
    dir->entries[name] = target;
    ++target->links;
    target->parent = dir.get();
    target->name = name;
    touch(*dir);
}

void SimDisk::end_if_unused(SimInode& inode) {
    if (inode.links != 0 || inode.opens != 0) {
        return;
    }
    const std::vector<SimWatched::Mark> marks = inode.watched.marks;
    for (const SimWatched::Mark& mark : marks) {
        if ((mark.mask & IN_DELETE_SELF) != 0) {
            mark.watcher->push(mark.watch, IN_DELETE_SELF, 0, {});
        }
        mark.watcher->forget(inode);
    }
}

void SimDisk::unlink_entry(SimInode& dir, const std::string& name) {
    const auto at = dir.entries.find(name);
    const InodePtr target = at->second;
    dir.entries.erase(at);
    --target->links;
    target->parent = nullptr;
    touch(dir);
    target->watched.tell(IN_ATTRIB, 0, {});
}

void SimDisk::touch(SimInode& inode) const {
    inode.mtime = wall();
}

bool SimDisk::resize(SimInode& inode, const std::uint64_t size) {
    const std::uint64_t old = inode.data.size();
    if (size > old && *used_bytes_ + (size - old) > options_.capacity_bytes) {
        return false;
    }
    *used_bytes_ += size - old;  // wraps for a smaller size, as meant
    inode.data.resize(size);
    if (size < old) {
        // What was there before must not come back between the end and what is written later.
        mark_dirty(inode, size, std::max<std::uint64_t>(old, inode.durable.size()));
    }
    return true;
}

std::int32_t SimDisk::open(
    const std::string_view path,
    const std::uint32_t flags,
    const std::uint32_t mode,
    std::shared_ptr<SimOpenFile>& out
) {
    Found found = find(path, (flags & O_NOFOLLOW) == 0);
    if (found.error != 0) {
        return found.error;
    }
    const std::uint32_t access = flags & O_ACCMODE;
    if (found.target == nullptr) {
        if ((flags & O_CREAT) == 0 || found.dir == nullptr) {
            return -ENOENT;
        }
        found.target = make_inode(S_IFREG | (mode & 07777));
        link(found.dir, found.name, found.target);
        changes_.push_back({nullptr, {}, found.dir, found.name, found.target});
        found.dir->watched.tell(IN_CREATE, 0, found.name);
    } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return -EEXIST;
    }
    SimInode& inode = *found.target;
    if (inode.is_link()) {
        return -ELOOP;
    }
    if (inode.is_directory() && access != O_RDONLY) {
        return -EISDIR;
    }
    if (!inode.is_directory() && (flags & O_DIRECTORY) != 0) {
        return -ENOTDIR;
    }
    if ((flags & O_TRUNC) != 0 && access != O_RDONLY && !inode.data.empty()) {
        static_cast<void>(resize(inode, 0));
        touch(inode);
        tell(inode, IN_MODIFY);
    }
    out = std::make_shared<SimOpenFile>();
    out->inode = found.target;
    out->can_read = access != O_WRONLY;
    out->can_write = access != O_RDONLY;
    out->appends = (flags & O_APPEND) != 0;
    out->boot = boot_;
    ++inode.opens;
    inode.writers += out->can_write ? 1u : 0u;
    tell(inode, IN_OPEN | (inode.is_directory() ? IN_ISDIR : 0));
    return 0;
}

void SimDisk::close(SimOpenFile& file) {
    if (file.closed || file.boot != boot_) {
        return;
    }
    file.closed = true;
    SimInode& inode = *file.inode;
    --inode.opens;
    inode.writers -= file.can_write ? 1u : 0u;
    if (inode.locked_by == &file) {
        inode.locked_by = nullptr;
    }
    tell(inode, file.can_write ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    end_if_unused(inode);
}

std::int32_t SimDisk::read(
    const SimOpenFile& file, MutableByteView into, const std::uint64_t offset, const Faults faults
) {
    if (!file.can_read) {
        return -EBADF;
    }
    const SimInode& inode = *file.inode;
    if (inode.is_directory()) {
        return -EISDIR;
    }
    if (faults == Faults::configured) {
        if (strikes(options_.faults.interrupted)) {
            return -EINTR;
        }
        if (strikes(options_.faults.read_error)) {
            return -EIO;
        }
        if (into.size() > 1 && strikes(options_.faults.short_read)) {
            into = into.first(1 + events_.rng().below(into.size() - 1));
        }
    }
    if (offset >= inode.data.size()) {
        return 0;
    }
    const std::size_t size = std::min<std::size_t>(into.size(), inode.data.size() - offset);
    std::memcpy(into.data(), inode.data.data() + offset, size);
    return static_cast<std::int32_t>(size);
}

void SimDisk::overwrite(SimInode& inode, const ByteView bytes, const std::uint64_t offset) const {
    std::memcpy(inode.data.data() + offset, bytes.data(), bytes.size());
    mark_dirty(inode, offset, offset + bytes.size());
    touch(inode);
    tell(inode, IN_MODIFY);
}

std::int32_t SimDisk::write(
    SimOpenFile& file, ByteView bytes, std::uint64_t offset, const Faults faults
) {
    if (!file.can_write || file.boot != boot_) {
        return -EBADF;
    }
    SimInode& inode = *file.inode;
    bool fails = false;
    if (faults == Faults::configured) {
        if (strikes(options_.faults.interrupted)) {
            return -EINTR;
        }
        fails = strikes(options_.faults.write_error);
        if (bytes.size() > 1 && (fails || strikes(options_.faults.short_write))) {
            bytes = bytes.first(1 + events_.rng().below(bytes.size() - 1));
        }
    }
    if (file.appends) {
        offset = inode.data.size();
    }
    const std::uint64_t end = offset + bytes.size();
    if (end > inode.data.size() && !resize(inode, end)) {
        const std::uint64_t room = options_.capacity_bytes
                                 - std::min(*used_bytes_, options_.capacity_bytes);
        const std::uint64_t fitting = inode.data.size() + room;
        if (fitting <= offset) {
            return -ENOSPC;
        }
        bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), fitting - offset));
        static_cast<void>(resize(inode, offset + bytes.size()));
    }
    if (!bytes.empty()) {
        overwrite(inode, bytes, offset);
    }
    return fails ? -EIO : static_cast<std::int32_t>(bytes.size());
}

std::int32_t SimDisk::truncate(SimOpenFile& file, const std::uint64_t size) {
    if (!file.can_write) {
        return -EINVAL;
    }
    if (!resize(*file.inode, size)) {
        return -ENOSPC;
    }
    touch(*file.inode);
    tell(*file.inode, IN_MODIFY);
    return 0;
}

std::int32_t SimDisk::allocate(
    SimOpenFile& file, const std::uint64_t offset, const std::uint64_t length
) {
    if (!file.can_write) {
        return -EBADF;
    }
    const std::uint64_t end = offset + length;
    if (end > file.inode->data.size() && !resize(*file.inode, end)) {
        return -ENOSPC;
    }
    return 0;
}

void SimDisk::sync_content(SimInode& inode) {
    inode.durable.resize(inode.data.size());
    for (const std::uint64_t sector : inode.dirty_sectors) {
        copy_range(inode.data, inode.durable, sector * sector_bytes, sector_bytes);
    }
    inode.dirty_sectors.clear();
}

void SimDisk::make_durable(const DirectoryChange& change) {
    if (change.from_dir != nullptr) {
        const auto at = change.from_dir->durable_entries.find(change.from);
        if (at != change.from_dir->durable_entries.end() && at->second == change.target) {
            change.from_dir->durable_entries.erase(at);
        }
    }
    if (change.to_dir != nullptr) {
        change.to_dir->durable_entries[change.to] = change.target;
    }
}

std::int32_t SimDisk::sync(SimOpenFile& file, const Faults faults) {
    SimInode& inode = *file.inode;
    if (faults == Faults::configured && strikes(options_.faults.sync_error)) {
        if (events_.rng().chance(0.5)) {
            for (const std::uint64_t sector : inode.dirty_sectors) {
                copy_range(inode.durable, inode.data, sector * sector_bytes, sector_bytes);
            }
        }
        inode.dirty_sectors.clear();
        return -EIO;
    }
    if (!inode.is_directory()) {
        sync_content(inode);
        return 0;
    }
    std::vector<DirectoryChange> left;
    for (DirectoryChange& change : changes_) {
        if (change.from_dir == file.inode || change.to_dir == file.inode) {
            make_durable(change);
        } else {
            left.push_back(std::move(change));
        }
    }
    changes_ = std::move(left);
    return 0;
}

std::int32_t SimDisk::stat(
    const SimOpenFile* const file, const std::string_view path, const bool follow, struct statx& out
) {
    InodePtr inode;
    if (file != nullptr) {
        inode = file->inode;
    } else {
        const Found found = find(path, follow);
        if (found.error != 0 || found.target == nullptr) {
            return found.error != 0 ? found.error : -ENOENT;
        }
        inode = found.target;
    }
    out = {};
    out.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
    out.stx_blksize = 4096;
    out.stx_nlink = inode->links;
    out.stx_mode = static_cast<std::uint16_t>(inode->mode);
    out.stx_ino = inode->ino;
    out.stx_size = inode->data.size();
    out.stx_blocks = (inode->data.size() + 511) / 512;
    out.stx_mtime = out.stx_ctime = out.stx_atime = to_timestamp(inode->mtime);
    out.stx_btime = to_timestamp(inode->btime);
    out.stx_dev_major = 8;
    out.stx_dev_minor = node_;
    return 0;
}

std::int32_t SimDisk::rename(const std::string_view from, const std::string_view to) {
    const Found source = find(from, false);
    const Found target = find(to, false);
    if (source.error != 0 || target.error != 0) {
        return source.error != 0 ? source.error : target.error;
    }
    if (source.target == nullptr || source.dir == nullptr || target.dir == nullptr) {
        return -ENOENT;
    }
    if (source.target == target.target) {
        return 0;
    }
    if (target.target != nullptr) {
        if (target.target->is_directory() != source.target->is_directory()) {
            return target.target->is_directory() ? -EISDIR : -ENOTDIR;
        }
        if (!target.target->entries.empty()) {
            return -ENOTEMPTY;
        }
        unlink_entry(*target.dir, target.name);
    }
    const std::uint32_t is_dir = source.target->is_directory() ? IN_ISDIR : 0;
    source.dir->entries.erase(source.name);
    --source.target->links;
    link(target.dir, target.name, source.target);
    touch(*source.dir);
    changes_.push_back({source.dir, source.name, target.dir, target.name, source.target});
    const std::uint32_t cookie = next_cookie_++;
    source.dir->watched.tell(IN_MOVED_FROM | is_dir, cookie, source.name);
    target.dir->watched.tell(IN_MOVED_TO | is_dir, cookie, target.name);
    source.target->watched.tell(IN_MOVE_SELF, 0, {});
    if (target.target != nullptr) {
        end_if_unused(*target.target);
    }
    return 0;
}

std::int32_t SimDisk::unlink(const std::string_view path, const bool directory) {
    const Found found = find(path, false);
    if (found.error != 0 || found.target == nullptr || found.dir == nullptr) {
        return found.error != 0 ? found.error : -ENOENT;
    }
    if (found.target->is_directory() != directory) {
        return directory ? -ENOTDIR : -EISDIR;
    }
    if (!found.target->entries.empty()) {
        return -ENOTEMPTY;
    }
    unlink_entry(*found.dir, found.name);
    changes_.push_back({found.dir, found.name, nullptr, {}, found.target});
    found.dir->watched.tell(IN_DELETE | (directory ? IN_ISDIR : 0), 0, found.name);
    end_if_unused(*found.target);
    return 0;
}

std::int32_t SimDisk::make_dir(const std::string_view path, const std::uint32_t mode) {
    const Found found = find(path, false);
    if (found.error != 0) {
        return found.error;
    }
    if (found.target != nullptr) {
        return -EEXIST;
    }
    const InodePtr made = make_inode(S_IFDIR | (mode & 07777));
    link(found.dir, found.name, made);
    changes_.push_back({nullptr, {}, found.dir, found.name, made});
    found.dir->watched.tell(IN_CREATE | IN_ISDIR, 0, found.name);
    return 0;
}

std::int32_t SimDisk::make_link(const std::string_view target, const std::string_view path) {
    const Found found = find(path, false);
    if (found.error != 0 || found.target != nullptr) {
        return found.error != 0 ? found.error : -EEXIST;
    }
    const InodePtr made = make_inode(S_IFLNK | 0777);
    static_cast<void>(resize(*made, target.size()));
    made->data = target;
    made->durable = target;
    link(found.dir, found.name, made);
    changes_.push_back({nullptr, {}, found.dir, found.name, made});
    found.dir->watched.tell(IN_CREATE, 0, found.name);
    return 0;
}

std::int32_t SimDisk::make_hard_link(const std::string_view file, const std::string_view path) {
    const Found source = find(file, false);
    const Found found = find(path, false);
    if (source.target == nullptr || source.target->is_directory() || found.dir == nullptr) {
        return -ENOENT;
    }
    if (found.target != nullptr) {
        return -EEXIST;
    }
    link(found.dir, found.name, source.target);
    changes_.push_back({nullptr, {}, found.dir, found.name, source.target});
    found.dir->watched.tell(IN_CREATE, 0, found.name);
    return 0;
}

std::int32_t SimDisk::list(const std::string_view path, std::vector<DirEntry>& out) {
    const Found found = find(path, true);
    if (found.error != 0 || found.target == nullptr) {
        return found.error != 0 ? found.error : -ENOENT;
    }
    if (!found.target->is_directory()) {
        return -ENOTDIR;
    }
    for (const auto& [name, inode] : found.target->entries) {
        // In no order that anybody may rely on.
        const std::size_t at = events_.rng().below(out.size() + 1);
        out.insert(
            out.begin() + static_cast<std::ptrdiff_t>(at),
            DirEntry{name, to_type(inode->mode), inode->ino}
        );
    }
    return 0;
}

std::int32_t SimDisk::read_link(const std::string_view path, std::string& out) {
    const Found found = find(path, false);
    if (found.error != 0 || found.target == nullptr) {
        return found.error != 0 ? found.error : -ENOENT;
    }
    if (!found.target->is_link()) {
        return -EINVAL;
    }
    out = found.target->data;
    return 0;
}

std::int32_t SimDisk::lock(SimOpenFile& file) {
    if (file.inode->locked_by != nullptr && file.inode->locked_by != &file) {
        return -EAGAIN;
    }
    file.inode->locked_by = &file;
    return 0;
}

std::int32_t SimDisk::watch(
    const std::shared_ptr<SimWatcher>& watcher,
    const std::string_view path,
    const std::uint32_t mask
) {
    const Found found = find(path, (mask & IN_DONT_FOLLOW) == 0);
    if (found.error != 0 || found.target == nullptr) {
        return found.error != 0 ? found.error : -ENOENT;
    }
    if ((mask & IN_ONLYDIR) != 0 && !found.target->is_directory()) {
        return -ENOTDIR;
    }
    return watcher->add(found.target, mask);
}

FsInfo SimDisk::info() const {
    FsInfo info;
    info.magic = ext4_magic;
    info.fs_id = 0x5117D15C00000000ull + node_;
    info.total_bytes = options_.capacity_bytes;
    info.free_bytes = options_.capacity_bytes - std::min(*used_bytes_, options_.capacity_bytes);
    return info;
}

// --- Power loss ----------------------------------------------------------------------------------

void SimDisk::settle_after_crash(SimInode& inode) {
    Rng& rng = events_.rng();
    const std::uint64_t low = std::min(inode.data.size(), inode.durable.size());
    const std::uint64_t high = std::max(inode.data.size(), inode.durable.size());
    std::uint64_t size = rng.chance(kept_at_crash_) ? inode.data.size() : inode.durable.size();
    if (high != low && kept_at_crash_ > 0 && kept_at_crash_ < 1 && rng.chance(0.3)) {
        size = low + rng.below(high - low);
    }
    std::string survived = inode.durable;
    survived.resize(size);
    for (const std::uint64_t sector : inode.dirty_sectors) {
        if (!rng.chance(kept_at_crash_)) {
            continue;
        }
        const bool torn = kept_at_crash_ < 1 && rng.chance(0.1);
        const std::uint64_t kept = torn ? rng.below(sector_bytes) : sector_bytes;
        copy_range(inode.data, survived, sector * sector_bytes, kept);
    }
    *used_bytes_ += survived.size() - inode.data.size();
    inode.data = survived;
    inode.durable = std::move(survived);
    inode.dirty_sectors.clear();
}

void SimDisk::settle_tree(const InodePtr& inode) {
    inode->opens = inode->writers = 0;
    inode->locked_by = nullptr;
    inode->entries = inode->durable_entries;
    if (!inode->is_directory()) {
        settle_after_crash(*inode);
    }
    for (const auto& [name, child] : inode->entries) {
        child->links = 1;
        child->parent = inode.get();
        child->name = name;
        settle_tree(child);
    }
}

void SimDisk::lose_power() {
    Rng& rng = events_.rng();
    constexpr std::array<double, 4> shares{0.0, 1.0, 0.5, 0.9};
    kept_at_crash_ = shares[rng.below(shares.size())];
    for (const DirectoryChange& change : changes_) {
        if (rng.chance(kept_at_crash_)) {
            make_durable(change);
        }
    }
    changes_.clear();
    ++boot_;
    settle_tree(root_);
    events_.note(
        node_, "power lost, kept per cent", static_cast<std::int64_t>(kept_at_crash_ * 100)
    );
}

void SimDisk::sync_tree(const InodePtr& inode) {
    if (!inode->is_directory()) {
        sync_content(*inode);
    }
    for (const auto& [name, child] : inode->entries) {
        sync_tree(child);
    }
}

void SimDisk::sync_all() {
    for (const DirectoryChange& change : changes_) {
        make_durable(change);
    }
    changes_.clear();
    sync_tree(root_);
}

std::string SimDisk::durable_content(const std::string_view path) const {
    const Found found = find(path, true);
    return found.target == nullptr ? std::string() : found.target->durable;
}

}  // namespace logboom::io
