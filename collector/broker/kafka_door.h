// Kafka's door of one shard: listens and serves connections.
#pragma once

#include "collector/broker/broker.h"
#include "shared/io/tcp_server.h"

namespace logboom::broker {

class KafkaDoor {
public:
    KafkaDoor(Broker broker, io::TcpServerOptions server);

    Task<Result<Ok>> start();
    Task<void> stop() { return server_.stop(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }
    [[nodiscard]] const io::TcpServer& server() const noexcept { return server_; }

private:
    Task<void> serve(Conn& conn);

    Broker broker_;
    io::ByteSemaphore large_budget_;
    io::ByteSemaphore small_budget_;
    io::TcpServer server_;
};

}  // namespace logboom::broker
