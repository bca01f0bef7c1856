// The bytes that the kernel tells of watched directories by.
#pragma once

#include "shared/base/bytes.h"
#include "shared/io/fs.h"

#include <vector>

namespace logboom::io {

/// What one read of an inotify descriptor returned: whole events. What is not whole at its end is left out.
[[nodiscard]] std::vector<WatchEvent> parse_watch_events(ByteView bytes);

}  // namespace logboom::io
