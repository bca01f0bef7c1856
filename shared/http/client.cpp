#include "shared/http/client.h"

#include "shared/http/response_parser.h"

#include <fmt/format.h>

namespace logboom::http {

Task<Result<Response>> get(
    Conn& conn, std::string host, std::string target, const SteadyTime deadline
) {
    const std::string question = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        target,
        host
    );
    Slice piece = conn.pool().copy_of(as_bytes(question));
    LB_CO_CHECK(co_await conn.send(std::move(piece)));
    ResponseParser parser;
    for (;;) {
        const Result<ByteView> bytes = co_await conn.peek(1, deadline);
        if (!bytes.has_value() && bytes.code() == ErrorCode::closed) {
            co_return parser.finish();
        }
        if (!bytes.has_value()) {
            co_return bytes.error();
        }
        LB_CO_TRY(std::optional<Response> response, parser.feed(*bytes));
        conn.consume(static_cast<std::uint32_t>(bytes->size()));
        if (response.has_value()) {
            co_return *std::move(response);
        }
    }
}

}  // namespace logboom::http
