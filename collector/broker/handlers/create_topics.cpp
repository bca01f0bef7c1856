#include "shared/kafka/messages/create_topics.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"
#include "collector/broker/refusal.h"
#include "collector/broker/settings.h"

#include <set>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using Asked = kafka::CreateTopicsRequest::Topic;
using Answer = kafka::CreateTopicsResponse::Topic;

/// What a whole request shares.
struct Work {
    std::int32_t timeout_ms = 0;
    bool is_only_check = false;
    std::size_t settings_told = 0;
};

Refusal check_name(const std::string_view name, const metadata::Image& image) {
    if (!metadata::is_topic_name(name)) {
        return {
            KafkaError::invalid_topic_exception,
            "a topic name has 1 to 249 of A-Z a-z 0-9 . _ - and is not . or .."};
    }
    if (image.find(name) != nullptr) {
        return {KafkaError::topic_already_exists, "the topic exists already"};
    }
    if (metadata::is_internal_topic_name(name)) {
        return {KafkaError::invalid_topic_exception, "the name is kept for the broker's own use"};
    }
    if (const metadata::TopicImage* const alike = image.find_alike(name)) {
        return {
            KafkaError::invalid_topic_exception,
            "the name differs from that of topic " + alike->name
                + " only by . and _, which Kafka's metrics cannot tell apart"};
    }
    return {};
}

/// One node: a replication factor of 1 or the default.
Refusal check_layout(const Asked& asked) {
    if (!asked.assignments.empty()) {
        if (asked.num_partitions != -1 || asked.replication_factor != -1) {
            return {
                KafkaError::invalid_request,
                "either replicas are assigned, or partitions and replicas are counted, not both"};
        }
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
    return {};
}

Refusal read_settings(const Asked& asked, metadata::TopicSettings& settings) {
    std::set<std::string_view> names;
    for (const auto& config : asked.configs) {
        if (!names.insert(config.name).second) {
            return {KafkaError::invalid_request, quoted(config.name) + " is given twice"};
        }
        if (!config.value) {
            return {KafkaError::invalid_config, quoted(config.name) + " has no value"};
        }
        if (auto why = metadata::refuse_topic_setting(config.name, *config.value)) {
            return {KafkaError::invalid_config, std::move(*why)};
        }
        metadata::put_topic_setting(settings, config.name, *config.value);
    }
    return {};
}

/// What this node does not do although its settings could be those of another one.
Refusal check_config(const Broker& broker, const metadata::TopicSettings& settings) {
    const metadata::TopicConfig config = topic_config_of(settings, broker.options.topic_defaults);
    if (config.max_message_bytes > broker.options.batch_bytes_max) {
        return {
            KafkaError::invalid_config,
            "max.message.bytes is above what this node takes at all, "
                + std::to_string(broker.options.batch_bytes_max)};
    }
    return {};
}

/// What the store says to a topic that is right in itself.
Refusal to_refusal(const Error& error) {
    if (error.code == ErrorCode::busy) {
        return {
            KafkaError::policy_violation,
            "this node has as much as it can hold of the " + std::string(error.step)};
    }
    return {to_kafka(error.code), to_string(error)};
}

Refusal check(const Broker& broker, const Asked& asked, metadata::TopicSettings& settings) {
    const metadata::ImagePtr image = broker.meta.image();
    Refusal refusal = check_name(asked.name, *image);
    if (!refusal.is_set()) {
        refusal = check_layout(asked);
    }
    if (!refusal.is_set()) {
        refusal = read_settings(asked, settings);
    }
    if (!refusal.is_set()) {
        refusal = check_config(broker, settings);
    }
    return refusal;
}

/// The settings in force, unless so many were told already that no more fit an answer.
void tell_settings(
    const Broker& broker, const metadata::TopicSettings& settings, Work& work, Answer& answer
) {
    if (work.settings_told >= limits::kafka_described_settings_max) {
        return;
    }
    auto& told = answer.configs.emplace();
    for (DescribedSetting& setting : describe_topic_settings(broker, settings)) {
        auto& config = told.emplace_back();
        config.name = setting.name;
        config.value = std::move(setting.layers.front().value);
        config.read_only = true;
        config.config_source = static_cast<std::int8_t>(setting.layers.front().source);
    }
    work.settings_told += told.size();
}

Task<Answer> create(Broker& broker, const Asked& asked, Work& work) {
    Answer answer;
    answer.name = asked.name;
    const std::int32_t partitions = asked.num_partitions == -1 ? broker.options.partitions_default
                                                               : asked.num_partitions;
    metadata::TopicSettings settings;
    Refusal refusal = check(broker, asked, settings);
    if (!refusal.is_set()) {
        metadata::NewTopic topic(std::string(asked.name), partitions, settings);
        const Result<Ok> good = broker.meta.check(topic);
        refusal = good ? Refusal() : to_refusal(good.error());
    }
    if (!refusal.is_set() && !work.is_only_check) {
        const Result<metadata::ImagePtr> created = co_await broker.topics.create(
            broker.shard, std::string(asked.name), partitions, settings
        );
        if (created) {
            answer.topic_id = kafka::Uuid{(*created)->find(asked.name)->id};
            refusal = out_of_time(work.timeout_ms);
        } else {
            refusal = to_refusal(created.error());
        }
    }
    if (refusal.is_set()) {
        answer.error_code = refusal.code;
        answer.error_message = std::move(refusal.message);
        co_return answer;
    }
    answer.num_partitions = partitions;
    answer.replication_factor = 1;
    tell_settings(broker, settings, work, answer);
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
    Work work;
    work.timeout_ms = asked->timeout_ms;
    work.is_only_check = asked->validate_only;
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
        Answer answer = co_await create(broker, topic, work);
        response.topics.push_back(std::move(answer));
        co_await io::yield();
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
