#include "shared/io/uring_backend.h"

#include "shared/io/file_threads.h"
#include "shared/io/op_calls.h"
#include "shared/io/real_time.h"
#include "shared/io/resolver.h"
#include "shared/io/sockets.h"
#include "shared/io/uring_extra.h"
#include "shared/io/uring_refusal.h"
#include "shared/io/wake_event.h"

#include <liburing.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <vector>

namespace logboom::io {

namespace {

// Completions handled in one turn, so that timers and ready tasks get theirs (C17).
constexpr unsigned completions_per_turn = 256;
constexpr std::uint16_t receive_group = 0;
// Calls without an operation of the ring: hosts that never make one have no such thread.
constexpr std::size_t file_threads_max = 1;

// user_data of requests that are no Op.
constexpr std::uint64_t tag_wake = 1;
constexpr std::uint64_t tag_ignore = 2;

// The low bits of an op's user_data count its uses, so that an answer to an earlier use of the same place
// is known for what it is (N24).
constexpr std::uint64_t generation_mask = 7;
static_assert(alignof(Op) > generation_mask);

struct Rung {
    unsigned flags;
};
constexpr std::array<Rung, 3> ladder{{
    {IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER
     | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
    {IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN
     | IORING_SETUP_TASKRUN_FLAG},
    {IORING_SETUP_CQSIZE},
}};

constexpr unsigned required_features = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE
                                     | IORING_FEAT_EXT_ARG | IORING_FEAT_FAST_POLL
                                     | IORING_FEAT_NATIVE_WORKERS;

struct Operation {
    int code;
    const char* name;
};
constexpr std::array<Operation, 17> operations_needed{{
    {IORING_OP_ACCEPT, "accept"},
    {IORING_OP_CONNECT, "connect"},
    {IORING_OP_RECV, "recv"},
    {IORING_OP_SENDMSG, "sendmsg"},
    {IORING_OP_SHUTDOWN, "shutdown"},
    {IORING_OP_OPENAT, "openat"},
    {IORING_OP_CLOSE, "close"},
    {IORING_OP_READ, "read"},
    {IORING_OP_WRITEV, "writev"},
    {IORING_OP_FSYNC, "fsync"},
    {IORING_OP_STATX, "statx"},
    {IORING_OP_FALLOCATE, "fallocate"},
    {IORING_OP_RENAMEAT, "renameat"},
    {IORING_OP_UNLINKAT, "unlinkat"},
    {IORING_OP_MKDIRAT, "mkdirat"},
    {IORING_OP_POLL_ADD, "poll_add"},
    {IORING_OP_ASYNC_CANCEL, "async_cancel"},
}};

/// The room of the queue that is probed.
constexpr unsigned probed_operations = 256;

/// An answer of the kernel: a completion queue's entry.
struct Answer {
    std::uint64_t user_data = 0;
    std::int32_t res = 0;
    std::uint32_t flags = 0;
};

/// What a connect needs to stay in place besides its op.
struct ConnectRoom {
    sockaddr_storage address{};
    int fd = -1;
};

std::uint64_t user_data_of(const Op& op) noexcept {
    return reinterpret_cast<std::uintptr_t>(&op) | op.backend_id;
}

bool is_file_kind(const OpKind kind) noexcept {
    return kind == OpKind::read || kind == OpKind::writev || kind == OpKind::fdatasync
        || kind == OpKind::fsync || kind == OpKind::fallocate || kind == OpKind::open;
}

}  // namespace

UringOptions UringOptions::for_agent() noexcept {
    UringOptions options;
    options.sq_entries = 128;
    options.cq_entries = 1024;
    options.receive_buffers = 16;
    options.receive_buffer_bytes = 4u << 10;
    options.workers_max = 1;
    return options;
}

struct UringBackend::Ring {
    io_uring ring{};
    UringStats stats;
    bool has_bundles = false;
    unsigned enter_flags = 0;

