#include "shared/kafka/messages/create_topics.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"

#include <set>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using Asked = kafka::CreateTopicsRequest::Topic;
using Answer = kafka::CreateTopicsResponse::Topic;

struct Refusal {
    KafkaError code = KafkaError::none;
    std::string message;
};

/// What can be said without the store. One node: a replication factor of 1 or the default.
Refusal check(const Asked& asked, const metadata::Image& image) {
    if (!metadata::is_topic_name(asked.name)) {
        return {
            KafkaError::invalid_topic_exception,
            "a topic name has 1 to 249 of A-Z a-z 0-9 . _ - and is not . or .."};
    }
    if (image.find(asked.name) != nullptr) {
        return {KafkaError::topic_already_exists, "the topic exists already"};
    }
    if (metadata::is_internal_topic_name(asked.name)) {
        return {KafkaError::invalid_topic_exception, "the name is kept for the broker's own use"};
    }
    if (!asked.assignments.empty()) {
        return {
            KafkaError::invalid_replica_assignment,
            "replicas cannot be assigned by hand; leave the assignment out"};
    }
    if (asked.num_partitions == 0 || asked.num_partitions < -1
        || asked.num_partitions > limits::partitions_per_topic_max) {
        return {
            KafkaError::invalid_partitions,
            "the number of partitions is 1 to " + std::to_string(limits::partitions_per_topic_max)
                + ", or -1 for the default"};
    }
    if (asked.replication_factor != -1 && asked.replication_factor != 1) {
        return {
            KafkaError::invalid_replication_factor,
            "one node is here: the replication factor is 1, or -1 for the default"};
    }
    if (!asked.configs.empty()) {
        return {
            KafkaError::invalid_config,
            "topic configuration is not served; " + quoted(asked.configs.front().name)
                + " cannot be set"};
    }
    return {};
}

Task<Answer> create(Broker& broker, const Asked& asked, const bool validate_only) {
    Answer answer;
    answer.name = asked.name;
    const metadata::ImagePtr before = broker.meta.image();
    Refusal refusal = check(asked, *before);
    const std::int32_t partitions = asked.num_partitions == -1 ? broker.options.partitions_default
                                                               : asked.num_partitions;
    if (refusal.code == KafkaError::none && !validate_only) {
        const Result<metadata::ImagePtr> created =
            co_await broker.topics.create(broker.shard, std::string(asked.name), partitions);
        if (created) {
            answer.topic_id = kafka::Uuid{(*created)->find(asked.name)->id};
        } else {
            refusal.code = to_kafka(created.code());
            refusal.message = to_string(created.error());
        }
    }
    answer.error_code = refusal.code;
    if (refusal.code != KafkaError::none) {
        answer.error_message = std::move(refusal.message);
        co_return answer;
    }
    answer.num_partitions = partitions;
    answer.replication_factor = 1;
    answer.configs.emplace();
    co_return answer;
}

}  // namespace

Task<Reply> handle_create_topics(Broker& broker, Request request) {
    const auto asked = kafka::CreateTopicsRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("CreateTopics cannot be read");
    }
    std::multiset<std::string_view> names;
    for (const Asked& topic : asked->topics) {
        names.insert(topic.name);
    }
    kafka::CreateTopicsResponse response;
    std::set<std::string_view> answered;
    for (const Asked& topic : asked->topics) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            co_return close_because("");
        }
        if (!answered.insert(topic.name).second) {
            continue;
        }
        if (names.count(topic.name) > 1) {
            Answer& answer = response.topics.emplace_back();
            answer.name = topic.name;
            answer.error_code = KafkaError::invalid_request;
            answer.error_message = "the topic is named twice in this request";
            continue;
        }
        Answer answer = co_await create(broker, topic, asked->validate_only);
        response.topics.push_back(std::move(answer));
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
