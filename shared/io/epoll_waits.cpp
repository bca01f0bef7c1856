#include "shared/io/epoll_waits.h"

#include "shared/io/op_calls.h"
#include "shared/io/sockets.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace logboom::io {

namespace {

// Of one operation in one turn, so that a flood on one descriptor leaves the others theirs.
constexpr int receives_per_turn = 16;
constexpr int accepts_per_turn = 64;
// Pieces of one sendmsg call; the kernel takes IOV_MAX (1024).
constexpr std::size_t pieces_per_send = 64;
constexpr std::size_t events_per_wait = 128;

constexpr std::uint32_t input_events = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t output_events = EPOLLOUT | EPOLLHUP | EPOLLERR;

std::uint32_t events_for(const OpKind kind) noexcept {
    const bool is_output = kind == OpKind::sendmsg || kind == OpKind::connect_tcp;
    return is_output ? output_events : input_events;
}

/// Receiving and sending say by themselves that they must not block; these two cannot. A descriptor that is
/// none is told by the operation.
void make_non_blocking(const int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
        ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
}

/// The pieces of `op` behind its first `skip` bytes, as many as one call takes.
std::size_t gather(
    const Op& op, std::size_t skip, std::array<iovec, pieces_per_send>& into
) noexcept {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < op.iov_count && count < into.size(); ++i) {
        const iovec& piece = op.iov[i];
        const std::size_t skipped = std::min(skip, piece.iov_len);
        skip -= skipped;
        if (skipped < piece.iov_len) {
            into[count].iov_base = static_cast<std::byte*>(piece.iov_base) + skipped;
            into[count].iov_len = piece.iov_len - skipped;
            ++count;
        }
    }
    return count;
}

}  // namespace

EpollWaits::EpollWaits(OnEnd on_end, const std::size_t receive_buffer_bytes)
    : on_end_(std::move(on_end))
    , receive_buffer_(receive_buffer_bytes) {}

EpollWaits::~EpollWaits() {
    for (const auto& [op, wait] : waits_) {
        if (op->kind == OpKind::connect_tcp && wait.fd >= 0) {
            ::close(wait.fd);
        }
    }
    if (epoll_fd_ >= 0) {
        ::close(epoll_fd_);
    }
}

std::int32_t EpollWaits::open(const int wake_fd) {
    epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd_ < 0) {
        return -errno;
    }
    wake_fd_ = wake_fd;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = wake_fd;
    return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd, &event) < 0 ? -errno : 0;
}

// --- From waiting to due and back ----------------------------------------------------------------

void EpollWaits::add(Op& op) {
    const auto [at, is_new] = waits_.try_emplace(&op);
    LB_ASSERT(is_new);
    Wait& wait = at->second;
    wait.op = &op;
    if (op.kind == OpKind::accept_multi || op.kind == OpKind::read) {
        make_non_blocking(op.fd);
    }
    if (op.kind != OpKind::connect_tcp) {
        attach(wait, op.fd);
    }
    make_due(wait);
}

bool EpollWaits::cancel(const Op& op) {
    const auto at = waits_.find(&op);
    if (at == waits_.end()) {
        return false;
    }
    at->second.is_cancelled = true;
    make_due(at->second);
    return true;
}

void EpollWaits::forget(const int fd) {
    const auto at = descriptors_.find(fd);
    if (at == descriptors_.end()) {
        return;
    }
    for (Wait* const wait : at->second.waits) {
        wait->is_cancelled = true;
        make_due(*wait);
    }
    if (std::exchange(at->second.is_registered, false)) {
        ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
    }
}

void EpollWaits::attach(Wait& wait, const int fd) {
    wait.fd = fd;
    descriptors_[fd].waits.push_back(&wait);
}

void EpollWaits::make_due(Wait& wait) {
    if (!wait.is_linked()) {
        due_.push_back(wait);
    }
}

/// A descriptor keeps its registration in the kernel when nothing waits on it any more, and until it is
/// closed. To modify one looks at the descriptor again: what has come meanwhile makes an event.
std::int32_t EpollWaits::register_fd(const int fd) {
    Descriptor& descriptor = descriptors_.at(fd);
    if (descriptor.is_registered) {
        return 0;
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.fd = fd;
    const bool is_done = ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0
                      || (errno == EEXIST && ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0
                      );
    descriptor.is_registered = is_done;
    return is_done ? 0 : -errno;
}

void EpollWaits::wait(const int timeout_ms) {
    std::array<epoll_event, events_per_wait> events;
    const int count =
        ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {  // none when a signal came
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == wake_fd_) {
            std::uint64_t ignored = 0;
            static_cast<void>(::read(wake_fd_, &ignored, sizeof ignored));
            continue;
        }
        const auto at = descriptors_.find(event.data.fd);
        if (at == descriptors_.end()) {
            continue;
        }
        for (Wait* const wait : at->second.waits) {
            if ((event.events & events_for(wait->op->kind)) != 0) {
                make_due(*wait);
            }
        }
    }
}

void EpollWaits::try_due() {
    IntrusiveList<Wait> due;
    due.take_all(due_);
    while (!due.empty()) {
        try_one(due.pop_front());
    }
}

void EpollWaits::try_one(Wait& wait) {
    Outcome outcome{Progress::blocked};
    if (!wait.is_cancelled) {
        outcome = run(wait);
    }
    if (outcome.progress == Progress::over) {
        end(wait, outcome.res);
    } else if (wait.is_cancelled) {  // perhaps by its owner, when he was told of an event just now
        end(wait, cancelled_result(wait));
    } else if (outcome.progress == Progress::goes_on) {
        make_due(wait);
    } else {
        const std::int32_t refusal = register_fd(wait.fd);
        if (refusal < 0) {
            end(wait, refusal);
        }
    }
}

