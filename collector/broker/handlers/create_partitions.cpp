#include "shared/kafka/messages/create_partitions.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"
#include "collector/broker/refusal.h"

#include <map>
#include <utility>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using Asked = kafka::CreatePartitionsRequest::Topic;
using Answer = kafka::CreatePartitionsResponse::Topic;

Refusal check(const Asked& asked, const metadata::TopicImage* const topic) {
    if (topic == nullptr) {
        return {KafkaError::unknown_topic_or_partition, "there is no such topic"};
    }
    const auto known = static_cast<std::int32_t>(topic->partitions.size());
    if (asked.count <= known || asked.count > limits::partitions_per_topic_max) {
        return {
            KafkaError::invalid_partitions,
            "the topic has " + std::to_string(known) + " partitions; their number only grows, to "
                + std::to_string(limits::partitions_per_topic_max) + " at most"};
    }
    if (asked.assignments) {
        return {
            KafkaError::invalid_replica_assignment,
            "replicas cannot be assigned by hand; leave the assignment out"};
    }
    return {};
}

Task<Answer> add(
    Broker& broker, const Asked& asked, const kafka::CreatePartitionsRequest& request
) {
    Answer answer;
    answer.name = asked.name;
    const metadata::ImagePtr image = broker.meta.image();
    const metadata::TopicImage* const topic = image->find(asked.name);
    Refusal refusal = check(asked, topic);
    if (!refusal.is_set() && !request.validate_only) {
        const Result<metadata::ImagePtr> added =
            co_await broker.topics.add_partitions(broker.shard, topic->id, asked.count);
        if (added) {
            refusal = out_of_time(request.timeout_ms);
        } else if (added.code() == ErrorCode::busy) {
            refusal = {
                KafkaError::policy_violation, "this node has as many partitions as it can hold"};
        } else if (added.code() == ErrorCode::invalid_argument) {
            refusal = {KafkaError::invalid_partitions, "somebody else has added partitions"};
        } else {
            refusal = {to_kafka(added.code()), to_string(added.error())};
        }
    }
    if (refusal.is_set()) {
        answer.error_code = refusal.code;
        answer.error_message = std::move(refusal.message);
    }
    co_return answer;
}

}  // namespace

Task<Reply> handle_create_partitions(Broker& broker, Request request) {
    const auto asked =
        kafka::CreatePartitionsRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("CreatePartitions cannot be read");
    }
    std::map<std::string_view, std::size_t> times_named;
    for (const Asked& topic : asked->topics) {
        ++times_named[topic.name];
    }
    kafka::CreatePartitionsResponse response;
    for (const Asked& topic : asked->topics) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            co_return close_because("");
        }
        Answer answer;
        std::size_t& times = times_named[topic.name];
        if (times == 0) {
            continue;  // answered already
        }
        if (std::exchange(times, 0) > 1) {
            answer.name = topic.name;
            answer.error_code = KafkaError::invalid_request;
            answer.error_message = "the topic is named twice in this request";
        } else {
            answer = co_await add(broker, topic, *asked);
        }
        response.results.push_back(std::move(answer));
        co_await io::yield();
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
