// Bytes of a connection to one response. No I/O; Boost.Beast is used in its .cpp.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/http/message.h"

#include <memory>
#include <optional>

namespace logboom::http {

class ResponseParser {
public:
    ResponseParser();
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;
    ~ResponseParser();

    /// Takes what has arrived. The whole response, or nothing if more bytes are needed.
    ///
    /// Errors: `malformed`; `too_large` if head or body is above its limit.
    [[nodiscard]] Result<std::optional<Response>> feed(ByteView bytes);
    /// The connection has ended: that may be the end of the body. Errors: `closed` if it is not.
    [[nodiscard]] Result<Response> finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace logboom::http
