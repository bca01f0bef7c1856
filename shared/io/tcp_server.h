// One listening address of one shard: accepts, bounds the number of connections, runs a handler per
// connection and ends them all in order.
#pragma once

#include "shared/io/env.h"

#include <atomic>
#include <functional>
#include <memory>

namespace logboom::io {

struct TcpServerOptions {
    SocketAddress address;
    /// Several shards listen on the same port (N1).
    bool share_port = false;
    std::uint32_t connections_max = 0;
    ConnOptions conn;
};

class TcpServer {
public:
    /// Runs until the connection is of no more use; the server closes it afterwards. The function only
    /// makes the task: it is a plain call of a member coroutine, never a lambda coroutine.
    using Handler = std::function<Task<void>(Conn&)>;

    TcpServer(Env& env, TcpServerOptions options, Handler handler)
        : env_(env)
        , options_(std::move(options))
        , handler_(std::move(handler))
        , scope_(env.scheduler) {}

    /// Binds and begins to accept. Errors: `io` (address in use, not ours, no permission).
    Task<Result<Ok>> start();
    /// Ends accepting and every connection; returns when all are closed.
    Task<void> stop();
    /// Valid after `start`, also when port 0 was asked for.
    [[nodiscard]] std::uint16_t port() const noexcept { return listener_->port(); }
    [[nodiscard]] std::uint32_t connections() const noexcept { return connections_; }
    /// Connections refused because `connections_max` were open.
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

private:
    Task<void> accept_loop();
    Task<void> serve(std::unique_ptr<Conn> conn);

    Env& env_;
    TcpServerOptions options_;
    Handler handler_;
    std::unique_ptr<Listener> listener_;
    std::atomic<std::uint32_t> connections_{0};  // read by the shard that shows the metrics
    std::atomic<std::uint64_t> refused_{0};
    Scope scope_;
};

}  // namespace logboom::io
