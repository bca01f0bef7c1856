// What a daemon stands on, io_uring or epoll, told to its operator (R17).
#pragma once

#include "shared/base/log.h"
#include "shared/io/backend_maker.h"
#include "shared/metrics/registry.h"

#include <string>

namespace logboom::daemon {

/// One line, once at the start: a warning with the reason where it is not io_uring.
void log_backend(const Logger& log, const io::BackendMaker& backend);

/// `<prefix>_runtime_backend{kind="...",reason="..."}`, and with io_uring `<prefix>_io_uring_rung`. `prefix` is
/// that of the program's metrics.
void show_backend(
    metrics::Registry& registry, const std::string& prefix, const io::BackendMaker& backend
);

}  // namespace logboom::daemon
