#include "collector/broker/settings.h"

#include <algorithm>

namespace logboom::broker {

namespace {

using metadata::SettingType;

constexpr metadata::TopicConfig program_topic_config;

std::string text_of(const bool value) {
    return value ? "true" : "false";
}

/// A setting of the node: its value, and the one of an empty configuration.
DescribedSetting node_setting(
    const std::string_view name,
    const SettingType type,
    const std::string_view doc,
    std::string value,
    std::string initial
) {
    DescribedSetting setting{name, type, doc, {}};
    if (value != initial) {
        setting.layers.push_back({name, std::move(value), SettingSource::node});
    }
    setting.layers.push_back({name, std::move(initial), SettingSource::program});
    return setting;
}

template <typename T>
DescribedSetting node_number(
    const std::string_view name,
    const SettingType type,
    const std::string_view doc,
    const T value,
    const T initial
) {
    return node_setting(name, type, doc, std::to_string(value), std::to_string(initial));
}

/// What cannot be configured.
DescribedSetting fixed(
    const std::string_view name,
    const SettingType type,
    const std::string_view doc,
    const std::string& value
) {
    return node_setting(name, type, doc, value, value);
}

/// What stands behind the settings of topics.
void add_topic_defaults(const Broker& broker, std::vector<DescribedSetting>& all) {
    for (const metadata::SettingInfo& info : metadata::topic_setting_infos()) {
        if (!info.node_name.empty()) {
            all.push_back(node_setting(
                info.node_name,
                info.type,
                info.doc,
                topic_default_of(info, broker.options.topic_defaults),
                topic_default_of(info, program_topic_config)
            ));
        }
    }
}

/// Kafka's other names of the time for which records are kept: the first one that is set holds there.
void add_retention_in_other_units(const Broker& broker, std::vector<DescribedSetting>& all) {
    constexpr std::int64_t ms_per_minute = 60'000;
    constexpr std::int64_t ms_per_hour = 60 * ms_per_minute;
    const std::int64_t value = broker.options.topic_defaults.retention_ms;
    const std::int64_t initial = program_topic_config.retention_ms;
    const auto add = [&](const std::string_view name, const std::int64_t unit) {
        const auto in_unit = [unit](const std::int64_t ms) { return ms < 0 ? ms : ms / unit; };
        all.push_back(node_number(
            name,
            SettingType::int32,
            "The same as log.retention.ms, which is exact.",
            in_unit(value),
            in_unit(initial)
        ));
    };
    add("log.retention.minutes", ms_per_minute);
    add("log.retention.hours", ms_per_hour);
}

void add_own(const Broker& broker, std::vector<DescribedSetting>& all) {
    const BrokerOptions& options = broker.options;
    const BrokerOptions program_options;  // what an empty configuration would give
    const std::string node_id = std::to_string(broker.meta.node_id().value);
    all.push_back(node_setting(
        "advertised.listeners",
        SettingType::text,
        "What clients are told to connect to.",
        "PLAINTEXT://" + to_string(options.advertise),
        ""
    ));
    all.push_back(node_setting(
        "auto.create.topics.enable",
        SettingType::boolean,
        "Topics are created by their first use.",
        text_of(options.auto_create),
        text_of(program_options.auto_create)
    ));
    all.push_back(node_setting(
        "broker.id", SettingType::int32, "The node's number in the cluster.", node_id, "-1"
    ));
    if (!options.rack.empty()) {
        all.push_back(node_setting(
            "broker.rack", SettingType::text, "Where the node stands.", options.rack, ""
        ));
    }
    all.push_back(node_number(
        "connections.max.idle.ms",
        SettingType::int64,
        "A connection without requests is closed after this time.",
        options.idle_timeout / Millis(1),
        program_options.idle_timeout / Millis(1)
    ));
    all.push_back(fixed(
        "default.replication.factor", SettingType::int32, "One node is here.", std::to_string(1)
    ));
    all.push_back(
        fixed("delete.topic.enable", SettingType::boolean, "Topics can be deleted.", text_of(true))
    );
    all.push_back(fixed(
        "fetch.max.bytes",
        SettingType::int32,
        "Largest answer to one fetch, but for a larger batch.",
        std::to_string(limits::fetch_bytes_max)
    ));
    all.push_back(
        node_setting("log.dirs", SettingType::text, "Where the logs are.", options.log_dir, "")
    );
    all.push_back(node_number(
        "num.partitions",
        SettingType::int32,
        "Partitions of a topic that is created without a number.",
        options.partitions_default,
        program_options.partitions_default
    ));
    all.push_back(node_number(
        "producer.id.expiration.ms",
        SettingType::int32,
        "An idempotent producer that was silent for so long is forgotten.",
        options.producer_expiration_ms,
        program_options.producer_expiration_ms
    ));
    all.push_back(fixed(
        "socket.request.max.bytes",
        SettingType::int32,
        "Largest request.",
        std::to_string(limits::kafka_frame_bytes_max)
    ));
}

}  // namespace

std::vector<DescribedSetting> describe_topic_settings(
    const Broker& broker, const metadata::TopicSettings& topic
) {
    std::vector<DescribedSetting> all;
    for (const metadata::SettingInfo& info : metadata::topic_setting_infos()) {
        const std::string_view behind = info.node_name.empty() ? info.name : info.node_name;
        DescribedSetting setting = node_setting(
            behind,
            info.type,
            info.doc,
            topic_default_of(info, broker.options.topic_defaults),
            topic_default_of(info, program_topic_config)
        );
        setting.name = info.name;
        const metadata::TopicSetting* const own = find_topic_setting(topic, info.name);
        if (own != nullptr) {
            setting.layers.insert(
                setting.layers.begin(), {info.name, own->value, SettingSource::topic}
            );
        }
        all.push_back(std::move(setting));
    }
    return all;
}

std::vector<DescribedSetting> describe_node_settings(const Broker& broker) {
    std::vector<DescribedSetting> all;
    add_own(broker, all);
    add_topic_defaults(broker, all);
    add_retention_in_other_units(broker, all);
    std::ranges::sort(all, {}, &DescribedSetting::name);
    return all;
}

}  // namespace logboom::broker
