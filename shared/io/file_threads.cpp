#include "shared/io/file_threads.h"

#include "shared/io/fs.h"

#include <dirent.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>

namespace logboom::io {

namespace {

std::int32_t result_of(const int call) noexcept {
    return call < 0 ? -errno : call;
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

std::int32_t list_dir(const Op& op) {
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

}  // namespace

std::int32_t run_call(Op& op) {
    switch (op.kind) {
    case OpKind::list_dir: return list_dir(op);
    case OpKind::statfs: return look_up_fs(op);
    case OpKind::read_link: return read_link(op);
    case OpKind::lock_file: return lock_file(op);
    case OpKind::has_writer: return has_writer(op);
    case OpKind::get_generation: return get_generation(op);
    case OpKind::ftruncate: return result_of(::ftruncate(op.fd, op.length));
    default: return -ENOSYS;
    }
}

std::thread start_helper(std::function<void()> run) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the thread
    std::thread thread(std::move(run));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

struct FileThreads::State {
    std::function<void()> on_answer;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Op*> asked;
    std::vector<std::pair<Op*, std::int32_t>> answered;
    bool stopping = false;
    std::vector<std::thread> threads;

    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            wake.wait(lock, [this] { return stopping || !asked.empty(); });
            if (asked.empty()) {
                return;
            }
            Op* const op = asked.front();
            asked.pop_front();
            lock.unlock();
            const std::int32_t res = run_call(*op);
            lock.lock();
            answered.emplace_back(op, res);
            lock.unlock();
            on_answer();
            lock.lock();
        }
    }
};

FileThreads::FileThreads(std::function<void()> on_answer) : state_(std::make_unique<State>()) {
    state_->on_answer = std::move(on_answer);
}

FileThreads::~FileThreads() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->wake.notify_all();
    for (std::thread& thread : state_->threads) {
        thread.join();
    }
}

void FileThreads::submit(Op& op) {
    const std::lock_guard lock(state_->mutex);
    if (state_->threads.empty()) {  // hosts that never need it have no such thread
        state_->threads.push_back(start_helper([this] { state_->run(); }));
    }
    state_->asked.push_back(&op);
    state_->wake.notify_one();
}

bool FileThreads::withdraw(Op& op) {
    const std::lock_guard lock(state_->mutex);
    return std::erase(state_->asked, &op) != 0;
}

std::vector<std::pair<Op*, std::int32_t>> FileThreads::collect() {
    const std::lock_guard lock(state_->mutex);
    return std::exchange(state_->answered, {});
}

}  // namespace logboom::io
