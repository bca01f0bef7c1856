#include "shared/http/request_parser.h"

#include "shared/base/limits.h"
#include "shared/http/chunk_wait.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <utility>

namespace logboom::http {

namespace beast = boost::beast::http;

struct RequestParser::State {
    using Parser = beast::request_parser<beast::string_body>;

    State() { reset(); }

    void reset() {
        parser.emplace();
        parser->header_limit(limits::http_head_bytes_max);
        parser->body_limit(limits::http_body_bytes_max);
        parser->eager(true);
        has_begun = false;
    }

    std::optional<Parser> parser;
    Buffer pending;
    bool has_begun = false;
};

namespace {

Error error_of(const boost::system::error_code& code) noexcept {
    if (code == beast::error::header_limit) {
        return {ErrorCode::too_large, 0, "http head"};
    }
    if (code == beast::error::body_limit) {
        return {ErrorCode::too_large, 0, "http body"};
    }
    return {ErrorCode::malformed, 0, "http request"};
}

template <typename View>
std::string text_of(const View& view) {
    return std::string(view.data(), view.size());
}

Request request_of(beast::request_parser<beast::string_body>& parser) {
    Request request;
    request.keep_alive = parser.get().keep_alive();
    request.method = text_of(parser.get().method_string());
    const std::string target = text_of(parser.get().target());
    const std::size_t mark = std::min(target.find('?'), target.size());
    request.path = target.substr(0, mark);
    request.query = mark < target.size() ? target.substr(mark + 1) : "";
    request.body = std::move(parser.get().body());
    return request;
}

}  // namespace

RequestParser::RequestParser() : state_(std::make_unique<State>()) {}
RequestParser::~RequestParser() = default;

void RequestParser::feed(const ByteView bytes) {
    state_->pending.append(bytes);
}

bool RequestParser::is_inside_request() const noexcept {
    return state_->has_begun || !state_->pending.empty();
}

Result<std::optional<Request>> RequestParser::next() {
    State& state = *state_;
    while (!state.pending.empty() && !awaits_more_of_chunks(*state.parser, state.pending.size())) {
        boost::system::error_code code;
        const std::size_t taken = state.parser->put(
            boost::asio::const_buffer(state.pending.data(), state.pending.size()), code
        );
        state.has_begun = true;
        state.pending.erase_front(taken);
        if (state.parser->is_done() && !code) {
            Request request = request_of(*state.parser);
            state.reset();
            return std::optional<Request>(std::move(request));
        }
        if (code == beast::error::need_more || (!code && taken == 0)) {
            break;
        }
        if (code) {
            return error_of(code);
        }
    }
    if (state.pending.size() > limits::http_head_bytes_max) {
        return Error{ErrorCode::too_large, 0, "http head"};
    }
    return std::optional<Request>();
}

}  // namespace logboom::http
