#include "shared/http/server.h"

#include "shared/http/request_parser.h"

namespace logboom::http {
namespace {

io::TcpServerOptions tcp_options(const ServerOptions& options) {
    io::TcpServerOptions made;
    made.address = options.address;
    made.connections_max = options.connections_max;
    return made;
}

/// What is said before the connection ends; nothing to those who said nothing.
std::uint16_t status_of(const ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::malformed: return 400;
    case ErrorCode::too_large: return 413;
    case ErrorCode::timed_out: return 408;
    default: return 0;
    }
}

Task<Result<Ok>> send_response(
    Conn& conn, const Response response, const Connection connection, const Body body
) {
    const std::string text = encode_response(response, connection, body);
    Slice piece = conn.pool().copy_of(as_bytes(text));
    co_return co_await conn.send(std::move(piece));
}

}  // namespace

Server::Server(Env& env, ServerOptions options)
    : env_(env)
    , options_(std::move(options))
    , tcp_(env, tcp_options(options_), [this](Conn& conn) { return serve(conn); }) {}

void Server::route(std::string method, std::string path, Handler handler) {
    routes_[std::move(path)][std::move(method)] = std::move(handler);
}

Task<void> Server::serve(Conn& conn) {
    RequestParser parser;
    for (;;) {
        auto request = co_await read_request(conn, parser);
        if (!request.has_value()) {
            const std::uint16_t status = status_of(request.code());
            if (status != 0) {
                Response refusal = plain_response(status);
                // Best effort: the connection ends either way.
                [[maybe_unused]] const auto told =
                    co_await send_response(conn, std::move(refusal), Connection::close, Body::sent);
            }
            co_return;
        }
        const Connection then = request->keep_alive ? Connection::keep_alive : Connection::close;
        const Body body = request->method == "HEAD" ? Body::left_out : Body::sent;
        Request asked = std::move(*request);
        Response response = co_await answer(std::move(asked));
        const auto sent = co_await send_response(conn, std::move(response), then, body);
        if (!sent.has_value() || then == Connection::close) {
            co_return;
        }
    }
}

Task<Result<Request>> Server::read_request(Conn& conn, RequestParser& parser) {
    const SteadyTime idle_deadline = env_.clock.now() + options_.idle_timeout;
    SteadyTime request_deadline = env_.clock.now() + options_.request_timeout;
    for (;;) {
        LB_CO_TRY(std::optional<Request> request, parser.next());
        if (request.has_value()) {
            co_return *std::move(request);
        }
        const bool was_inside = parser.is_inside_request();
        const SteadyTime deadline = was_inside ? request_deadline : idle_deadline;
        const auto bytes = co_await conn.peek(1, deadline);
        if (!bytes.has_value()) {
            const bool is_idle = !was_inside && bytes.code() == ErrorCode::timed_out;
            co_return is_idle ? Error{ErrorCode::closed, 0, "idle"} : bytes.error();
        }
        if (!was_inside) {
            request_deadline = env_.clock.now() + options_.request_timeout;
        }
        parser.feed(*bytes);
        conn.consume(static_cast<std::uint32_t>(bytes->size()));
    }
}

Task<Response> Server::answer(Request request) {
    const auto path = routes_.find(request.path);
    if (path == routes_.end()) {
        co_return plain_response(404);
    }
    const std::string method = request.method == "HEAD" ? "GET" : request.method;
    const auto handler = path->second.find(method);
    if (handler == path->second.end()) {
        co_return plain_response(405);
    }
    co_return co_await handler->second(std::move(request));
}

}  // namespace logboom::http
