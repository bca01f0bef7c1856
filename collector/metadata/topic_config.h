// How a topic's records are kept, by Kafka's topic settings. What is kept of a topic are the settings that
// were given when it was made; what is in force are those over the node's defaults.
#pragma once

#include "shared/base/limits.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::metadata {

enum class TimestampType : std::uint8_t {
    create_time,     ///< records keep their producers' times
    log_append_time  ///< a batch gets the time at which it was appended
};

/// The values in force for one topic; those of a default-constructed one are the program's own defaults.
struct TopicConfig {
    /// `retention.ms`: closed segments whose newest record is older are deleted; -1: none is for its age.
    std::int64_t retention_ms = limits::retention_ms_default;
    /// `retention.bytes` of one partition: oldest closed segments above it are deleted; -1: no bound.
    std::int64_t retention_bytes = -1;
    /// `segment.bytes`: a segment is closed at this size.
    std::int64_t segment_bytes = static_cast<std::int64_t>(limits::segment_bytes_default);
    /// `segment.ms`: a segment with records is closed at this age.
    std::int64_t segment_ms = limits::segment_ms_default;
    /// `max.message.bytes`: largest record batch of Kafka's producers.
    std::int64_t max_message_bytes = limits::batch_bytes_max;
    /// `message.timestamp.type`.
    TimestampType timestamp_type = TimestampType::create_time;
    /// `message.timestamp.before.max.ms` and `after.max.ms`: how far a record's time may lie from ours.
    std::int64_t timestamp_before_max_ms = INT64_MAX;
    std::int64_t timestamp_after_max_ms = limits::timestamp_after_max_ms_default;
    /// `min.insync.replicas`. Above the number of replicas it counts as that.
    std::int64_t min_insync_replicas = 1;

    bool operator==(const TopicConfig&) const = default;
};

/// One setting as it was given.
struct TopicSetting {
    std::string name;
    std::string value;

    bool operator==(const TopicSetting&) const = default;
};
/// By name, each once.
using TopicSettings = std::vector<TopicSetting>;

/// Kafka's types of settings, with its numbers.
enum class SettingType : std::int8_t {
    boolean = 1,
    text = 2,
    int32 = 3,
    int64 = 5,
    number = 6,
    list = 7
};

struct SettingInfo {
    std::string_view name;
    SettingType type = SettingType::text;
    std::string_view
        node_name;         // of the node's setting that stands behind it; empty: there is none
    std::string_view doc;  // one sentence
};

/// All settings that a topic has, by name.
[[nodiscard]] std::span<const SettingInfo> topic_setting_infos() noexcept;

/// Why a topic cannot have this setting, as a sentence for whoever gave it; nothing if it can.
[[nodiscard]] std::optional<std::string> refuse_topic_setting(
    std::string_view name, std::string_view value
);
/// Adds a setting that is not refused; one that stands for nothing any more (of older Kafkas) is dropped.
void put_topic_setting(TopicSettings& settings, std::string_view name, std::string_view value);
/// Nothing: it was not given.
[[nodiscard]] const TopicSetting* find_topic_setting(
    const TopicSettings& settings, std::string_view name
) noexcept;

/// What is in force. A value that has no meaning any more counts as not given.
[[nodiscard]] TopicConfig topic_config_of(
    const TopicSettings& settings, const TopicConfig& defaults
);
/// The value in force without a setting of the topic's own, in Kafka's form.
[[nodiscard]] std::string topic_default_of(const SettingInfo& info, const TopicConfig& defaults);

}  // namespace logboom::metadata
