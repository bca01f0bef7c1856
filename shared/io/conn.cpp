#include "shared/io/net.h"
#include "shared/io/op_awaiter.h"
#include "shared/io/scope.h"
#include "shared/io/shield.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>

namespace logboom::io {

namespace {

// One gathered send: 64 pieces or 1 MiB (N15).
constexpr std::uint32_t pieces_per_send = 64;
constexpr std::size_t bytes_per_send = 1u << 20;
// A longer body is received straight into its chunk (N7).
constexpr std::uint32_t copied_body_bytes_max = 16u << 10;
// What is taken of a frame that probably has such a body: its head, and little that must be copied.
constexpr std::uint32_t head_bytes = 4u << 10;
// An empty buffer above this goes back: ten thousand idle connections must not keep what each of them once
// received. Any does where a head has room of its own.
constexpr std::size_t empty_input_bytes_max = 4u << 10;
// How long an orderly end waits for the peer's.
constexpr Nanos linger = 1s;

}  // namespace

/// Lives on the heap so that ops keep their place. Receiving is in one of four modes:
///
///   streaming   a multishot receive is armed; what comes is appended to `input`
///   heading     the last body was long: one receive of a head is armed, since a multishot one would take
///               much of the next body, too, which then is copied twice
///   idle        nothing armed: too much is unread, or the stream has ended
///   direct      one receive into a chunk, armed by read_exact after the others have ended
struct Conn::State {
    State(
        IoBackend& backend_,
        Scheduler& scheduler_,
        std::shared_ptr<ChunkPool> pool_,
        const int fd_,
        SocketAddress peer_,
        const ConnOptions options_
    )
        : backend(backend_)
        , scheduler(scheduler_)
        , pool(std::move(pool_))
        , fd(fd_)
        , peer(std::move(peer_))
        , options(options_)
        , readable(scheduler_)
        , receive_idle(scheduler_)
        , sent_at(backend_.now())
        , sent(scheduler_)
        , scope(scheduler_) {}

    IoBackend& backend;
    Scheduler& scheduler;
    std::shared_ptr<ChunkPool> pool;
    int fd;
    SocketAddress peer;
    ConnOptions options;

    // Reading.
    Op receive;
    bool receiving = false;  // `receive` is with the backend
    bool receiving_directly = false;
    bool expects_body = false;  // a long one: heading in place of streaming
    std::unique_ptr<std::array<std::byte, head_bytes>> head;  // while one is received
    bool ended = false;  // end of stream, error or abort: nothing more comes
    Error end_error{ErrorCode::closed, 0, "receive"};
    Buffer input;
    std::size_t input_begin = 0;
    WaitQueue readable;      // input grew or ended
    WaitQueue receive_idle;  // `receiving`, `receiving_directly` or `shutting_down` became false
    Op shutdown;
    bool shutting_down = false;

    // Writing.
    struct Queued {
        Slice slice;
        std::uint64_t end = 0;  // value of `queued_total` behind it
    };
    std::deque<Queued> queue;
    std::uint64_t queued_total = 0;
    std::uint64_t sent_total = 0;
    SteadyTime sent_at;    // when `sent_total` last grew
    bool sending = false;  // `send_all` runs: it alone takes from the queue, which the kernel reads
    bool broken = false;
    Error send_error{ErrorCode::closed, 0, "send"};
    WaitQueue sent;
    Scope scope;  // the task that sends