void EpollWaits::end(Wait& wait, const std::int32_t res) {
    Op& op = *wait.op;
    const auto at = descriptors_.find(wait.fd);
    if (at != descriptors_.end()) {
        std::erase(at->second.waits, &wait);
        if (at->second.waits.empty()) {
            descriptors_.erase(at);
        }
    }
    if (op.kind == OpKind::connect_tcp && res < 0 && wait.fd >= 0) {
        ::close(wait.fd);
    }
    waits_.erase(&op);
    on_end_(op, res);
}

std::int32_t EpollWaits::cancelled_result(const Wait& wait) noexcept {
    return wait.done > 0 ? static_cast<std::int32_t>(wait.done) : -ECANCELED;
}

// --- One try -------------------------------------------------------------------------------------

EpollWaits::Outcome EpollWaits::outcome_of(
    const std::int32_t failure, const std::uint32_t done
) noexcept {
    switch (failure) {
    case -EAGAIN: return {Progress::blocked};
    case -EINTR: return {Progress::goes_on};
    default: return {Progress::over, done > 0 ? static_cast<std::int32_t>(done) : failure};
    }
}

EpollWaits::Outcome EpollWaits::run(Wait& wait) {
    switch (wait.op->kind) {
    case OpKind::accept_multi: return accept_some(wait);
    case OpKind::connect_tcp: return connect(wait);
    case OpKind::recv_multi: return receive_some(wait);
    case OpKind::recv: return receive_all(wait);
    case OpKind::recv_some: return receive_once(wait);
    case OpKind::sendmsg: return send_all(wait);
    default: break;  // a read of a stream
    }
    const std::int32_t res = run_call(*wait.op);
    return res < 0 ? outcome_of(res, 0) : Outcome{Progress::over, res};
}

EpollWaits::Outcome EpollWaits::accept_some(Wait& wait) {
    Op& op = *wait.op;
    for (int n = 0; n < accepts_per_turn && !wait.is_cancelled; ++n) {
        const int fd = ::accept4(wait.fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return outcome_of(-errno, 0);
        }
        set_connection_options(fd, op.length);
        op.on_multi(op, fd, {});
    }
    return {Progress::goes_on};
}

/// To connect again asks how it went: EALREADY while it is under way.
EpollWaits::Outcome EpollWaits::connect(Wait& wait) {
    const Op& op = *wait.op;
    sockaddr_storage address;
    const socklen_t size = to_sockaddr(*static_cast<const SocketAddress*>(op.address), address);
    if (size == 0) {
        return {Progress::over, -EADDRNOTAVAIL};
    }
    if (wait.fd < 0) {
        const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            return {Progress::over, -errno};
        }
        attach(wait, fd);
    }
    if (::connect(wait.fd, reinterpret_cast<const sockaddr*>(&address), size) < 0) {
        const int error = errno;
        const bool is_under_way = error == EINPROGRESS || error == EALREADY;
        return is_under_way ? Outcome{Progress::blocked} : outcome_of(-error, 0);
    }
    set_connection_options(wait.fd, op.length);
    return {Progress::over, wait.fd};
}

/// Until it would block, also after a short piece: the end of the stream may stand behind it, which makes no
/// event of its own then.
EpollWaits::Outcome EpollWaits::receive_some(Wait& wait) {
    Op& op = *wait.op;
    for (int n = 0; n < receives_per_turn && !wait.is_cancelled; ++n) {
        const ssize_t size =
            ::recv(wait.fd, receive_buffer_.data(), receive_buffer_.size(), MSG_DONTWAIT);
        if (size < 0) {
            return outcome_of(-errno, 0);
        }
        if (size == 0) {
            return {Progress::over, 0};
        }
        const ByteView bytes(receive_buffer_.data(), static_cast<std::size_t>(size));
        op.on_multi(op, static_cast<std::int32_t>(size), bytes);
    }
    return {Progress::goes_on};
}

EpollWaits::Outcome EpollWaits::receive_all(Wait& wait) {
    const Op& op = *wait.op;
    while (wait.done < op.len) {
        const ssize_t size = ::recv(wait.fd, op.buf + wait.done, op.len - wait.done, MSG_DONTWAIT);
        if (size < 0) {
            return outcome_of(-errno, wait.done);
        }
        if (size == 0) {
            break;
        }
        wait.done += static_cast<std::uint32_t>(size);
    }
    return {Progress::over, static_cast<std::int32_t>(wait.done)};
}

EpollWaits::Outcome EpollWaits::receive_once(const Wait& wait) {
    const ssize_t size = ::recv(wait.fd, wait.op->buf, wait.op->len, MSG_DONTWAIT);
    return size < 0 ? outcome_of(-errno, 0)
                    : Outcome{Progress::over, static_cast<std::int32_t>(size)};
}

EpollWaits::Outcome EpollWaits::send_all(Wait& wait) {
    std::array<iovec, pieces_per_send> pieces{};
    for (;;) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = gather(*wait.op, wait.done, pieces);
        if (message.msg_iovlen == 0 && wait.done > 0) {
            return {Progress::over, static_cast<std::int32_t>(wait.done)};
        }
        const ssize_t size = ::sendmsg(wait.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0) {
            return outcome_of(-errno, wait.done);
        }
        if (size == 0) {
            return {Progress::over, static_cast<std::int32_t>(wait.done)};
        }
        wait.done += static_cast<std::uint32_t>(size);
    }
}

}  // namespace logboom::io
