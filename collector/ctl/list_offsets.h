// Asks the leaders of a topic's partitions for offsets by time.
#pragma once

#include "collector/ctl/cluster.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace logboom::ctl {

/// Kafka's special timestamps.
inline constexpr std::int64_t timestamp_latest = -1;
inline constexpr std::int64_t timestamp_earliest = -2;

/// By partition; nothing: no record at or after the time.
using OffsetsByPartition = std::map<std::int32_t, std::optional<std::int64_t>>;

/// For the special timestamps that very offset, else the offset of the first record at or after
/// `timestamp_ms`. `topic` outlives the task; `partitions` are of it, each with a leader.
Task<Outcome<OffsetsByPartition>> list_offsets(
    Cluster& cluster,
    const TopicLayout& topic,
    std::vector<std::int32_t> partitions,
    std::int64_t timestamp_ms
);

}  // namespace logboom::ctl