    [[nodiscard]] std::size_t unread() const noexcept { return input.size() - input_begin; }
    void arm_receive();
    void receive_head();
    void receive_stream();
    void stop_receive();
    void on_receive(std::int32_t res, ByteView data);
    void on_receive_over(std::int32_t res);
    void forget_input(std::size_t size) noexcept;
    void end(Error error);
    void shut_down();
    Task<void> end_politely();
    Task<void> wait_sent();
    Task<void> send_all();
    Task<Result<std::uint32_t>> send_some(SteadyTime deadline);
};

/// Ends both directions; a receive or send that is with the kernel completes by it.
void Conn::State::shut_down() {
    if (shutting_down || fd < 0) {
        return;
    }
    shutdown = Op();
    shutdown.kind = OpKind::shutdown;
    shutdown.fd = fd;
    shutdown.flags = SHUT_RDWR;
    shutdown.owner = this;
    shutdown.scheduler = &scheduler;
    shutdown.on_done = [](Op& op) {
        State& self = *static_cast<State*>(op.owner);
        self.shutting_down = false;
        self.receive_idle.wake_all();
    };
    shutting_down = true;
    shutdown.in_kernel = true;
    backend.submit(shutdown);
}

/// Says that nothing more comes and waits for the peer to say the same.
Task<void> Conn::State::end_politely() {
    Op op;
    op.kind = OpKind::shutdown;
    op.fd = fd;
    op.flags = SHUT_WR;
    const std::int32_t done = co_await OpAwaiter(backend, op);
    while (done >= 0 && !ended) {
        forget_input(unread());
        arm_receive();
        const Result<Ok> woken = co_await readable.wait();
        if (!woken) {
            break;
        }
    }
}

Task<void> Conn::State::wait_sent() {
    while (sending && !broken) {
        const Result<Ok> progress = co_await sent.wait();
        if (!progress) {
            break;
        }
    }
}

void Conn::State::end(const Error error) {
    if (!ended) {
        ended = true;
        end_error = error;
    }
    readable.wake_all();
}

void Conn::State::arm_receive() {
    if (receiving || receiving_directly || ended || unread() >= options.receive_bytes_max) {
        return;
    }
    receive = Op();
    receive.fd = fd;
    receive.owner = this;
    receive.scheduler = &scheduler;
    if (expects_body) {
        receive_head();
    } else {
        receive_stream();
    }
    receiving = true;
    receive.in_kernel = true;
    backend.submit(receive);
}

void Conn::State::receive_head() {
    head = std::make_unique_for_overwrite<std::array<std::byte, head_bytes>>();
    receive.kind = OpKind::recv_some;
    receive.buf = head->data();
    receive.len = head_bytes;
    receive.on_done = [](Op& op) {
        State& self = *static_cast<State*>(op.owner);
        const auto room = std::move(self.head);
        if (op.res > 0) {
            self.input.append(ByteView(*room).first(static_cast<std::size_t>(op.res)));
        }
        self.on_receive_over(op.res);
    };
}

void Conn::State::receive_stream() {
    receive.kind = OpKind::recv_multi;
    receive.on_multi = [](Op& op, const std::int32_t res, const ByteView data) {
        static_cast<State*>(op.owner)->on_receive(res, data);
    };
    receive.on_done = [](Op& op) { static_cast<State*>(op.owner)->on_receive_over(op.res); };
}

void Conn::State::on_receive_over(const std::int32_t res) {
    receiving = false;
    if (res == 0) {
        end(Error{ErrorCode::closed, 0, "receive: end of stream"});
    } else if (res < 0 && res != -ECANCELED && res != -ENOBUFS) {
        end(to_error(res, "receive"));
    }
    receive_idle.wake_all();
    readable.wake_all();
}

void Conn::State::stop_receive() {
    if (receiving && !receive.cancel_requested) {
        receive.cancel_requested = true;
        backend.cancel(receive);
    }
}

void Conn::State::on_receive(const std::int32_t res, const ByteView data) {
    static_cast<void>(res);
    input.append(data);
    if (unread() >= options.receive_bytes_max) {
        stop_receive();
    }
    readable.wake_all();
}

void Conn::State::forget_input(const std::size_t size) noexcept {
    LB_ASSERT(size <= unread());
    input_begin += size;
    if (unread() == 0) {
        input_begin = 0;
        input.clear();
        if (expects_body || input.capacity() > empty_input_bytes_max) {
            input = Buffer();
        }
        return;
    }
    // The rest is moved to the front when little is left of much, so that the buffer does not creep.
    if (input_begin >= (64u << 10) && input_begin >= input.size() / 2) {
        input.erase_front(input_begin);
        input_begin = 0;
    }
}

Task<Result<std::uint32_t>> Conn::State::send_some(const SteadyTime deadline) {
    std::array<iovec, pieces_per_send> iov{};
    std::uint32_t count = 0;
    std::size_t bytes = 0;
    for (const Queued& queued : queue) {
        if (count == iov.size() || bytes >= bytes_per_send) {
            break;
        }
        // The kernel only reads through the pointer.
        iov[count].iov_base = const_cast<std::byte*>(queued.slice.data()
        );  // NOLINT(cppcoreguidelines-pro-type-const-cast): iovec has no const form
        iov[count].iov_len = queued.slice.size();
        bytes += queued.slice.size();
        ++count;
    }
    Op op;
    op.kind = OpKind::sendmsg;
    op.fd = fd;
    op.iov = iov.data();
    op.iov_count = count;
    const std::int32_t res = co_await OpAwaiter(backend, op, OpAwaiter::Cancellable::yes, deadline);
    if (res < 0) {
        co_return to_error(res, "send");
    }
    co_return static_cast<std::uint32_t>(res);
}

Task<void> Conn::State::send_all() {
    while (!queue.empty() && !broken) {
        const SteadyTime deadline = backend.now() + options.send_timeout;
        const Result<std::uint32_t> done = co_await send_some(deadline);
        if (!done) {
            if (!broken) {
                send_error = done.error();
            }
            broken = true;
            break;
        }
        std::uint32_t left = *done;
        sent_total += left;
        sent_at = backend.now();
        while (left != 0) {
            Slice& front = queue.front().slice;
            if (left < front.size()) {
                front = front.part(left, front.size() - left);
                break;
            }
            left -= front.size();
            queue.pop_front();
        }
        while (!queue.empty() && queue.front().slice.empty()) {
            queue.pop_front();
        }
        sent.wake_all();
    }
    if (broken) {
        queue.clear();
    }
    sending = false;
    sent.wake_all();
}

Conn::Conn(
    IoBackend& backend,
    Scheduler& scheduler,
    std::shared_ptr<ChunkPool> pool,
    const int fd,
    SocketAddress peer,
    const ConnOptions options
)
    : state_(
        std::make_unique<State>(backend, scheduler, std::move(pool), fd, std::move(peer), options)
    ) {}

Conn::~Conn() {
    LB_ASSERT(
        state_->scheduler.is_crashing()
        || (state_->fd < 0 && !state_->receiving && !state_->sending)
    );
}

Task<Result<ByteView>> Conn::peek(const std::uint32_t size, const SteadyTime deadline) {
    State& s = *state_;
    LB_ASSERT(size <= s.options.receive_bytes_max);
    while (s.unread() < size) {
        if (s.ended) {
            co_return s.end_error;
        }
        s.arm_receive();
        LB_CO_CHECK(co_await s.readable.wait(deadline));
    }
    co_return buffered();
}

ByteView Conn::buffered() const noexcept {
    return state_->input.view().subspan(state_->input_begin);
}

void Conn::consume(const std::uint32_t size) noexcept {
    state_->forget_input(size);
}

Task<Result<Slice>> Conn::read_exact(const std::uint32_t size, const SteadyTime deadline) {
    State& s = *state_;
    s.expects_body = size > copied_body_bytes_max;
    if (!s.expects_body && size <= s.options.receive_bytes_max) {
        LB_CO_TRY(const ByteView bytes, co_await peek(size, deadline));
        Slice copy = s.pool->copy_of(bytes.first(size));
        consume(size);
        co_return copy;
    }
    // Two receives in flight could swap bytes: the armed one ends first (N8). Also if all is there: what a
    // multishot receive takes of the bodies behind this one would have to be copied.
    s.stop_receive();
    while (s.receiving && s.unread() < size) {
        [[maybe_unused]] const Result<Ok> idle = co_await s.receive_idle.wait_uncancelled();
    }
    Slice whole = s.pool->allocate(size);
    const auto have = static_cast<std::uint32_t>(std::min<std::size_t>(size, s.unread()));
    if (have != 0) {
        std::memcpy(whole.mutable_bytes().data(), buffered().data(), have);
        consume(have);
    }
    std::uint32_t done = have;
    while (done < size) {
        if (s.ended) {
            co_return s.end_error;
        }
        Op op;
        op.kind = OpKind::recv;
        op.fd = s.fd;
        op.buf = whole.mutable_bytes().data() + done;
        op.len = size - done;
        s.receiving_directly = true;
        const std::int32_t res =
            co_await OpAwaiter(s.backend, op, OpAwaiter::Cancellable::yes, deadline);
        s.receiving_directly = false;
        s.receive_idle.wake_all();
        if (res == -EINTR) {
            continue;
        }
        if (res <= 0) {
            s.end(
                res == 0 ? Error{ErrorCode::closed, 0, "receive: end of stream inside a frame"}
                         : to_error(res, "receive")
            );
            co_return s.end_error;
        }
        done += static_cast<std::uint32_t>(res);
    }
    co_return whole;
}

Task<Result<Ok>> Conn::send(std::vector<Slice> pieces) {
    State& s = *state_;
    if (s.broken) {
        co_return s.send_error;
    }
    for (Slice& piece : pieces) {
        if (!piece.empty()) {
            s.queued_total += piece.size();
            s.queue.push_back(State::Queued{std::move(piece), s.queued_total});
        }
    }
    const std::uint64_t end = s.queued_total;
    if (!s.sending && !s.queue.empty()) {
        s.sending = true;
        s.scope.spawn_now(s.send_all());
    }
    while (s.sent_total < end && !s.broken) {
        LB_CO_CHECK(co_await s.sent.wait());
    }
    if (s.sent_total < end) {
        co_return s.send_error;
    }
    co_return Ok{};
}

Task<Result<Ok>> Conn::send(Slice piece) {
    std::vector<Slice> pieces;
    pieces.push_back(std::move(piece));
    co_return co_await send(std::move(pieces));
}

std::uint64_t Conn::queued_bytes() const noexcept {
    return state_->queued_total - state_->sent_total;
}

SteadyTime Conn::last_sent_at() const noexcept {
    return state_->sent_at;
}

std::size_t Conn::input_capacity() const noexcept {
    return state_->input.capacity() + (state_->head == nullptr ? 0 : head_bytes);
}

void Conn::abort() {
    State& s = *state_;
    s.end(Error{ErrorCode::closed, 0, "connection aborted"});
    s.broken = true;
    s.stop_receive();
    s.scope.cancel();
    s.sent.wake_all();
    s.shut_down();
}

Task<void> Conn::close() {
    State& s = *state_;
    // Who stops waits no longer for a peer that takes nothing than for one that does not end.
    const bool is_stopping = co_await is_cancelled();
    if (is_stopping && s.sending) {
        co_await shielded(s.scheduler, s.wait_sent(), s.backend.now() + linger);
        if (s.sending && !s.broken) {
            abort();
        }
    }
    while (s.sending && !s.broken) {
        [[maybe_unused]] const Result<Ok> progress = co_await s.sent.wait_uncancelled();
    }
    if (s.receiving_directly) {
        s.shut_down();  // somebody still reads a body: nobody wants it any more
    } else if (!s.broken && !s.ended) {
        co_await shielded(s.scheduler, s.end_politely(), s.backend.now() + linger);
    }
    s.stop_receive();
    s.scope.cancel();
    co_await s.scope.join();
    while (s.receiving || s.receiving_directly || s.shutting_down) {
        [[maybe_unused]] const Result<Ok> idle = co_await s.receive_idle.wait_uncancelled();
    }
    Op op;
    op.kind = OpKind::close;
    op.fd = s.fd;
    [[maybe_unused]] const std::int32_t closed = co_await OpAwaiter(s.backend, op);
    s.fd = -1;
    s.ended = true;
    s.broken = true;
}

const SocketAddress& Conn::peer() const noexcept {
    return state_->peer;
}

ChunkPool& Conn::pool() const noexcept {
    return *state_->pool;
}

}  // namespace logboom::io
