#include "shared/io/sim_backend.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace logboom::io {

namespace {

constexpr int first_fd = 3;
// Between the moment an op's result is fixed and the moment its task hears of it.
constexpr Nanos told_within = std::chrono::microseconds(30);
constexpr std::size_t receive_bytes_max = 16u << 10;

bool waits(const Op& op) noexcept {
    return op.kind == OpKind::recv_multi || op.kind == OpKind::recv || op.kind == OpKind::recv_some
        || op.kind == OpKind::sendmsg || op.kind == OpKind::accept_multi
        || (op.kind == OpKind::read && op.off < 0);
}

bool names_path(const Op& op) noexcept {
    return op.path != nullptr && *op.path != '\0' && op.kind != OpKind::inotify_add;
}

std::size_t gathered_bytes(const Op& op) noexcept {
    std::size_t total = 0;
    for (std::uint32_t i = 0; i < op.iov_count; ++i) {
        total += op.iov[i].iov_len;
    }
    return total;
}

/// Up to `size_max` of the bytes behind the first `skip`: a long send is gathered many times.
std::string gather(const Op& op, std::size_t skip, const std::size_t size_max) {
    std::string bytes;
    for (std::uint32_t i = 0; i < op.iov_count && bytes.size() < size_max; ++i) {
        const std::string_view piece(
            static_cast<const char*>(op.iov[i].iov_base), op.iov[i].iov_len
        );
        const std::size_t skipped = std::min(skip, piece.size());
        skip -= skipped;
        bytes += piece.substr(skipped, size_max - bytes.size());
    }
    return bytes;
}

}  // namespace

SimBackend::SimBackend(
    SimEvents& events,
    SimNet& net,
    SimDisk& disk,
    const std::uint32_t node,
    const SimBackendOptions options
)
    : events_(events)
    , net_(net)
    , disk_(disk)
    , node_(node)
    , options_(options)
    , alive_(std::make_shared<bool>(true)) {}

SimBackend::~SimBackend() {
    drop_all(Descriptors::closed);
}

void SimBackend::later(const Nanos delay, std::function<void()> action) {
    const std::weak_ptr<bool> alive = alive_;
    events_.after(delay, [alive, action = std::move(action)] {
        if (!alive.expired()) {
            action();
        }
    });
}

// --- The seam ------------------------------------------------------------------------------------

void SimBackend::submit(Op& op) {
    LB_ASSERT(op.in_kernel);
    const std::uint64_t id = next_id_++;
    op.backend_id = id;
    Live& live = live_[id];
    live.op = &op;
    const auto at = handles_.find(op.fd);
    live.handle = at == handles_.end() ? nullptr : at->second;
    if (op.kind == OpKind::connect_tcp) {
        start_connect(id);
        return;
    }
    if (!waits(op)) {
        run_later(id);
        return;
    }
    if (live.handle == nullptr) {
        settle(id, -EBADF, told_within);
        return;
    }
    live.handle->waiting.push_back(id);
    pump_later(live.handle);
}

void SimBackend::cancel(Op& op) {
    const std::uint64_t id = op.backend_id;
    const auto at = live_.find(id);
    LB_ASSERT(at != live_.end() && at->second.op == &op);
    const bool is_file_op = !waits(op) && op.kind != OpKind::connect_tcp
                         && op.kind != OpKind::resolve;
    if (is_file_op && events_.rng().chance(0.5)) {
        return;  // too late for it
    }
    later(events_.draw(Nanos::zero(), told_within), [this, id] {
        const auto found = live_.find(id);
        if (found != live_.end() && !found->second.settled) {
            const Live& live = found->second;
            const auto partial = static_cast<std::int32_t>(live.progress);
            settle(
                id, partial > 0 ? partial : -ECANCELED, events_.draw(Nanos::zero(), told_within)
            );
        }
    });
}

void SimBackend::close_later(const int fd) {
    later(file_delay(OpKind::close), [this, fd] { static_cast<void>(close(fd)); });
}

