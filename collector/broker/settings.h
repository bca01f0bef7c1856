// The settings of topics and of this node as Kafka's tools see them: every value in force, where it comes
// from, and what would hold without that.
#pragma once

#include "collector/broker/broker.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::broker {

/// Kafka's numbers.
enum class SettingSource : std::int8_t {
    topic = 1,   ///< the topic's own
    node = 4,    ///< the node's configuration
    program = 5  ///< nobody has set it
};

/// A value that holds, or would hold if the ones before it were not there.
struct SettingLayer {
    std::string_view name;
    std::string value;
    SettingSource source = SettingSource::program;
};

struct DescribedSetting {
    std::string_view name;
    metadata::SettingType type = metadata::SettingType::text;
    std::string_view doc;
    std::vector<SettingLayer> layers;  // the first one is in force; never empty
};

/// All settings of a topic, by name. What is returned borrows from `topic`.
[[nodiscard]] std::vector<DescribedSetting> describe_topic_settings(
    const Broker& broker, const metadata::TopicSettings& topic
);
/// All settings of this node that Kafka's tools ask for, by name.
[[nodiscard]] std::vector<DescribedSetting> describe_node_settings(const Broker& broker);

}  // namespace logboom::broker
