// The agents' door of one shard (listener protocol `agents`, port 7460).
#pragma once

#include "collector/ingest/agent_session.h"
#include "shared/io/tcp_server.h"

namespace logboom::ingest {

class AgentDoor {
public:
    AgentDoor(Ingest ingest, io::TcpServerOptions server);

    Task<Result<Ok>> start() { return server_.start(); }
    Task<void> stop() { return server_.stop(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }
    [[nodiscard]] const io::TcpServer& server() const noexcept { return server_; }

private:
    Task<void> serve(Conn& conn);

    Ingest ingest_;
    io::ByteSemaphore request_budget_;
    io::TcpServer server_;
};

}  // namespace logboom::ingest