void SimBackend::poll(const SteadyTime until) {
    const std::uint64_t told = told_;
    while (told_ == told) {
        if (events_.run_one()) {
            continue;
        }
        const SteadyTime next = std::min(events_.next_due(), until);
        LB_ASSERT(next != SteadyTime::max());  // nothing will ever happen: everybody waits
        events_.advance_to(next);
        if (next == until || until <= events_.now()) {
            return;
        }
    }
}

void SimBackend::drop_all(const Descriptors descriptors) {
    for (auto& [id, live] : live_) {
        live.op->in_kernel = false;
    }
    live_.clear();
    alive_ = std::make_shared<bool>(true);  // what was to come, comes to nobody
    for (auto& [fd, handle] : handles_) {
        if (descriptors == Descriptors::closed) {
            let_go(*handle);
        }
    }
    handles_.clear();
}

void SimBackend::settle(const std::uint64_t id, const std::int32_t res, const Nanos delay) {
    Live& live = live_.at(id);
    LB_ASSERT(!live.settled);
    live.settled = true;
    if (live.handle != nullptr) {
        std::erase(live.handle->waiting, id);
    }
    later(delay, [this, id, res] {
        const auto at = live_.find(id);
        Op& op = *at->second.op;
        live_.erase(at);
        ++told_;
        events_.note(node_, to_string(op.kind), res, static_cast<std::int64_t>(id));
        complete(op, res);
    });
}

// --- Operations that just take time --------------------------------------------------------------

Nanos SimBackend::file_delay(const OpKind kind) {
    const bool is_sync = kind == OpKind::fdatasync || kind == OpKind::fsync;
    Nanos delay = is_sync ? events_.draw(options_.sync_min, options_.sync_max)
                          : events_.draw(options_.file_min, options_.file_max);
    if (options_.spike > 0 && events_.rng().chance(options_.spike)) {
        delay += events_.draw(Nanos::zero(), options_.stall);
    }
    return delay;
}

/// The effect comes at some moment inside the op's time, so that a crash finds writes done whose
/// programs have not heard of it, and others not begun.
void SimBackend::run_later(const std::uint64_t id) {
    const Nanos whole = file_delay(live_.at(id).op->kind);
    const Nanos effect = events_.draw(Nanos::zero(), whole);
    later(effect, [this, id, rest = whole - effect] {
        const auto at = live_.find(id);
        if (at != live_.end() && !at->second.settled) {
            const std::int32_t res = run(at->second);
            settle(id, res, rest);
        }
    });
}

std::int32_t SimBackend::run(const Live& live) {
    Op& op = *live.op;
    switch (op.kind) {
    case OpKind::listen_tcp: return listen(op);
    case OpKind::resolve: {
        std::vector<std::string> found = net_.resolve(op.path);
        auto& out = *static_cast<std::vector<std::string>*>(op.out);
        out = std::move(found);
        return out.empty() ? -ENOENT : 0;
    }
    case OpKind::inotify_open: {
        auto handle = std::make_shared<Handle>();
        handle->watcher = std::make_shared<SimWatcher>(options_.watch_queue_max);
        const std::weak_ptr<Handle> weak = handle;
        handle->watcher->on_event = [this, weak] {
            const std::shared_ptr<Handle> woken = weak.lock();
            if (woken != nullptr) {
                pump_later(woken);
            }
        };
        return add_handle(std::move(handle));
    }
    case OpKind::close: return close(op.fd);
    default: break;  // the rest is on a path or on a descriptor
    }
    if (names_path(op)) {
        return run_on_path(op);
    }
    return live.handle == nullptr ? -EBADF : run_on_fd(op, *live.handle);
}

std::int32_t SimBackend::run_on_path(Op& op) {
    switch (op.kind) {
    case OpKind::open: {
        auto handle = std::make_shared<Handle>();
        const std::int32_t res = disk_.open(op.path, op.flags, op.mode, handle->file);
        return res < 0 ? res : add_handle(std::move(handle));
    }
    case OpKind::statx:
        return disk_.stat(
            nullptr,
            op.path,
            (op.flags & AT_SYMLINK_NOFOLLOW) == 0,
            *static_cast<struct statx*>(op.out)
        );
    case OpKind::rename: return disk_.rename(op.path, op.path2);
    case OpKind::unlink: return disk_.unlink(op.path, (op.flags & AT_REMOVEDIR) != 0);
    case OpKind::mkdir: return disk_.make_dir(op.path, op.mode);
    case OpKind::list_dir: return list_dir(op);
    case OpKind::statfs: {
        struct statx found {};
        const std::int32_t res = disk_.stat(nullptr, op.path, true, found);
        if (res == 0) {
            *static_cast<FsInfo*>(op.out) = disk_.info();
        }
        return res;
    }
    case OpKind::read_link: return disk_.read_link(op.path, *static_cast<std::string*>(op.out));
    default: LB_UNREACHABLE("an op on a path");
    }
}

