// One served connection: reads requests, lets several be worked on at once, answers in their order.
#pragma once

#include "shared/io/env.h"
#include "shared/rpc/frame_io.h"

#include <deque>
#include <memory>
#include <optional>

namespace logboom::rpc {

/// What is sent back. A refusal ends the connection.
struct RpcReply {
    Buffer header;  // Protobuf
    std::vector<Slice> payload;
    std::string refusal;  // not empty: sent in place of the answer
};

/// The door behind a connection. One object per connection, so that it may keep who is calling.
class RpcHandler {
public:
    RpcHandler() = default;
    RpcHandler(const RpcHandler&) = delete;
    RpcHandler& operator=(const RpcHandler&) = delete;
    virtual ~RpcHandler() = default;

    /// Answers one request. Tasks of one connection are begun in the order of its requests and may
    /// overlap. An Error ends the connection without an answer.
    virtual Task<Result<RpcReply>> handle(Frame request) = 0;
};

struct RpcServerOptions {
    FrameReadOptions read;
    std::uint32_t in_work_max = 8;  // requests of one connection; reading pauses above it
};

/// Serves `conn` until the peer leaves, something is refused, or the scope is cancelled; then waits for
/// the requests in work. Does not close `conn`. `conn` and `handler` outlive the task.
/// Errors: those of read_frame and send_frame, but `closed` between two frames is Ok.
Task<Result<Ok>> serve_connection(
    Env& env, Conn& conn, RpcHandler& handler, RpcServerOptions options
);

}  // namespace logboom::rpc
