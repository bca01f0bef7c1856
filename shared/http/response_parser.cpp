#include "shared/http/response_parser.h"

#include "shared/base/limits.h"
#include "shared/http/chunk_wait.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <utility>

namespace logboom::http {

namespace beast = boost::beast::http;

struct ResponseParser::State {
    State() {
        parser.header_limit(limits::http_head_bytes_max);
        parser.body_limit(limits::http_response_body_bytes_max);
        parser.eager(true);
    }

    beast::response_parser<beast::string_body> parser;
    Buffer pending;
};

namespace {

Error error_of(const boost::system::error_code& code) noexcept {
    const bool is_large = code == beast::error::header_limit || code == beast::error::body_limit;
    return is_large ? Error{ErrorCode::too_large, 0, "http response"}
                    : Error{ErrorCode::malformed, 0, "no HTTP response"};
}

Response response_of(beast::response_parser<beast::string_body>& parser) {
    auto& message = parser.get();
    const auto type = message[beast::field::content_type];
    Response response;
    response.status = static_cast<std::uint16_t>(message.result_int());
    response.content_type.assign(type.data(), type.size());
    response.body = std::move(message.body());
    return response;
}

}  // namespace

ResponseParser::ResponseParser() : state_(std::make_unique<State>()) {}
ResponseParser::~ResponseParser() = default;

Result<std::optional<Response>> ResponseParser::feed(const ByteView bytes) {
    State& state = *state_;
    state.pending.append(bytes);
    while (!state.pending.empty() && !state.parser.is_done()
           && !awaits_more_of_chunks(state.parser, state.pending.size())) {
        boost::system::error_code code;
        const std::size_t taken = state.parser.put(
            boost::asio::const_buffer(state.pending.data(), state.pending.size()), code
        );
        state.pending.erase_front(taken);
        if (code == beast::error::need_more || (!code && taken == 0)) {
            break;
        }
        if (code) {
            return error_of(code);
        }
    }
    if (!state.parser.is_done()) {
        return std::optional<Response>();
    }
    return std::optional<Response>(response_of(state.parser));
}

Result<Response> ResponseParser::finish() {
    if (!state_->parser.got_some()) {  // what Beast asserts
        return Error{ErrorCode::closed, 0, "http response"};
    }
    boost::system::error_code code;
    state_->parser.put_eof(code);
    if (code || !state_->parser.is_done()) {
        return Error{ErrorCode::closed, 0, "http response"};
    }
    return response_of(state_->parser);
}

}  // namespace logboom::http
