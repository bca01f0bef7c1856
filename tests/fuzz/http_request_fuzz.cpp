// Requests of HTTP clients. In whatever pieces the bytes arrive, the same requests come out.
#include "shared/base/limits.h"
#include "shared/http/request_parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"

#include <algorithm>
#include <vector>

using namespace logboom;
using namespace logboom::http;

namespace {

struct Outcome {
    std::vector<Request> requests;
    bool has_failed = false;
};

/// Takes what is whole, as a connection does. False: it cannot go on.
bool take_requests(RequestParser& parser, Outcome& outcome) {
    while (true) {
        Result<std::optional<Request>> next = parser.next();
        if (!next) {
            const ErrorCode code = next.code();
            LB_ASSERT(code == ErrorCode::malformed || code == ErrorCode::too_large);
            outcome.has_failed = true;
            return false;
        }
        if (!*next) {
            return true;
        }
        outcome.requests.push_back(**std::move(next));
    }
}

Outcome parse(ByteView bytes, const std::size_t piece_bytes) {
    const bool is_empty = bytes.empty();
    RequestParser parser;
    Outcome outcome;
    while (!bytes.empty()) {
        const std::size_t size = std::min(piece_bytes, bytes.size());
        const ByteView piece = bytes.first(size);
        bytes = bytes.subspan(size);
        parser.feed(piece);
        if (!take_requests(parser, outcome)) {
            return outcome;
        }
    }
    LB_ASSERT(is_empty != (parser.is_inside_request() || !outcome.requests.empty()));
    return outcome;
}

void check_limits(const Request& request) {
    LB_ASSERT(request.body.size() <= limits::http_body_bytes_max);
    const std::size_t head = request.method.size() + request.path.size() + request.query.size();
    LB_ASSERT(head <= limits::http_head_bytes_max);
    LB_ASSERT(request.path.find('?') == std::string::npos);
}

void check_same(const Request& a, const Request& b) {
    LB_ASSERT(a.method == b.method && a.path == b.path && a.query == b.query);
    LB_ASSERT(a.body == b.body && a.keep_alive == b.keep_alive);
}

}  // namespace

LB_FUZZ_TARGET(http_request) {
    const ByteView bytes = fuzz::view_of(data, size);
    const Outcome whole = parse(bytes, std::max<std::size_t>(size, 1));
    std::ranges::for_each(whole.requests, check_limits);
    const Outcome pieces = parse(bytes, fuzz::piece_bytes_for(size));
    // A mistake in what has not ended yet may show later in pieces.
    LB_ASSERT(whole.has_failed || !pieces.has_failed);
    LB_ASSERT(pieces.requests.size() == whole.requests.size());
    for (std::size_t i = 0; i < pieces.requests.size(); ++i) {
        check_same(pieces.requests[i], whole.requests[i]);
    }
    return 0;
}