    // The shared receive buffers. The kernel takes them in ring order; with bundles one completion
    // covers several, so the order is remembered here (N6).
    io_uring_buf_ring* buffers = nullptr;
    std::byte* buffer_memory = nullptr;
    std::uint32_t buffer_count = 0;
    std::uint32_t buffer_bytes = 0;
    std::vector<std::uint16_t> id_at;     // ring position -> buffer id
    std::vector<std::uint32_t> place_of;  // buffer id -> ring position
    std::uint32_t tail = 0;
    std::uint32_t returned = 0;  // added, not yet shown to the kernel

    std::uint64_t generation = 0;
    WakeEvent wake_event;
    std::uint64_t wake_count = 0;
    std::atomic<bool> has_answers{false};
    std::unique_ptr<FileThreads> threads;
    std::unique_ptr<Resolver> resolver;
    std::deque<Answer> reaped;                           // taken from the kernel, to be handled
    std::vector<std::unique_ptr<msghdr>> idle_messages;  // as many as there were sends at once
    std::vector<std::pair<Op*, std::int32_t>> ready;     // done inline, told on the next turn

    ~Ring();
    using Refusal = std::optional<UringRefusal>;
    [[nodiscard]] Refusal open(const UringOptions& options);
    [[nodiscard]] Refusal set_up(const UringOptions& options);
    [[nodiscard]] Refusal find_missing_operation();
    [[nodiscard]] Refusal open_buffers(const UringOptions& options);
    [[nodiscard]] Refusal try_receive();
    io_uring_sqe* sqe();
    int enter(unsigned want, __kernel_timespec* timeout);
    void arm_wake();
    void return_buffer(std::uint16_t id);
    void show_returned();
    void enter_and_reap(unsigned want, __kernel_timespec* timeout);
    [[nodiscard]] bool has_more_answers() const noexcept;
    void start(Op& op);
    void start_again(Op& op, std::uint8_t sqe_flags);
    void prepare(Op& op, io_uring_sqe* sqe);
    void handle(const Answer& answer);
    void handle_receive(Op& op, std::int32_t res, std::uint32_t flags);
    void finish(Op& op, std::int32_t res);
};

UringBackend::Ring::~Ring() {
    threads.reset();
    resolver.reset();
    if (ring.ring_fd > 0) {
        io_uring_queue_exit(&ring);
    }
    if (buffers != nullptr) {
        ::munmap(buffers, buffer_count * sizeof(io_uring_buf));
    }
    if (buffer_memory != nullptr) {
        ::munmap(buffer_memory, std::size_t{buffer_count} * buffer_bytes);
    }
}

UringBackend::Ring::Refusal UringBackend::Ring::open(const UringOptions& options) {
    Refusal refusal = set_up(options);
    if (!refusal) {
        refusal = find_missing_operation();
    }
    if (!refusal) {
        refusal = open_buffers(options);
    }
    if (!refusal) {
        refusal = try_receive();
    }
    if (refusal) {
        return refusal;
    }
    const std::int32_t opened = wake_event.open(0);
    if (opened < 0) {
        return explain_refusal("eventfd", -opened);
    }
    const auto on_answer = [this] {
        has_answers.store(true, std::memory_order_release);
        wake_event.set();
    };
    threads = std::make_unique<FileThreads>(on_answer, file_threads_max);
    resolver = std::make_unique<Resolver>(on_answer);
    arm_wake();
    return {};
}

UringBackend::Ring::Refusal UringBackend::Ring::set_up(const UringOptions& options) {
    int error = EINVAL;
    for (auto rung = static_cast<std::size_t>(options.first_rung);
         error == EINVAL && rung < ladder.size();
         ++rung) {
        io_uring_params params{};
        params.flags = ladder[rung].flags;
        params.cq_entries = options.cq_entries;
        error = -io_uring_queue_init_params(options.sq_entries, &ring, &params);
        if (error != 0) {
            ring.ring_fd = -1;
        }
        stats.rung = static_cast<int>(rung);
    }
    if (error != 0) {
        return explain_refusal("io_uring_setup", error);
    }
    if ((ring.features & required_features) != required_features) {
        return explain_refusal("io_uring_setup (features of the kernel)", ENOSYS);
    }
    has_bundles = (ring.features & kernel::feat_recvsend_bundle) != 0;
    enter_flags = (ring.features & kernel::feat_no_iowait) != 0 ? kernel::enter_no_iowait : 0;
    io_uring_ring_dontfork(&ring);
    io_uring_register_ring_fd(&ring);
    std::array<unsigned, 2> workers{options.workers_max, 1};
    io_uring_register_iowq_max_workers(&ring, workers.data());
    // A profile may allow the one call and not the other.
    const int entered = enter(0, nullptr);
    if (entered < 0 && entered != -ETIME && entered != -EINTR) {
        return explain_refusal("io_uring_enter", -entered);
    }
    return {};
}

/// A kernel may lack an operation or forbid it (R10): found out at the start and not by a user.
UringBackend::Ring::Refusal UringBackend::Ring::find_missing_operation() {
    const std::size_t size = sizeof(io_uring_probe) + probed_operations * sizeof(io_uring_probe_op);
    std::vector<std::uint64_t> memory(size / sizeof(std::uint64_t) + 1);  // for its alignment
    auto* const probe = reinterpret_cast<io_uring_probe*>(memory.data());
    const int error = -io_uring_register_probe(&ring, probe, probed_operations);
    if (error != 0) {
        return explain_refusal("io_uring_register (probe)", error);
    }
    for (const auto& [code, name] : operations_needed) {
        if (io_uring_opcode_supported(probe, code) == 0) {
            return explain_refusal((std::string("io_uring operation ") + name).c_str(), ENOSYS);
        }
    }
    return {};
}

/// No feature bit tells of multishot receives with shared buffers: one real one does (R10).
UringBackend::Ring::Refusal UringBackend::Ring::try_receive() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0) {
        return explain_refusal("socketpair", errno);
    }
    io_uring_sqe* const s = sqe();
    io_uring_prep_recv_multishot(s, ends[0], nullptr, 0, 0);
    s->flags |= IOSQE_BUFFER_SELECT;
    s->buf_group = receive_group;
    s->user_data = tag_ignore;
    const bool is_sent = ::send(ends[1], "x", 1, MSG_NOSIGNAL) == 1;
    ::close(ends[1]);
    int error = is_sent ? 0 : EIO;
    for (bool is_going_on = is_sent; is_going_on;) {  // ends with the stream
        enter_and_reap(1, nullptr);
        for (const Answer& answer : std::exchange(reaped, {})) {
            if ((answer.flags & IORING_CQE_F_BUFFER) != 0) {
                return_buffer(static_cast<std::uint16_t>(answer.flags >> IORING_CQE_BUFFER_SHIFT));
            }
            error = answer.res < 0 ? -answer.res : error;
            is_going_on = (answer.flags & IORING_CQE_F_MORE) != 0;
        }
    }
    ::close(ends[0]);
    if (error != 0) {
        return explain_refusal("io_uring multishot receive", error);
    }
    return {};
}