std::int32_t SimBackend::list_dir(const Op& op) {
    auto& entries = *static_cast<std::vector<DirEntry>*>(op.out);
    const std::int32_t res = disk_.list(op.path, entries);
    if (res == 0 && op.flags == static_cast<std::uint32_t>(ListDetail::stats)) {
        for (DirEntry& entry : entries) {
            struct statx x {};
            const std::string path = std::string(op.path) + "/" + entry.name;
            if (disk_.stat(nullptr, path, true, x) == 0) {
                entry.stat = to_stat(x);
            }
        }
    }
    return res;
}

std::int32_t SimBackend::run_on_fd(Op& op, Handle& handle) {
    if (handle.listener != nullptr && op.kind == OpKind::local_port) {
        return handle.listener->address.port;
    }
    if (handle.conn != nullptr) {
        switch (op.kind) {
        case OpKind::local_port: return handle.conn->local.port;
        case OpKind::peer_address:
            *static_cast<SocketAddress*>(op.out) = handle.conn->remote;
            return 0;
        case OpKind::shutdown:
            net_.shut_down(handle.conn, op.flags == SHUT_RDWR);
            pump_later(live_.at(op.backend_id).handle);
            return 0;
        default: return -EINVAL;
        }
    }
    if (handle.watcher != nullptr) {
        switch (op.kind) {
        case OpKind::inotify_add: return disk_.watch(handle.watcher, op.path, op.flags);
        case OpKind::inotify_remove: return handle.watcher->remove(static_cast<int>(op.length));
        default: return -EINVAL;
        }
    }
    if (handle.file == nullptr) {
        return -ENOTSOCK;
    }
    SimOpenFile& file = *handle.file;
    switch (op.kind) {
    case OpKind::read: {
        const MutableByteView into(op.buf, op.len);
        const auto offset = static_cast<std::uint64_t>(op.off);
        return disk_.read(file, into, offset, SimDisk::Faults::configured);
    }
    case OpKind::writev: return write(op, file);
    case OpKind::fdatasync:
    case OpKind::fsync: return disk_.sync(file, SimDisk::Faults::configured);
    case OpKind::statx: return disk_.stat(&file, {}, true, *static_cast<struct statx*>(op.out));
    case OpKind::fallocate:
        return disk_.allocate(
            file, static_cast<std::uint64_t>(op.off), static_cast<std::uint64_t>(op.length)
        );
    case OpKind::ftruncate: return disk_.truncate(file, static_cast<std::uint64_t>(op.length));
    case OpKind::lock_file: return disk_.lock(file);
    case OpKind::has_writer: return file.inode->writers != 0 ? 1 : 0;
    case OpKind::get_generation:
        *static_cast<std::uint64_t*>(op.out) = file.inode->generation;
        return 0;
    default: return -EINVAL;
    }
}

std::int32_t SimBackend::write(const Op& op, SimOpenFile& file) {
    const std::string bytes = gather(op, 0, SIZE_MAX);
    const auto offset = static_cast<std::uint64_t>(op.off);
    return disk_.write(file, as_bytes(bytes), offset, SimDisk::Faults::configured);
}

std::int32_t SimBackend::listen(const Op& op) {
    auto handle = std::make_shared<Handle>();
    const auto& address = *static_cast<const SocketAddress*>(op.address);
    const std::int32_t res = net_.listen(node_, address, op.flags == 1, handle->listener);
    if (res < 0) {
        return res;
    }
    const std::weak_ptr<Handle> weak = handle;
    handle->listener->on_change = [this, weak] {
        const std::shared_ptr<Handle> woken = weak.lock();
        if (woken != nullptr) {
            pump(woken);
        }
    };
    return add_handle(std::move(handle));
}

