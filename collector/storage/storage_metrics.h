// What the logs of one directory and shard count for the node's metrics.
#pragma once

#include "shared/metrics/registry.h"

#include <memory>

namespace logboom::storage {

class StorageMetrics {
private:
    std::unique_ptr<metrics::Registry> own_;  // when nobody looks

public:
    /// `registry` may be null; else it outlives this.
    explicit StorageMetrics(metrics::Registry* registry);

    metrics::Counter& corrupt_batches;
    metrics::Counter& read_errors;
    metrics::Counter& deleted_segments;
    metrics::Counter& deleted_bytes;
    metrics::Counter& failed_snapshots;
    metrics::Counter& retention_failures;
};

}  // namespace logboom::storage
