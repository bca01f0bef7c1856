// Which files are compressed (T3, T20): their bytes are no lines. They show by their names or, under another
// name, by their first bytes.
#pragma once

#include "shared/base/bytes.h"

#include <string_view>

namespace logboom::source {

/// "app.log.1.gz", "app-20261124.zst" ...
[[nodiscard]] bool has_compressed_name(std::string_view name) noexcept;

/// Whether a file that begins with `head` is gzip, zstd, xz, bzip2, an lz4 frame or a zip archive. Each of
/// their magic numbers has bytes that no text begins with, but for bzip2's, of which ten are compared.
[[nodiscard]] bool is_compressed(ByteView head) noexcept;

}  // namespace logboom::source