// --- Descriptors ---------------------------------------------------------------------------------

/// The lowest free number, as the kernel gives: a stale op on it hits somebody else's.
std::int32_t SimBackend::free_descriptor() const {
    int fd = first_fd;
    for (const auto& [used, other] : handles_) {
        if (used != fd) {
            break;
        }
        ++fd;
    }
    return fd < options_.descriptors_max ? fd : -EMFILE;
}

std::int32_t SimBackend::add_handle(std::shared_ptr<Handle> handle) {
    const std::int32_t fd = free_descriptor();
    if (fd < 0) {
        let_go(*handle);
        return fd;
    }
    handles_[fd] = std::move(handle);
    return fd;
}

std::int32_t SimBackend::add_connection(std::shared_ptr<SimEndpoint> conn) {
    auto handle = std::make_shared<Handle>();
    const std::weak_ptr<Handle> weak = handle;
    conn->on_change = [this, weak] {
        const std::shared_ptr<Handle> woken = weak.lock();
        if (woken != nullptr) {
            pump(woken);
        }
    };
    handle->conn = std::move(conn);
    return add_handle(std::move(handle));
}

void SimBackend::let_go(Handle& handle) {
    if (handle.file != nullptr) {
        disk_.close(*handle.file);
    }
    if (handle.conn != nullptr) {
        net_.close(handle.conn);
    }
    if (handle.listener != nullptr) {
        net_.close(*handle.listener);
    }
    if (handle.watcher != nullptr) {
        handle.watcher->on_event = nullptr;
    }
}

std::int32_t SimBackend::close(const int fd) {
    const auto at = handles_.find(fd);
    if (at == handles_.end()) {
        return -EBADF;
    }
    let_go(*at->second);
    handles_.erase(at);
    return 0;
}

// --- Operations that wait for something ----------------------------------------------------------

void SimBackend::start_connect(const std::uint64_t id) {
    const auto& address = *static_cast<const SocketAddress*>(live_.at(id).op->address);
    const std::weak_ptr<bool> alive = alive_;
    net_.connect(
        node_,
        address,
        [this, alive, id, &net = net_](
            const std::int32_t error, std::shared_ptr<SimEndpoint> conn
        ) {
            // The program may have died meanwhile, and we with it: the net lives on.
            const bool wanted = !alive.expired() && live_.contains(id) && !live_.at(id).settled;
            if (!wanted) {
                if (conn != nullptr) {
                    net.close(conn);
                }
                return;
            }
            const std::int32_t res = error < 0 ? error : add_connection(std::move(conn));
            settle(id, res, Nanos::zero());
        }
    );
}

void SimBackend::pump_later(const std::shared_ptr<Handle>& handle) {
    if (handle->pump_due) {
        return;
    }
    handle->pump_due = true;
    later(events_.draw(Nanos::zero(), told_within), [this, handle] {
        handle->pump_due = false;
        pump(handle);
    });
}

void SimBackend::pump(const std::shared_ptr<Handle>& handle) {
    const std::vector<std::uint64_t> ids = handle->waiting;
    for (const std::uint64_t id : ids) {
        const auto at = live_.find(id);
        if (at != live_.end() && !at->second.settled && !try_end(id, at->second)) {
            continue;
        }
    }
}

bool SimBackend::try_end(const std::uint64_t id, Live& live) {
    Handle& handle = *live.handle;
    Op& op = *live.op;
    if (op.kind == OpKind::accept_multi) {
        return handle.listener != nullptr && try_accept(id, live);
    }
    if (op.kind == OpKind::read) {
        if (handle.watcher == nullptr || !handle.watcher->has_events()) {
            return false;
        }
        const MutableByteView into(op.buf, op.len);
        settle(id, handle.watcher->take(into), events_.draw(Nanos::zero(), told_within));
        return true;
    }
    if (handle.conn == nullptr) {
        settle(id, -ENOTSOCK, told_within);
        return true;
    }
    switch (op.kind) {
    case OpKind::recv_multi: return try_receive_some(id, live);
    case OpKind::recv: return try_receive_all(id, live);
    case OpKind::recv_some: return try_receive_once(id, live);
    default: return try_send(id, live);
    }
}

