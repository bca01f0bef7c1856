// Bytes of a connection to requests. No I/O; the only user of Boost.Beast is its .cpp.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/http/message.h"

#include <memory>
#include <optional>

namespace logboom::http {

class RequestParser {
public:
    RequestParser();
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;
    ~RequestParser();

    /// Takes what has arrived. It holds at most a head and a body of the limits of limits.h, so the
    /// caller feeds it and asks `next()` until that has nothing, then feeds on.
    void feed(ByteView bytes);
    /// The next whole request, or nothing if more bytes are needed.
    ///
    /// Errors: `malformed`; `too_large` if head or body is above its limit. The connection cannot go on.
    [[nodiscard]] Result<std::optional<Request>> next();
    /// Whether a request has begun to arrive.
    [[nodiscard]] bool is_inside_request() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace logboom::http
