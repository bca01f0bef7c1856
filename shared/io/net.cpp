#include "shared/io/net.h"

#include "shared/io/fs.h"
#include "shared/io/op_awaiter.h"

#include <fcntl.h>

#include <deque>

namespace logboom::io {

std::string to_string(const SocketAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

namespace {

// Accepted connections that may wait to be taken: the kernel's backlog holds the rest.
constexpr std::size_t accepted_max = 64;
// How long accepting rests after the kernel could not give a connection (N2).
constexpr Nanos accept_pause = 100ms;

bool is_numeric(const std::string& host) noexcept {
    return host.find(':') != std::string::npos
        || host.find_first_not_of("0123456789.") == std::string::npos;
}

bool is_out_of_descriptors(const std::int32_t error) noexcept {
    return error == -EMFILE || error == -ENFILE;
}

/// The socket is none to accept from; any other error is of one connection or of the moment.
bool ends_accepting(const std::int32_t error) noexcept {
    return error == -EBADF || error == -EINVAL || error == -ENOTSOCK || error == -EOPNOTSUPP;
}

std::int64_t user_timeout_of(const ConnOptions& options) noexcept {
    return options.peer_timeout / Millis(1);
}

}  // namespace

struct Listener::State {
    State(
        IoBackend& backend_,
        Scheduler& scheduler_,
        std::shared_ptr<ChunkPool> pool_,
        const int fd_,
        const std::uint16_t port_,
        const ConnOptions options_
    )
        : backend(backend_)
        , scheduler(scheduler_)
        , pool(std::move(pool_))
        , fd(fd_)
        , port(port_)
        , options(options_)
        , changed(scheduler_) {}

    IoBackend& backend;
    Scheduler& scheduler;
    std::shared_ptr<ChunkPool> pool;
    int fd;
    std::uint16_t port;
    ConnOptions options;
    Op accept;
    bool accepting = false;
    bool closing = false;
    std::int32_t error = 0;
    std::deque<int> accepted;
    WaitQueue changed;
    File reserve;  // a descriptor for the time when there is no other (N2)

    void arm();
    void stop();
    void on_accept(std::int32_t res);
    Task<void> wait_stopped();
    Task<void> open_reserve();
    Task<Result<Ok>> pause_after(std::int32_t failure);
};

void Listener::State::arm() {
    if (accepting) {
        return;
    }
    accept = Op();
    accept.kind = OpKind::accept_multi;
    accept.fd = fd;
    accept.length = user_timeout_of(options);
    accept.owner = this;
    accept.scheduler = &scheduler;
    accept.on_multi = [](Op& op, const std::int32_t res, ByteView) {
        static_cast<State*>(op.owner)->on_accept(res);
    };
    accept.on_done = [](Op& op) {
        State& self = *static_cast<State*>(op.owner);
        self.accepting = false;
        self.on_accept(op.res);
    };
    accepting = true;
    error = 0;
    accept.in_kernel = true;
    backend.submit(accept);
}

void Listener::State::on_accept(const std::int32_t res) {
    if (res < 0) {
        error = res;
    } else {
        accepted.push_back(res);
        if (accepted.size() >= accepted_max) {
            stop();
        }
    }
    changed.wake_all();
}

void Listener::State::stop() {
    if (accepting && !accept.cancel_requested) {
        accept.cancel_requested = true;
        backend.cancel(accept);
    }
}

Task<void> Listener::State::wait_stopped() {
    stop();
    while (accepting) {
        [[maybe_unused]] const Result<Ok> ended = co_await changed.wait_uncancelled();
    }
}

/// The root directory: it is everywhere and costs nothing but its number.
Task<void> Listener::State::open_reserve() {
    Op op;
    op.kind = OpKind::open;
    op.path = "/";
    op.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    const std::int32_t opened = co_await OpAwaiter(backend, op);
    if (opened >= 0) {
        reserve = File(backend, opened);
    }
}

/// Without the pause the loop would burn the core. Out of descriptors the one in reserve takes a connection
/// off the backlog, so that its peer is told at once instead of waiting for an answer.
Task<Result<Ok>> Listener::State::pause_after(const std::int32_t failure) {
    const SteadyTime again = backend.now() + accept_pause;
    if (is_out_of_descriptors(failure) && reserve.is_open()) {
        [[maybe_unused]] const Result<Ok> given_up = co_await reserve.close();
        arm();
        while (accepting && accepted.empty()) {
            const Result<Ok> woken = co_await changed.wait(again);
            if (!woken) {
                break;
            }
        }
        co_await wait_stopped();
        if (!accepted.empty()) {
            backend.close_later(accepted.front());
            accepted.pop_front();
        }
    }
    co_return co_await sleep_until(scheduler, again);
}

Listener::Listener(
    IoBackend& backend,
    Scheduler& scheduler,
    std::shared_ptr<ChunkPool> pool,
    const int fd,
    const std::uint16_t port,
    const ConnOptions options
)
    : state_(std::make_unique<State>(backend, scheduler, std::move(pool), fd, port, options)) {}

Listener::~Listener() {
    LB_ASSERT(state_->scheduler.is_crashing() || (state_->fd < 0 && !state_->accepting));
}

std::uint16_t Listener::port() const noexcept {
    return state_->port;
}

Task<Result<std::unique_ptr<Conn>>> Listener::next() {
    State& s = *state_;
    while (s.accepted.empty()) {
        if (s.closing) {
            co_return Error{ErrorCode::closed, 0, "accept"};
        }
        const std::int32_t error = std::exchange(s.error, 0);
        if (ends_accepting(error)) {
            co_return to_error(error, "accept");
        }
        if (error != 0 && error != -ECANCELED) {
            LB_CO_CHECK(co_await s.pause_after(error));
            continue;
        }
        if (!s.reserve.is_open()) {
            co_await s.open_reserve();
        }
        if (!s.closing) {
            s.arm();
            LB_CO_CHECK(co_await s.changed.wait());
        }
    }
    const int fd = s.accepted.front();
    s.accepted.pop_front();
    SocketAddress peer;
    Op op;
    op.kind = OpKind::peer_address;
    op.fd = fd;
    op.out = &peer;
    [[maybe_unused]] const std::int32_t known = co_await OpAwaiter(s.backend, op);
    co_return std::make_unique<Conn>(
        s.backend, s.scheduler, s.pool, fd, std::move(peer), s.options
    );
}

Task<void> Listener::close() {
    State& s = *state_;
    s.closing = true;
    co_await s.wait_stopped();
    [[maybe_unused]] const Result<Ok> given_up = co_await s.reserve.close();
    for (const int fd : s.accepted) {
        s.backend.close_later(fd);
    }
    s.accepted.clear();
    Op op;
    op.kind = OpKind::close;
    op.fd = std::exchange(s.fd, -1);
    [[maybe_unused]] const std::int32_t closed = co_await OpAwaiter(s.backend, op);
    s.changed.wake_all();
}

Task<Result<std::unique_ptr<Listener>>> Net::listen(
    SocketAddress address, const bool share_port, const ConnOptions options
) {
    Op op;
    op.kind = OpKind::listen_tcp;
    op.address = &address;
    op.flags = share_port ? 1 : 0;
    const std::int32_t fd = co_await OpAwaiter(backend_, op);
    if (fd < 0) {
        co_return to_error(fd, "listen");
    }
    Op port_op;
    port_op.kind = OpKind::local_port;
    port_op.fd = fd;
    const std::int32_t port = co_await OpAwaiter(backend_, port_op);
    if (port < 0) {
        backend_.close_later(fd);
        co_return to_error(port, "listen");
    }
    co_return std::make_unique<Listener>(
        backend_, scheduler_, pool_, fd, static_cast<std::uint16_t>(port), options
    );
}

Task<Result<std::unique_ptr<Conn>>> Net::connect(
    SocketAddress address, const SteadyTime deadline, const ConnOptions options
) {
    Op op;
    op.kind = OpKind::connect_tcp;
    op.address = &address;
    op.length = user_timeout_of(options);
    const std::int32_t fd = co_await OpAwaiter(backend_, op, OpAwaiter::Cancellable::yes, deadline);
    if (fd < 0) {
        co_return to_error(fd, "connect");
    }
    co_return std::make_unique<Conn>(backend_, scheduler_, pool_, fd, std::move(address), options);
}

Task<Result<std::vector<std::string>>> Net::resolve(std::string host, const SteadyTime deadline) {
    std::vector<std::string> addresses;
    if (is_numeric(host)) {
        addresses.push_back(std::move(host));
        co_return addresses;
    }
    Op op;
    op.kind = OpKind::resolve;
    op.path = host.c_str();
    op.out = &addresses;
    const std::int32_t res =
        co_await OpAwaiter(backend_, op, OpAwaiter::Cancellable::yes, deadline);
    if (res < 0) {
        co_return to_error(res, "resolve host name");
    }
    co_return addresses;
}

}  // namespace logboom::io
