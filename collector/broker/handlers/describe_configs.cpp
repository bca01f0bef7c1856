#include "shared/kafka/messages/describe_configs.h"

#include "collector/broker/handlers/handlers.h"
#include "collector/broker/refusal.h"
#include "collector/broker/settings.h"

#include <algorithm>
#include <charconv>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using Asked = kafka::DescribeConfigsRequest::Resource;
using Answer = kafka::DescribeConfigsResponse::Described;

// Kinds of resources, Kafka's numbers.
constexpr std::int8_t topic_resource = 2;
constexpr std::int8_t broker_resource = 4;

/// No list of names and an empty one mean all settings.
bool is_asked_for(const Asked& asked, const std::string_view name) {
    return !asked.configuration_keys || asked.configuration_keys->empty()
        || std::ranges::find(*asked.configuration_keys, name) != asked.configuration_keys->end();
}

Refusal find_topic(const Broker& broker, const Asked& asked, std::vector<DescribedSetting>& found) {
    const metadata::ImagePtr image = broker.meta.image();
    const metadata::TopicImage* const topic = image->find(asked.resource_name);
    if (topic != nullptr) {
        found = describe_topic_settings(broker, topic->settings);
        return {};
    }
    if (!metadata::is_topic_name(asked.resource_name)) {
        return {KafkaError::invalid_topic_exception, "no topic can have this name"};
    }
    return {KafkaError::unknown_topic_or_partition, "there is no such topic"};
}

/// Without a name: what is set for all nodes at run time, which is nothing.
Refusal find_node(const Broker& broker, const Asked& asked, std::vector<DescribedSetting>& found) {
    if (asked.resource_name.empty()) {
        return {};
    }
    const std::string node_id = std::to_string(broker.meta.node_id().value);
    if (asked.resource_name != node_id) {
        return {
            KafkaError::invalid_request,
            "the settings of a node are asked of that node; this one is " + node_id};
    }
    found = describe_node_settings(broker);
    return {};
}

Refusal find_settings(
    const Broker& broker, const Asked& asked, std::vector<DescribedSetting>& found
) {
    switch (asked.resource_type) {
    case topic_resource: return find_topic(broker, asked, found);
    case broker_resource: return find_node(broker, asked, found);
    default:
        return {
            KafkaError::invalid_request,
            "resources of kind " + std::to_string(asked.resource_type) + " have no settings here"};
    }
}

void put(DescribedSetting& setting, const kafka::DescribeConfigsRequest& request, Answer& answer) {
    auto& config = answer.configs.emplace_back();
    config.name = setting.name;
    config.value = setting.layers.front().value;
    config.read_only = true;  // nothing is changed while it is in use
    config.config_source = static_cast<std::int8_t>(setting.layers.front().source);
    config.config_type = static_cast<std::int8_t>(setting.type);
    if (request.include_documentation) {
        config.documentation = setting.doc;
    }
    if (!request.include_synonyms) {
        return;
    }
    for (SettingLayer& layer : setting.layers) {
        auto& synonym = config.synonyms.emplace_back();
        synonym.name = layer.name;
        synonym.value = std::move(layer.value);
        synonym.source = static_cast<std::int8_t>(layer.source);
    }
}

}  // namespace

Task<Reply> handle_describe_configs(Broker& broker, Request request) {
    const auto asked =
        kafka::DescribeConfigsRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("DescribeConfigs cannot be read");
    }
    kafka::DescribeConfigsResponse response;
    std::size_t told = 0;
    for (const Asked& resource : asked->resources) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            co_return close_because("");
        }
        Answer& answer = response.results.emplace_back();
        answer.resource_type = resource.resource_type;
        answer.resource_name = resource.resource_name;
        std::vector<DescribedSetting> found;
        Refusal refusal;
        if (told < limits::kafka_described_settings_max) {
            refusal = find_settings(broker, resource, found);
        } else {
            refusal = {
                KafkaError::policy_violation,
                "more than one answer holds was asked for: ask in several requests"};
        }
        if (refusal.is_set()) {
            answer.error_code = refusal.code;
            answer.error_message = std::move(refusal.message);
        }
        for (DescribedSetting& setting : found) {
            if (is_asked_for(resource, setting.name)) {
                put(setting, *asked, answer);
            }
        }
        told += answer.configs.size();
        co_await io::yield();
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
