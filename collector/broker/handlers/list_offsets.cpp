#include "shared/kafka/messages/list_offsets.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"

namespace logboom::broker {

namespace {

using kafka::KafkaError;

// Special timestamps of the request (kafka-protocol 2.3).
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;
constexpr std::int64_t max_timestamp = -3;
constexpr std::int64_t earliest_local = -4;
constexpr std::int64_t latest_tiered = -5;

Task<Result<replica::TimestampOffset>> find_by_time(
    Broker& broker, replica::Partition& partition, const std::int64_t timestamp_ms
) {
    std::function<Task<Result<replica::TimestampOffset>>()> work = [&partition, timestamp_ms] {
        return timestamp_ms == max_timestamp ? partition.find_max_timestamp()
                                             : partition.find_offset_by_time(timestamp_ms);
    };
    Shard& home = broker.replicas.home_of(partition);
    co_return co_await io::call_on(broker.shard, home, std::move(work));
}

Task<void> answer_partition(
    Broker& broker,
    replica::Partition& partition,
    const kafka::ListOffsetsRequest::Partition& asked,
    kafka::ListOffsetsResponse::Partition& answer
) {
    const std::int32_t epoch = partition.leader_epoch().value;
    if (asked.current_leader_epoch >= 0 && asked.current_leader_epoch != epoch) {
        answer.error_code = asked.current_leader_epoch < epoch ? KafkaError::fenced_leader_epoch
                                                               : KafkaError::unknown_leader_epoch;
        co_return;
    }
    answer.leader_epoch = epoch;
    switch (asked.timestamp) {
    case latest: answer.offset = partition.high_watermark().value; co_return;
    case earliest:
    case earliest_local: answer.offset = partition.log_start_offset().value; co_return;
    case latest_tiered: co_return;
    default: break;
    }
    if (asked.timestamp < 0 && asked.timestamp != max_timestamp) {
        answer.error_code = KafkaError::unsupported_version;
        co_return;
    }
    const Result<replica::TimestampOffset> found =
        co_await find_by_time(broker, partition, asked.timestamp);
    if (!found) {
        answer.error_code = to_kafka(found.code());
        co_return;
    }
    answer.timestamp = found->timestamp_ms;
    answer.offset = found->offset.value;
}

}  // namespace

Task<Reply> handle_list_offsets(Broker& broker, Request request) {
    const auto asked = kafka::ListOffsetsRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("ListOffsets cannot be read");
    }
    const metadata::ImagePtr image = broker.meta.image();
    kafka::ListOffsetsResponse response;
    for (const auto& topic : asked->topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const metadata::TopicImage* const found = image->find(topic.name);
        for (const auto& partition : topic.partitions) {
            auto& answer = answered.partitions.emplace_back();
            answer.partition_index = partition.partition_index;
            const bool is_cancelled = co_await io::is_cancelled();
            if (is_cancelled) {
                co_return close_because("");
            }
            const replica::PartitionPtr target =
                found == nullptr
                    ? nullptr
                    : broker.replicas.find(found->id, PartitionIndex(partition.partition_index));
            if (target == nullptr) {
                answer.error_code = KafkaError::unknown_topic_or_partition;
                continue;
            }
            co_await answer_partition(broker, *target, partition, answer);
        }
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