UringBackend::Ring::Refusal UringBackend::Ring::open_buffers(const UringOptions& options) {
    buffer_count = options.receive_buffers;
    buffer_bytes = options.receive_buffer_bytes;
    const std::size_t ring_bytes = buffer_count * sizeof(io_uring_buf);
    const std::size_t memory_bytes = std::size_t{buffer_count} * buffer_bytes;
    constexpr int protection = PROT_READ | PROT_WRITE;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void* const ring_memory = ::mmap(nullptr, ring_bytes, protection, flags, -1, 0);
    void* const memory = ::mmap(nullptr, memory_bytes, protection, flags, -1, 0);
    if (ring_memory == MAP_FAILED || memory == MAP_FAILED) {
        return explain_refusal("mmap (receive buffers)", errno);
    }
    buffers = static_cast<io_uring_buf_ring*>(ring_memory);
    buffer_memory = static_cast<std::byte*>(memory);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers);
    registration.ring_entries = buffer_count;
    registration.bgid = receive_group;
    const int error = -io_uring_register_buf_ring(&ring, &registration, 0);
    if (error != 0) {
        return explain_refusal("io_uring_register (receive buffers)", error);
    }
    io_uring_buf_ring_init(buffers);
    id_at.resize(buffer_count);
    place_of.resize(buffer_count);
    for (std::uint32_t id = 0; id < buffer_count; ++id) {
        return_buffer(static_cast<std::uint16_t>(id));
    }
    show_returned();
    return {};
}

