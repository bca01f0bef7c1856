#include "collector/ctl/fetch.h"

#include <algorithm>

namespace logboom::ctl {

namespace {

using kafka::FetchRequest;
using kafka::FetchResponse;

constexpr std::int32_t fetch_bytes = 8 << 20;

FetchRequest request_for(const std::vector<FetchWish>& wishes, const FetchLimits& limits) {
    FetchRequest request;
    request.max_wait_ms = limits.wait_ms;
    request.min_bytes = 1;
    request.max_bytes = fetch_bytes;
    const TopicLayout* last = nullptr;
    for (const FetchWish& wish : wishes) {
        if (wish.topic != last) {
            FetchRequest::Topic& topic = request.topics.emplace_back();
            topic.topic = wish.topic->name;
            topic.topic_id = wish.topic->id;
            last = wish.topic;
        }
        FetchRequest::Partition& partition = request.topics.back().partitions.emplace_back();
        partition.partition = wish.partition;
        partition.fetch_offset = wish.offset;
        partition.partition_max_bytes = limits.partition_bytes;
    }
    return request;
}

/// The topic that an answer is about: old versions name it, new ones give its id.
const TopicLayout* topic_of(
    const std::vector<FetchWish>& wishes, const FetchResponse::Topic& answered
) {
    const auto found = std::ranges::find_if(wishes, [&](const FetchWish& wish) {
        return answered.topic.empty() ? wish.topic->id == answered.topic_id
                                      : wish.topic->name == answered.topic;
    });
    return found == wishes.end() ? nullptr : found->topic;
}

}  // namespace

Task<Outcome<Fetched>> fetch_from(
    Cluster& cluster,
    const std::int32_t leader_id,
    std::vector<FetchWish> wishes,
    const FetchLimits limits
) {
    const FetchRequest request = request_for(wishes, limits);
    LB_CO_TRY(BrokerConnection* const leader, co_await cluster.node(leader_id));
    const SteadyTime until = cluster.deadline() + Millis(limits.wait_ms);
    LB_CO_TRY(auto answer, co_await leader->ask<FetchResponse>(request, until));
    if (answer.body.error_code != kafka::KafkaError::none) {
        co_return failure_of(answer.body.error_code, "cannot fetch");
    }
    std::vector<FetchedPartition> partitions;
    for (const FetchResponse::Topic& topic : answer.body.responses) {
        const TopicLayout* const layout = topic_of(wishes, topic);
        if (layout == nullptr) {
            continue;
        }
        for (const FetchResponse::Partition& partition : topic.partitions) {
            partitions.push_back(FetchedPartition{
                .topic = layout,
                .partition = partition.partition_index,
                .error = partition.error_code,
                .high_watermark = partition.high_watermark,
                .records = partition.records.bytes});
        }
    }
    co_return Fetched(std::move(answer.frame), std::move(partitions));
}

}  // namespace logboom::ctl
