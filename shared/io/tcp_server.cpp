#include "shared/io/tcp_server.h"

namespace logboom::io {

Task<Result<Ok>> TcpServer::start() {
    LB_CO_TRY(
        std::unique_ptr<Listener> listener,
        co_await env_.net.listen(options_.address, options_.share_port, options_.conn)
    );
    listener_ = std::move(listener);
    scope_.spawn(accept_loop());
    co_return Ok{};
}

Task<void> TcpServer::stop() {
    scope_.cancel();
    co_await scope_.join();
    if (listener_ != nullptr) {
        co_await listener_->close();
    }
}

Task<void> TcpServer::accept_loop() {
    for (;;) {
        Result<std::unique_ptr<Conn>> accepted = co_await listener_->next();
        if (!accepted) {
            if (accepted.code() != ErrorCode::cancelled) {
                env_.log.error(
                    "listener ended",
                    {kv("address", to_string(options_.address)),
                     kv("error", to_string(accepted.error()))}
                );
            }
            co_return;
        }
        std::unique_ptr<Conn> conn = std::move(*accepted);
        if (connections_ >= options_.connections_max) {
            ++refused_;
            conn->abort();  // accepting does not wait for its peer to be gone
            co_await conn->close();
            continue;
        }
        ++connections_;
        scope_.spawn(serve(std::move(conn)));
    }
}

Task<void> TcpServer::serve(std::unique_ptr<Conn> conn) {
    Task<void> work = handler_(*conn);
    co_await std::move(work);
    co_await conn->close();
    --connections_;
}

}  // namespace logboom::io
