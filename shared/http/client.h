// A small HTTP/1.1 client: one question on one connection.
#pragma once

#include "shared/http/message.h"
#include "shared/io/net.h"

#include <string>

namespace logboom::http {

/// Asks GET `target` ("/api/v1/agents") of `host` (as the Host field names it) and takes the answer, whatever
/// its status. The connection is of no further use; closing it stays with the caller.
///
/// Errors: those of Conn; `malformed` and `too_large` for what is no answer of reasonable size.
Task<Result<Response>> get(Conn& conn, std::string host, std::string target, SteadyTime deadline);

}  // namespace logboom::http
