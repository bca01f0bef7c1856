// The process's own limits.
#pragma once

#include <cstdint>

namespace logboom::daemon {

/// Raises the soft limit of open descriptors to the hard one (connections, followed files and segments
/// are one each) and returns what holds now.
std::uint64_t raise_open_files_max() noexcept;

}  // namespace logboom::daemon
