// The standard metrics of a process: processor time, memory, descriptors, start.
#pragma once

#include "shared/metrics/registry.h"

namespace logboom::daemon {

/// Registers them; `refresh` before they are shown reads them from /proc/self.
class ProcessMetrics {
public:
    explicit ProcessMetrics(metrics::Registry& registry);
    void refresh();

private:
    metrics::Counter& cpu_seconds_;  // whole ones
    metrics::Gauge& resident_bytes_;
    metrics::Gauge& virtual_bytes_;
    metrics::Gauge& open_fds_;
};

}  // namespace logboom::daemon
