// Retention: what of a log is old enough, or too much, to be deleted, and the task of one shard that goes
// through its logs from time to time. Whole segments only, the oldest first, and never before a state
// snapshot holds what they said beside their records.
#pragma once

#include "collector/storage/layout.h"
#include "collector/storage/segment_facts.h"
#include "shared/io/env.h"

#include <cstdint>
#include <span>
#include <vector>

namespace logboom::storage {

class LogDirectory;

/// The moment of one pass.
struct RetentionNow {
    std::int64_t wall_ms = 0;
    /// False: our clock has jumped; nothing is deleted for its age.
    bool is_clock_sane = true;
};

struct RetentionLimits {
    std::int64_t retention_ms = -1;     // -1: nothing is deleted for its age
    std::int64_t retention_bytes = -1;  // -1: nothing is deleted for the log's size
};

/// Where a log should begin.
struct LogStart {
    PartitionKey key;
    Offset offset;
};

/// How many of the oldest segments have expired. All of them may have, the last one, which is written to,
/// included.
///
/// By age those whose newest record is older than `retention_ms`; by size those without which the log
/// still has `retention_bytes`. Both end at the first segment that stays.
[[nodiscard]] std::size_t count_expired(
    std::span<const SegmentFacts> segments, const RetentionLimits& limits, RetentionNow now
);

/// A log that was appended to far ahead of our clock is not judged by age: that was by the same clock, which
/// has been set back. Timestamps tell nothing of that: they are of others' clocks.
[[nodiscard]] bool is_clock_behind(std::span<const SegmentFacts> segments, RetentionNow now);

/// Shard: that of `env`.
class Retention {
public:
    /// Both outlive it.
    Retention(Env& env, LogDirectory& directory);

    /// The first pass begins at once, the next ones each `interval` after the one before has ended.
    void start(Nanos interval);
    Task<void> stop();
    /// One pass through all logs. One at a time.
    Task<void> run_pass();

private:
    struct Due {
        std::uint64_t member = 0;
        LogStart start;
    };

    Task<void> run(Nanos interval);
    Task<std::vector<Due>> find_due(RetentionNow now);
    Task<void> delete_due(const std::vector<Due>& due);
    [[nodiscard]] RetentionNow look_at_clock();

    Env& env_;
    LogDirectory& directory_;
    // Of the pass before, to see that the clock was set meanwhile.
    bool has_run_ = false;
    SteadyTime last_steady_{};
    WallTime last_wall_{};
    Scope scope_;
};

}  // namespace logboom::storage
