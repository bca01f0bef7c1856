// Operations as plain calls: what the ring has no operation for, and what the poll backend does without it.
#pragma once

#include "shared/io/op.h"

namespace logboom::io {

/// Carries out one op on the calling thread: >= 0 or -errno. Every kind that ends by itself, which are all
/// but `resolve` and those that wait for a peer; a read of a stream waits if its descriptor does.
[[nodiscard]] std::int32_t run_call(Op& op);

}  // namespace logboom::io
