// One Fetch from one leader, for partitions of any topics.
#pragma once

#include "collector/ctl/cluster.h"
#include "shared/kafka/messages/fetch.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace logboom::ctl {

/// One partition to read from. `topic` outlives the task.
struct FetchWish {
    const TopicLayout* topic = nullptr;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
};

struct FetchLimits {
    std::int32_t wait_ms = 0;  ///< how long the leader waits for the first record
    std::int32_t partition_bytes = 1 << 20;
};

/// What came of one partition; `records` is whole batches, the last of them perhaps cut off.
struct FetchedPartition {
    const TopicLayout* topic = nullptr;
    std::int32_t partition = 0;
    kafka::KafkaError error = kafka::KafkaError::none;
    std::int64_t high_watermark = 0;
    ByteView records;
};

/// The frame, and what borrows from it.
struct Fetched {
    Fetched(Slice bytes, std::vector<FetchedPartition> parts)
        : frame(std::move(bytes))
        , partitions(std::move(parts)) {}
    Slice frame;
    std::vector<FetchedPartition> partitions;
};

/// Failures are those of the whole request; a partition's own stand in its `error`.
Task<Outcome<Fetched>> fetch_from(
    Cluster& cluster, std::int32_t leader_id, std::vector<FetchWish> wishes, FetchLimits limits
);

}  // namespace logboom::ctl
