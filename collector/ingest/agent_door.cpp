#include "collector/ingest/agent_door.h"

namespace logboom::ingest {

AgentDoor::AgentDoor(Ingest ingest, io::TcpServerOptions server)
    : ingest_(std::move(ingest))
    , request_budget_(ingest_.env().scheduler, ingest_.options.request_bytes_max)
    , server_(ingest_.env(), std::move(server), [this](Conn& conn) { return serve(conn); }) {}

Task<void> AgentDoor::serve(Conn& conn) {
    AgentSession session(ingest_);
    rpc::RpcServerOptions options;
    options.read.limits = rpc::request_limits();
    options.read.idle_timeout = ingest_.options.idle_timeout;
    options.read.frame_timeout = ingest_.options.frame_timeout;
    options.read.budget = &request_budget_;
    const Result<Ok> ended = co_await rpc::serve_connection(ingest_.env(), conn, session, options);
    if (!ended && ended.code() != ErrorCode::cancelled && ended.code() != ErrorCode::closed) {
        ingest_.env().log.info(
            "agent connection closed",
            {kv("peer", to_string(conn.peer())), kv("reason", to_string(ended.error()))}
        );
    }
    co_await session.end();
}

}  // namespace logboom::ingest
