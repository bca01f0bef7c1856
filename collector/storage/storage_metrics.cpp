#include "collector/storage/storage_metrics.h"

namespace logboom::storage {

namespace {

metrics::Registry& either(
    metrics::Registry* const registry, std::unique_ptr<metrics::Registry>& own
) {
    if (registry != nullptr) {
        return *registry;
    }
    own = own == nullptr ? std::make_unique<metrics::Registry>() : std::move(own);
    return *own;
}

}  // namespace

StorageMetrics::StorageMetrics(metrics::Registry* const registry)
    : corrupt_batches(
        either(registry, own_)
            .counter(
                "logboom_collector_storage_corrupt_batches_total",
                "Reads that ended at a batch that is not as it was written; nothing of it was sent."
            )
    )
    , read_errors(either(registry, own_)
                      .counter(
                          "logboom_collector_storage_read_errors_total",
                          "Reads of a log that the disk refused."
                      ))
    , deleted_segments(either(registry, own_)
                           .counter(
                               "logboom_collector_storage_deleted_segments_total",
                               "Segments deleted by retention."
                           ))
    , deleted_bytes(either(registry, own_)
                        .counter(
                            "logboom_collector_storage_deleted_bytes_total",
                            "Bytes of segments deleted by retention."
                        ))
    , failed_snapshots(either(registry, own_)
                           .counter(
                               "logboom_collector_storage_state_snapshot_failures_total",
                               "State snapshots that could not be written; the ones before stand."
                           ))
    , retention_failures(
          either(registry, own_)
              .counter(
                  "logboom_collector_storage_retention_failures_total",
                  "Times that retention deleted nothing although something was due, by a wrong clock or an "
                  "error."
              )
      ) {}

}  // namespace logboom::storage
