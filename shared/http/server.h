// A small HTTP/1.1 server for metrics, health and the API: a table of routes, keep-alive, limits and
// deadlines. Bad requests get their status and the end of the connection, never more.
#pragma once

#include "shared/http/message.h"
#include "shared/io/env.h"
#include "shared/io/tcp_server.h"

#include <functional>
#include <map>
#include <string>
#include <utility>

namespace logboom::http {

class RequestParser;

struct ServerOptions {
    SocketAddress address;  // port 0: any
    std::uint32_t connections_max = 64;
    Nanos idle_timeout = 60s;     // between two requests
    Nanos request_timeout = 10s;  // from the first byte of a request to its last
};

/// Shard: the one of `env`, which outlives the server.
class Server {
public:
    /// Makes the task that answers; a plain call of a member coroutine, never a lambda coroutine.
    using Handler = std::function<Task<Response>(Request)>;

    Server(Env& env, ServerOptions options);

    /// `method` and `path` are matched whole; HEAD is answered by GET's handler without the body.
    /// Before `start`.
    void route(std::string method, std::string path, Handler handler);

    /// Errors: those of TcpServer::start.
    Task<Result<Ok>> start() { return tcp_.start(); }
    Task<void> stop() { return tcp_.stop(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return tcp_.port(); }

private:
    Task<void> serve(Conn& conn);
    Task<Result<Request>> read_request(Conn& conn, RequestParser& parser);
    Task<Response> answer(Request request);

    Env& env_;
    ServerOptions options_;
    std::map<std::string, std::map<std::string, Handler>> routes_;  // path, method
    io::TcpServer tcp_;
};

}  // namespace logboom::http
