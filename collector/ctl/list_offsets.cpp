#include "collector/ctl/list_offsets.h"

#include "collector/ctl/printable.h"
#include "shared/kafka/messages/list_offsets.h"

#include <set>

namespace logboom::ctl {

namespace {

using kafka::ListOffsetsRequest;
using kafka::ListOffsetsResponse;

std::set<std::int32_t> leaders_of(
    const TopicLayout& topic, const std::vector<std::int32_t>& partitions
) {
    std::set<std::int32_t> leaders;
    for (const std::int32_t index : partitions) {
        leaders.insert(topic.find(index)->leader_id);
    }
    return leaders;
}

ListOffsetsRequest request_for(
    const TopicLayout& topic,
    const std::vector<std::int32_t>& partitions,
    const std::int32_t leader_id,
    const std::int64_t timestamp_ms
) {
    ListOffsetsRequest request;
    auto& asked = request.topics.emplace_back();
    asked.name = topic.name;
    for (const std::int32_t index : partitions) {
        if (topic.find(index)->leader_id == leader_id) {
            auto& partition = asked.partitions.emplace_back();
            partition.partition_index = index;
            partition.timestamp = timestamp_ms;
        }
    }
    return request;
}

Outcome<Ok> take_offsets(
    const TopicLayout& topic, const ListOffsetsResponse& response, OffsetsByPartition& offsets
) {
    for (const auto& answered : response.topics) {
        for (const auto& partition : answered.partitions) {
            if (partition.error_code != kafka::KafkaError::none) {
                return failure_of(
                    partition.error_code,
                    "cannot read the offsets of " + printable(topic.name) + "/"
                        + std::to_string(partition.partition_index)
                );
            }
            offsets[partition.partition_index] = partition.offset < 0
                                                   ? std::nullopt
                                                   : std::optional(partition.offset);
        }
    }
    return Ok{};
}

}  // namespace

Task<Outcome<OffsetsByPartition>> list_offsets(
    Cluster& cluster,
    const TopicLayout& topic,
    std::vector<std::int32_t> partitions,
    const std::int64_t timestamp_ms
) {
    OffsetsByPartition offsets;
    const std::set<std::int32_t> leaders = leaders_of(topic, partitions);
    for (const std::int32_t leader_id : leaders) {
        LB_CO_TRY(BrokerConnection* const leader, co_await cluster.node(leader_id));
        const ListOffsetsRequest request = request_for(topic, partitions, leader_id, timestamp_ms);
        const SteadyTime until = cluster.deadline();
        LB_CO_TRY(const auto answer, co_await leader->ask<ListOffsetsResponse>(request, until));
        LB_CO_CHECK(take_offsets(topic, answer.body, offsets));
    }
    for (const std::int32_t index : partitions) {
        if (!offsets.contains(index)) {
            co_return Failure{
                .what = "the broker said nothing about " + printable(topic.name) + "/"
                      + std::to_string(index)};
        }
    }
    co_return offsets;
}

}  // namespace logboom::ctl
