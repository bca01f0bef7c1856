// When Boost.Beast may be shown the bytes of a chunked body.
#pragma once

#include <cstddef>

namespace logboom::http {

/// Whether a body in chunks has more to come before `parser` may see its `pending_bytes`. A last chunk that
/// Beast has seen without the empty line behind it ends the process, by an assertion, if it is shown again
/// with fewer than five bytes. No body ends with fewer, so nothing waits for long.
template <typename Parser>
[[nodiscard]] bool awaits_more_of_chunks(const Parser& parser, const std::size_t pending_bytes) {
    constexpr std::size_t last_chunk_bytes_min = 5;  // "0\r\n\r\n"
    return pending_bytes < last_chunk_bytes_min && parser.is_header_done() && parser.chunked();
}

}  // namespace logboom::http
