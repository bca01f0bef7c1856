// What an offset spec means for the partitions of a topic as they are now.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/offset_spec.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace logboom::ctl {

struct PartitionRange {
    std::int32_t partition = 0;
    PartitionOffsets offsets;           ///< what there is now
    std::int64_t from = 0;              ///< the first to read
    std::optional<std::int64_t> until;  ///< exclusive; nothing: go on with what arrives
};

/// Asks the leaders. `topic` outlives the task and has all of `partitions`, each with a leader.
Task<Outcome<std::vector<PartitionRange>>> find_ranges(
    Cluster& cluster,
    const TopicLayout& topic,
    std::vector<std::int32_t> partitions,
    OffsetSpec spec
);

/// The first offset that a partition still has. `topic` outlives the task.
Task<Outcome<std::int64_t>> first_offset_of(
    Cluster& cluster, const TopicLayout& topic, std::int32_t partition
);

}  // namespace logboom::ctl
