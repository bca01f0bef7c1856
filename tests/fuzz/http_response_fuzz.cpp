// A server's response. In whatever pieces the bytes arrive, and up to the connection's end, it is the same.
#include "shared/base/limits.h"
#include "shared/http/response_parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"

#include <algorithm>

using namespace logboom;
using namespace logboom::http;

namespace {

/// Nothing: there was none.
std::optional<Response> parse(ByteView bytes, const std::size_t piece_bytes) {
    ResponseParser parser;
    while (!bytes.empty()) {
        const std::size_t size = std::min(piece_bytes, bytes.size());
        const ByteView piece = bytes.first(size);
        bytes = bytes.subspan(size);
        Result<std::optional<Response>> response = parser.feed(piece);
        if (!response) {
            const ErrorCode code = response.code();
            LB_ASSERT(code == ErrorCode::malformed || code == ErrorCode::too_large);
            return std::nullopt;
        }
        if (*response) {
            return *std::move(response);
        }
    }
    Result<Response> last = parser.finish();
    return last ? std::optional(*std::move(last)) : std::nullopt;
}

}  // namespace

LB_FUZZ_TARGET(http_response) {
    const ByteView bytes = fuzz::view_of(data, size);
    const std::optional<Response> whole = parse(bytes, std::max<std::size_t>(size, 1));
    LB_ASSERT(!whole || whole->body.size() <= size);
    const std::optional<Response> pieces = parse(bytes, fuzz::piece_bytes_for(size));
    LB_ASSERT(pieces.has_value() == whole.has_value());
    if (whole) {
        LB_ASSERT(pieces->status == whole->status && pieces->body == whole->body);
        LB_ASSERT(pieces->content_type == whole->content_type);
    }
    return 0;
}