void UringBackend::Ring::return_buffer(const std::uint16_t id) {
    const std::uint32_t place = tail & (buffer_count - 1);
    io_uring_buf_ring_add(
        buffers,
        buffer_memory + std::size_t{id} * buffer_bytes,
        buffer_bytes,
        id,
        io_uring_buf_ring_mask(buffer_count),
        static_cast<int>(returned)
    );
    id_at[place] = id;
    place_of[id] = place;
    ++tail;
    ++returned;
}

void UringBackend::Ring::show_returned() {
    if (returned != 0) {
        io_uring_buf_ring_advance(buffers, static_cast<int>(returned));
        returned = 0;
    }
}

/// Publishes what get_sqe handed out and enters (io-runtime R13).
int UringBackend::Ring::enter(const unsigned want, __kernel_timespec* const timeout) {
    io_uring_sq& sq = ring.sq;
    kernel::WaitArg arg;
    arg.timespec = reinterpret_cast<std::uintptr_t>(timeout);
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | enter_flags;
    if (ring.enter_ring_fd != ring.ring_fd) {
        flags |= IORING_ENTER_REGISTERED_RING;
    }
    if (sq.sqe_head != sq.sqe_tail) {
        sq.sqe_head = sq.sqe_tail;
        __atomic_store_n(sq.ktail, sq.sqe_tail, __ATOMIC_RELEASE);
    }
    show_returned();
    ++stats.enters;
    const unsigned pending = sq.sqe_tail - __atomic_load_n(sq.khead, __ATOMIC_ACQUIRE);
    stats.submissions += pending;
    return io_uring_enter2(
        static_cast<unsigned>(ring.enter_ring_fd),
        pending,
        want,
        flags,
        reinterpret_cast<sigset_t*>(&arg),
        sizeof arg
    );
}

/// Submits and takes what has ended. What the kernel would not take yet stays queued: it wants its answers
/// collected first, or has no memory at this moment.
void UringBackend::Ring::enter_and_reap(const unsigned want, __kernel_timespec* const timeout) {
    const int entered = enter(want, timeout);
    if (entered == -EBADR) {
        ++stats.overflows;
        LB_UNREACHABLE("the kernel dropped completions");
    }
    LB_ASSERT(
        entered >= 0 || entered == -ETIME || entered == -EINTR || entered == -EBUSY
        || entered == -EAGAIN
    );
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&ring, &cqe) == 0 && cqe != nullptr) {
        reaped.push_back(Answer{cqe->user_data, cqe->res, cqe->flags});
        io_uring_cqe_seen(&ring, cqe);
    }
}

