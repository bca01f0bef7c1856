#include "shared/io/net.h"

#include "shared/io/op_awaiter.h"

#include <deque>

namespace logboom::io {

std::string to_string(const SocketAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

namespace {

bool is_numeric(const std::string& host) noexcept {
    return host.find(':') != std::string::npos
        || host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

/// Accepted descriptors wait here until `next()` takes them; accepting stops above a few, so that the
/// kernel's backlog holds the rest.
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
    std::int32_t error = 0;
    std::deque<int> accepted;
    WaitQueue changed;

    void arm();
};

void Listener::State::arm() {
    if (accepting) {
        return;
    }
    accept = Op();
    accept.kind = OpKind::accept_multi;
    accept.fd = fd;
    accept.owner = this;
    accept.scheduler = &scheduler;
    accept.on_multi = [](Op& op, const std::int32_t res, ByteView) {
        State& self = *static_cast<State*>(op.owner);
        if (res >= 0) {
            self.accepted.push_back(res);
            self.changed.wake_all();
        }
    };
    accept.on_done = [](Op& op) {
        State& self = *static_cast<State*>(op.owner);
        self.accepting = false;
        if (op.res >= 0) {
            self.accepted.push_back(op.res);
        } else {
            self.error = op.res;
        }
        self.changed.wake_all();
    };
    accepting = true;
    error = 0;
    accept.in_kernel = true;
    backend.submit(accept);
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
        if (s.fd < 0) {
            co_return Error{ErrorCode::closed, 0, "accept"};
        }
        if (s.error != 0) {
            const std::int32_t error = std::exchange(s.error, 0);
            if (error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM) {
                // Out of descriptors or memory: without the pause this loop would burn the core (N2).
                const SteadyTime again = s.backend.now() + 100ms;
                LB_CO_CHECK(co_await sleep_until(s.scheduler, again));
            } else if (error != -ECONNABORTED && error != -EINTR && error != -EAGAIN) {
                co_return to_error(error, "accept");
            }
        }
        s.arm();
        LB_CO_CHECK(co_await s.changed.wait());
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
    if (s.accepting) {
        s.accept.cancel_requested = true;
        s.backend.cancel(s.accept);
    }
    while (s.accepting) {
        [[maybe_unused]] const Result<Ok> ended = co_await s.changed.wait_uncancelled();
    }
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
    const std::int32_t fd = co_await OpAwaiter(backend_, op, OpAwaiter::Cancellable::yes, deadline);
    if (fd < 0) {
        co_return to_error(fd, "connect");
    }
    co_return std::make_unique<Conn>(backend_, scheduler_, pool_, fd, std::move(address), options);
}

Task<Result<std::vector<std::string>>> Net::resolve(std::string host, const SteadyTime deadline) {
    static_cast<void>(deadline);  // the resolver has its own
    std::vector<std::string> addresses;
    if (is_numeric(host)) {
        addresses.push_back(std::move(host));
        co_return addresses;
    }
    Op op;
    op.kind = OpKind::resolve;
    op.path = host.c_str();
    op.out = &addresses;
    const std::int32_t res = co_await OpAwaiter(backend_, op);
    if (res < 0) {
        co_return to_error(res, "resolve host name");
    }
    co_return addresses;
}

}  // namespace logboom::io