bool SimBackend::try_receive_some(const std::uint64_t id, Live& live) {
    SimEndpoint& conn = *live.handle->conn;
    Op& op = *live.op;
    while (!conn.inbox.empty()) {
        if (options_.starved > 0 && events_.rng().chance(options_.starved)) {
            settle(id, -ENOBUFS, Nanos::zero());
            return true;
        }
        const std::string bytes = net_.receive(conn, 1 + events_.rng().below(receive_bytes_max));
        const auto size = static_cast<std::int32_t>(bytes.size());
        events_.note(node_, "received", size, static_cast<std::int64_t>(id));
        ++told_;
        op.on_multi(op, size, as_bytes(bytes));
    }
    if (conn.error != 0 || conn.ended || conn.read_shut) {
        settle(id, conn.error, Nanos::zero());
        return true;
    }
    return false;
}

bool SimBackend::try_receive_all(const std::uint64_t id, Live& live) {
    SimEndpoint& conn = *live.handle->conn;
    Op& op = *live.op;
    const std::string bytes = net_.receive(conn, op.len - live.progress);
    std::memcpy(op.buf + live.progress, bytes.data(), bytes.size());
    live.progress += static_cast<std::uint32_t>(bytes.size());
    const auto done = static_cast<std::int32_t>(live.progress);
    if (live.progress == op.len || conn.ended || conn.read_shut || conn.error != 0) {
        settle(id, done == 0 ? conn.error : done, events_.draw(Nanos::zero(), told_within));
        return true;
    }
    return false;
}

bool SimBackend::try_receive_once(const std::uint64_t id, Live& live) {
    SimEndpoint& conn = *live.handle->conn;
    Op& op = *live.op;
    const std::string bytes = net_.receive(conn, 1 + events_.rng().below(op.len));
    if (!bytes.empty()) {
        std::memcpy(op.buf, bytes.data(), bytes.size());
        live.progress = static_cast<std::uint32_t>(bytes.size());
        settle(
            id, static_cast<std::int32_t>(bytes.size()), events_.draw(Nanos::zero(), told_within)
        );
        return true;
    }
    if (conn.error != 0 || conn.ended || conn.read_shut) {
        settle(id, conn.error, Nanos::zero());
        return true;
    }
    return false;
}

bool SimBackend::try_send(const std::uint64_t id, Live& live) {
    Op& op = *live.op;
    const std::size_t total = gathered_bytes(op);
    const std::size_t window = net_.options().window_bytes;
    const std::size_t room = window - std::min(window, live.handle->conn->unread_by_peer);
    const std::string rest = gather(op, live.progress, room);
    const std::int32_t sent = net_.send(live.handle->conn, rest);
    const Nanos delay = events_.draw(Nanos::zero(), told_within);
    if (sent < 0) {
        const auto done = static_cast<std::int32_t>(live.progress);
        settle(id, done > 0 ? done : sent, delay);
        return true;
    }
    live.progress += static_cast<std::uint32_t>(sent);
    const bool is_short = sent > 0 && options_.short_send > 0
                       && events_.rng().chance(options_.short_send);
    if (live.progress == total || is_short) {
        settle(id, static_cast<std::int32_t>(live.progress), delay);
        return true;
    }
    return false;
}

bool SimBackend::try_accept(const std::uint64_t id, Live& live) {
    SimListener& listener = *live.handle->listener;
    while (!listener.backlog.empty()) {
        if (free_descriptor() < 0) {  // the connection stays where it is
            settle(id, -EMFILE, Nanos::zero());
            return true;
        }
        std::shared_ptr<SimEndpoint> conn = std::move(listener.backlog.front());
        listener.backlog.pop_front();
        const std::int32_t fd = add_connection(std::move(conn));
        LB_ASSERT(fd >= 0);
        events_.note(node_, "accepted", fd, static_cast<std::int64_t>(id));
        ++told_;
        live.op->on_multi(*live.op, fd, {});
    }
    return false;
}

}  // namespace logboom::io