/// Whether the kernel keeps answers that it gives at the next call only: it finishes about 20 at a time, and
/// a full queue has others wait (C18).
bool UringBackend::Ring::has_more_answers() const noexcept {
    const unsigned state = __atomic_load_n(ring.sq.kflags, __ATOMIC_RELAXED);
    return (state & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

io_uring_sqe* UringBackend::Ring::sqe() {
    io_uring_sqe* s = io_uring_get_sqe(&ring);
    while (s == nullptr) {  // the queue is full
        enter_and_reap(0, nullptr);
        s = io_uring_get_sqe(&ring);
    }
    return s;
}

void UringBackend::Ring::start(Op& op) {
    op.backend_id = 1 + generation++ % generation_mask;
    op.is_retried = false;
    prepare(op, sqe());
}

/// Once more, unless its owner has asked to end it: the kernel may have answered already that there is
/// nothing to cancel.
void UringBackend::Ring::start_again(Op& op, const std::uint8_t sqe_flags) {
    if (op.cancel_requested) {
        finish(op, -ECANCELED);
        return;
    }
    io_uring_sqe* const s = sqe();
    prepare(op, s);
    s->flags = static_cast<std::uint8_t>(s->flags | sqe_flags);
}

void UringBackend::Ring::arm_wake() {
    io_uring_sqe* const s = sqe();
    io_uring_prep_read(s, wake_event.fd(), &wake_count, sizeof wake_count, 0);
    s->user_data = tag_wake;
}

void UringBackend::Ring::prepare(Op& op, io_uring_sqe* const s) {
    const auto off = static_cast<std::uint64_t>(op.off);
    switch (op.kind) {
    case OpKind::accept_multi:
        io_uring_prep_multishot_accept(s, op.fd, nullptr, nullptr, SOCK_CLOEXEC);
        break;
    case OpKind::recv_multi:
        io_uring_prep_recv_multishot(s, op.fd, nullptr, 0, 0);
        s->flags |= IOSQE_BUFFER_SELECT;
        s->buf_group = receive_group;
        if (has_bundles) {
            s->ioprio |= kernel::recvsend_bundle;
        }
        break;
    case OpKind::recv: io_uring_prep_recv(s, op.fd, op.buf, op.len, MSG_WAITALL); break;
    case OpKind::recv_some: io_uring_prep_recv(s, op.fd, op.buf, op.len, 0); break;
    case OpKind::sendmsg: {
        if (idle_messages.empty()) {
            idle_messages.push_back(std::make_unique<msghdr>());
        }
        msghdr& message = *idle_messages.back().release();
        idle_messages.pop_back();
        op.backend_data = &message;
        // The kernel reads the array only.
        message.msg_iov = const_cast<iovec*>(op.iov
        );  // NOLINT(cppcoreguidelines-pro-type-const-cast): msghdr has no const form
        message.msg_iovlen = op.iov_count;
        io_uring_prep_sendmsg(s, op.fd, &message, MSG_WAITALL | MSG_NOSIGNAL);
        break;
    }
    case OpKind::connect_tcp: {
        auto* const room = static_cast<ConnectRoom*>(op.backend_data);
        const socklen_t size = room->address.ss_family == AF_INET ? sizeof(sockaddr_in)
                                                                  : sizeof(sockaddr_in6);
        io_uring_prep_connect(s, room->fd, reinterpret_cast<const sockaddr*>(&room->address), size);
        break;
    }
    case OpKind::shutdown: io_uring_prep_shutdown(s, op.fd, static_cast<int>(op.flags)); break;
    case OpKind::open:
        io_uring_prep_openat(s, AT_FDCWD, op.path, static_cast<int>(op.flags), op.mode);
        break;
    case OpKind::close: io_uring_prep_close(s, op.fd); break;
    case OpKind::read:
        if (op.off < 0) {  // inotify: readiness first, then a read that does not block (F13)
            io_uring_prep_poll_add(s, op.fd, POLLIN);
        } else {
            io_uring_prep_read(s, op.fd, op.buf, op.len, off);
        }
        break;
    case OpKind::writev: io_uring_prep_writev(s, op.fd, op.iov, op.iov_count, off); break;
    case OpKind::fdatasync: io_uring_prep_fsync(s, op.fd, IORING_FSYNC_DATASYNC); break;
    case OpKind::fsync: io_uring_prep_fsync(s, op.fd, 0); break;
    case OpKind::statx: {
        const int at = *op.path == '\0' ? op.fd : AT_FDCWD;
        io_uring_prep_statx(
            s,
            at,
            op.path,
            static_cast<int>(op.flags),
            STATX_BASIC_STATS | STATX_BTIME,
            static_cast<struct statx*>(op.out)
        );
        break;
    }
    case OpKind::fallocate: io_uring_prep_fallocate(s, op.fd, 0, op.off, op.length); break;
    case OpKind::rename: io_uring_prep_renameat(s, AT_FDCWD, op.path, AT_FDCWD, op.path2, 0); break;
    case OpKind::unlink:
        io_uring_prep_unlinkat(s, AT_FDCWD, op.path, static_cast<int>(op.flags));
        break;
    case OpKind::mkdir: io_uring_prep_mkdirat(s, AT_FDCWD, op.path, op.mode); break;
    case OpKind::listen_tcp:
    case OpKind::local_port:
    case OpKind::peer_address:
    case OpKind::resolve:
    case OpKind::ftruncate:
    case OpKind::list_dir:
    case OpKind::statfs:
    case OpKind::read_link:
    case OpKind::lock_file:
    case OpKind::has_writer:
    case OpKind::get_generation:
    case OpKind::inotify_open:
    case OpKind::inotify_add:
    case OpKind::inotify_remove: LB_UNREACHABLE("an op of another place");
    }
    s->user_data = user_data_of(op);
}

void UringBackend::Ring::finish(Op& op, std::int32_t res) {
    void* const room = std::exchange(op.backend_data, nullptr);
    if (op.kind == OpKind::sendmsg) {
        idle_messages.emplace_back(static_cast<msghdr*>(room));
    } else if (op.kind == OpKind::connect_tcp && room != nullptr) {
        const std::unique_ptr<ConnectRoom> connected(static_cast<ConnectRoom*>(room));
        if (res < 0) {
            ::close(connected->fd);
        } else {
            set_connection_options(connected->fd, op.length);
            res = connected->fd;
        }
    }
    complete(op, res);
}

void UringBackend::Ring::handle_receive(Op& op, const std::int32_t res, const std::uint32_t flags) {
    if (res > 0 && (flags & IORING_CQE_F_BUFFER) != 0) {
        const auto first = static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
        std::uint32_t place = place_of[first];
        auto left = static_cast<std::uint32_t>(res);
        while (left != 0) {
            const std::uint16_t id = id_at[place];
            const std::uint32_t size = std::min(left, buffer_bytes);
            op.on_multi(
                op,
                static_cast<std::int32_t>(size),
                ByteView(buffer_memory + std::size_t{id} * buffer_bytes, size)
            );
            left -= size;
            place = (place + 1) & (buffer_count - 1);
            return_buffer(id);
        }
    } else if (res == -ENOBUFS) {
        ++stats.receive_starved;
    }
    if ((flags & IORING_CQE_F_MORE) == 0) {
        complete(op, res);
    }
}

void UringBackend::Ring::handle(const Answer& answer) {
    ++stats.completions;
    if (answer.user_data == tag_ignore) {
        return;
    }
    if (answer.user_data == tag_wake) {
        arm_wake();
        return;
    }
    Op& op = *reinterpret_cast<Op*>(static_cast<std::uintptr_t>(answer.user_data & ~generation_mask)
    );
    if (!op.in_kernel || user_data_of(op) != answer.user_data) {
        LB_UNREACHABLE(to_string(op.kind));  // an answer to an op that is over
    }
    const std::int32_t res = answer.res;
    if (op.kind == OpKind::recv_multi) {
        handle_receive(op, res, answer.flags);
        return;
    }
    if (op.kind == OpKind::accept_multi) {
        if (res >= 0) {
            set_connection_options(res, op.length);
        }
        if ((answer.flags & IORING_CQE_F_MORE) != 0) {
            op.on_multi(op, res, {});
        } else {
            complete(op, res);
        }
        return;
    }
    if (op.kind == OpKind::read && op.off < 0 && res >= 0) {
        const ssize_t size = ::read(op.fd, op.buf, op.len);
        if (size < 0 && errno == EAGAIN) {
            start_again(op, 0);
            return;
        }
        finish(op, size < 0 ? -errno : static_cast<std::int32_t>(size));
        return;
    }
    // Some file systems answer so when they would have to wait inside the kernel: once more on a worker.
    if (res == -EAGAIN && is_file_kind(op.kind) && !op.is_retried) {
        op.is_retried = true;
        start_again(op, IOSQE_ASYNC);
        return;
    }
    finish(op, res);
}

// --- The seam ------------------------------------------------------------------------------------

std::variant<std::unique_ptr<UringBackend>, UringRefusal> UringBackend::make(
    const UringOptions& options
) {
    auto ring = std::make_unique<Ring>();
    Ring::Refusal refusal = ring->open(options);
    if (refusal) {
        return std::move(*refusal);
    }
    return std::unique_ptr<UringBackend>(new UringBackend(std::move(ring)));
}

UringBackend::UringBackend(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}

UringBackend::~UringBackend() = default;

void UringBackend::submit(Op& op) {
    std::int32_t res = 0;
    switch (op.kind) {
    case OpKind::connect_tcp: {
        auto room = std::make_unique<ConnectRoom>();
        if (to_sockaddr(*static_cast<const SocketAddress*>(op.address), room->address) == 0) {
            res = -EADDRNOTAVAIL;
            break;
        }
        room->fd = ::socket(room->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (room->fd < 0) {
            res = -errno;
            break;
        }
        op.backend_data = room.release();
        ring_->start(op);
        return;
    }
    case OpKind::listen_tcp:
    case OpKind::local_port:
    case OpKind::peer_address:
    case OpKind::read_link:
    case OpKind::lock_file:
    case OpKind::has_writer:
    case OpKind::get_generation:
    case OpKind::inotify_open:
    case OpKind::inotify_add:
    case OpKind::inotify_remove: res = run_call(op); break;
    case OpKind::resolve: ring_->resolver->submit(op); return;
    case OpKind::ftruncate:
    case OpKind::list_dir:
    case OpKind::statfs: ring_->threads->submit(op); return;
    case OpKind::accept_multi:
    case OpKind::recv_multi:
    case OpKind::recv:
    case OpKind::recv_some:
    case OpKind::sendmsg:
    case OpKind::shutdown:
    case OpKind::open:
    case OpKind::close:
    case OpKind::read:
    case OpKind::writev:
    case OpKind::fdatasync:
    case OpKind::fsync:
    case OpKind::statx:
    case OpKind::fallocate:
    case OpKind::rename:
    case OpKind::unlink:
    case OpKind::mkdir: ring_->start(op); return;
    }
    ring_->ready.emplace_back(&op, res);
}

void UringBackend::cancel(Op& op) {
    for (const auto& [done, res] : ring_->ready) {
        if (done == &op) {
            return;  // it has ended already and is told so on the next turn
        }
    }
    if (ring_->threads->withdraw(op) || ring_->resolver->withdraw(op)) {
        ring_->ready.emplace_back(&op, -ECANCELED);
        return;
    }
    io_uring_sqe* const s = ring_->sqe();
    io_uring_prep_cancel64(s, user_data_of(op), 0);
    s->user_data = tag_ignore;
}

void UringBackend::close_later(const int fd) {
    io_uring_sqe* const s = ring_->sqe();
    io_uring_prep_close(s, fd);
    s->user_data = tag_ignore;
}

void UringBackend::poll(const SteadyTime until) {
    Ring& r = *ring_;
    __kernel_timespec timeout{};
    __kernel_timespec* limit = nullptr;
    const bool has_news = !r.ready.empty() || !r.reaped.empty();
    unsigned want = !has_news && until > SteadyTime::min() ? 1 : 0;
    if (want != 0 && until != SteadyTime::max()) {
        const Nanos left = until - now();
        if (left <= Nanos::zero()) {
            want = 0;
        } else {
            timeout.tv_sec = left / std::chrono::seconds(1);
            timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
            limit = &timeout;
        }
    }
    r.enter_and_reap(want, limit);
    for (unsigned n = 0; n < completions_per_turn; ++n) {
        if (r.reaped.empty() && r.has_more_answers()) {
            r.enter_and_reap(0, nullptr);
        }
        if (r.reaped.empty()) {
            break;
        }
        const Answer answer = r.reaped.front();
        r.reaped.pop_front();
        r.handle(answer);
    }
    r.show_returned();
    if (r.has_answers.exchange(false, std::memory_order_acq_rel)) {
        for (const auto& [op, res] : r.threads->collect()) {
            r.finish(*op, res);
        }
        for (const auto& [op, res] : r.resolver->collect()) {
            r.finish(*op, res);
        }
    }
    const std::vector<std::pair<Op*, std::int32_t>> ready = std::exchange(r.ready, {});
    for (const auto& [op, res] : ready) {
        r.finish(*op, res);
    }
}

void UringBackend::wake() noexcept {
    ring_->wake_event.set();
}

SteadyTime UringBackend::now() {
    return boot_time();
}

WallTime UringBackend::wall() {
    return real_time();
}

const UringStats& UringBackend::stats() const noexcept {
    return ring_->stats;
}

}  // namespace logboom::io
