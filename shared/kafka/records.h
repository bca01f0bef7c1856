// The `records` field of Produce and Fetch: whole record batches that nobody here looks into.
#pragma once

#include "shared/base/bytes.h"

#include <algorithm>
#include <cstdint>

namespace logboom::kafka {

/// Record batches of one partition, borrowed from the frame they came in.
///
/// A sender that has the batches in several pieces, or does not want them copied, sets `spliced_bytes`
/// and leaves `bytes` empty: the Writer then writes the length only and notes a splice point.
struct Records {
    ByteView bytes;
    std::uint32_t spliced_bytes = 0;
    bool is_null = false;  ///< the wire tells null from empty

    [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes.size() + spliced_bytes; }

    friend bool operator==(const Records& a, const Records& b) noexcept {
        return a.is_null == b.is_null && a.spliced_bytes == b.spliced_bytes
            && std::ranges::equal(a.bytes, b.bytes);
    }
};

}  // namespace logboom::kafka
