#include "collector/metadata/topic_config.h"

#include "shared/base/bytes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace logboom::metadata {

namespace {

constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t int32_max = std::numeric_limits<std::int32_t>::max();

/// A setting and what it may be. `field` is where it acts; without one it is kept and told, and `initial`
/// is what is in force.
struct Row {
    SettingInfo info;
    std::int64_t TopicConfig::*field = nullptr;
    std::string_view initial;
    std::int64_t min = std::numeric_limits<std::int64_t>::min();
    std::int64_t max = int64_max;
    std::string_view choices;  // of texts and switches: "a|b"; empty: any
    std::string_view why;      // there are no others
};

constexpr std::string_view no_compaction = "topics are not compacted here";
constexpr std::string_view no_tiers = "there is no tiered storage here";
constexpr std::string_view no_throttling = "replication is not throttled here";
constexpr std::string_view keeps_codecs = "batches are kept as they came";

constexpr Row rows[] = {
    {.info =
         {"cleanup.policy",
          SettingType::list,
          "log.cleanup.policy",
          "Old segments are deleted as a whole."},
     .initial = "delete",
     .choices = "delete",
     .why = no_compaction},
    {.info =
         {"compression.gzip.level",
          SettingType::int32,
          "",
          "Of no effect, since batches are kept as they came."},
     .initial = "-1",
     .min = -1,
     .max = 9},
    {.info =
         {"compression.lz4.level",
          SettingType::int32,
          "",
          "Of no effect, since batches are kept as they came."},
     .initial = "9",
     .min = 1,
     .max = 17},
    {.info =
         {"compression.type",
          SettingType::text,
          "compression.type",
          "Batches are kept in the codec that their producer chose."},
     .initial = "producer",
     .choices = "producer",
     .why = keeps_codecs},
    {.info =
         {"compression.zstd.level",
          SettingType::int32,
          "",
          "Of no effect, since batches are kept as they came."},
     .initial = "3",
     .min = -131072,
     .max = 22},
    {.info =
         {"delete.retention.ms",
          SettingType::int64,
          "",
          "Of no effect, since topics are not compacted."},
     .initial = "86400000",
     .min = 0},
    {.info =
         {"file.delete.delay.ms",
          SettingType::int64,
          "",
          "Of no effect: files are removed when nobody reads them any more."},
     .initial = "0",
     .min = 0},
    {.info =
         {"flush.messages",
          SettingType::int64,
          "",
          "Of no effect: records are synced before they are acknowledged."},
     .initial = "9223372036854775807",
     .min = 1},
    {.info =
         {"flush.ms",
          SettingType::int64,
          "",
          "Of no effect: records are synced before they are acknowledged."},
     .initial = "9223372036854775807",
     .min = 0},
    {.info =
         {"follower.replication.throttled.replicas",
          SettingType::list,
          "",
          "Replication is not throttled."},
     .initial = "",
     .choices = "",
     .why = no_throttling},
    {.info =
         {"index.interval.bytes",
          SettingType::int32,
          "",
          "Of no effect: how many bytes of log lie between two entries of the offset index."},
     .initial = "4096",
     .min = 0,
     .max = int32_max},
    {.info =
         {"leader.replication.throttled.replicas",
          SettingType::list,
          "",
          "Replication is not throttled."},
     .initial = "",
     .choices = "",
     .why = no_throttling},
    {.info =
         {"local.retention.bytes",
          SettingType::int64,
          "",
          "Of no effect, since there is no tiered storage."},
     .initial = "-2",
     .min = -2},
    {.info =
         {"local.retention.ms",
          SettingType::int64,
          "",
          "Of no effect, since there is no tiered storage."},
     .initial = "-2",
     .min = -2},
    {.info =
         {"max.compaction.lag.ms",
          SettingType::int64,
          "",
          "Of no effect, since topics are not compacted."},
     .initial = "9223372036854775807",
     .min = 1},
    {.info =
         {"max.message.bytes",
          SettingType::int32,
          "message.max.bytes",
          "Largest record batch that is taken from a producer."},
     .field = &TopicConfig::max_message_bytes,
     .min = 0,
     .max = limits::batch_bytes_max},
    {.info =
         {"message.timestamp.after.max.ms",
          SettingType::int64,
          "log.message.timestamp.after.max.ms",
          "How far a record's time may lie ahead of the collector's clock."},
     .field = &TopicConfig::timestamp_after_max_ms,
     .min = 0},
    {.info =
         {"message.timestamp.before.max.ms",
          SettingType::int64,
          "log.message.timestamp.before.max.ms",
          "How far a record's time may lie behind the collector's clock."},
     .field = &TopicConfig::timestamp_before_max_ms,
     .min = 0},
    {.info =
         {"message.timestamp.type",
          SettingType::text,
          "log.message.timestamp.type",
          "Whose clock a record's time is of: its producer's or the collector's."},
     .choices = "CreateTime|LogAppendTime"},
    {.info =
         {"min.cleanable.dirty.ratio",
          SettingType::number,
          "",
          "Of no effect, since topics are not compacted."},
     .initial = "0.5",
     .min = 0,
     .max = 1},
    {.info =
         {"min.compaction.lag.ms",
          SettingType::int64,
          "",
          "Of no effect, since topics are not compacted."},
     .initial = "0",
     .min = 0},
    {.info =
         {"min.insync.replicas",
          SettingType::int32,
          "min.insync.replicas",
          "How many replicas a record is synced on before it is acknowledged; not more than there are."},
     .field = &TopicConfig::min_insync_replicas,
     .min = 1,
     .max = int32_max},
    {.info =
         {"preallocate",
          SettingType::boolean,
          "",
          "Of no effect: room for a segment is allocated ahead."},
     .initial = "true",
     .choices = "true|false"},
    {.info = {"remote.log.copy.disable", SettingType::boolean, "", "There is no tiered storage."},
     .initial = "false",
     .choices = "false",
     .why = no_tiers},
    {.info =
         {"remote.log.delete.on.disable", SettingType::boolean, "", "There is no tiered storage."},
     .initial = "false",
     .choices = "false",
     .why = no_tiers},
    {.info = {"remote.storage.enable", SettingType::boolean, "", "There is no tiered storage."},
     .initial = "false",
     .choices = "false",
     .why = no_tiers},
    {.info =
         {"retention.bytes",
          SettingType::int64,
          "log.retention.bytes",
          "Oldest segments of a partition above this size are deleted; -1: no bound."},
     .field = &TopicConfig::retention_bytes,
     .min = -1},
    {.info =
         {"retention.ms",
          SettingType::int64,
          "log.retention.ms",
          "Segments whose newest record is older are deleted; -1: none is for its age."},
     .field = &TopicConfig::retention_ms,
     .min = -1},
    {.info =
         {"segment.bytes",
          SettingType::int32,
          "log.segment.bytes",
          "A segment is closed at this size."},
     .field = &TopicConfig::segment_bytes,
     .min = limits::segment_bytes_min,
     .max = int32_max},
    {.info =
         {"segment.index.bytes",
          SettingType::int32,
          "",
          "Of no effect: an index has room for all of its segment."},
     .initial = "10485760",
     .min = 4,
     .max = int32_max},
    {.info =
         {"segment.jitter.ms",
          SettingType::int64,
          "",
          "Of no effect: segments are closed at their age."},
     .initial = "0",
     .min = 0},
    {.info =
         {"segment.ms",
          SettingType::int64,
          "log.roll.ms",
          "A segment with records is closed at this age."},
     .field = &TopicConfig::segment_ms,
     .min = 1},
    {.info =
         {"unclean.leader.election.enable",
          SettingType::boolean,
          "unclean.leader.election.enable",
          "A replica that may lack acknowledged records never becomes the leader."},
     .initial = "false",
     .choices = "false",
     .why = "acknowledged records are never given up here"},
};

/// Of Kafka 3 and older; whoever still gives them means nothing that we could do.
constexpr std::array<std::string_view, 3> dropped_names{
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.difference.max.ms",
};

constexpr std::string_view timestamp_type_name = "message.timestamp.type";
constexpr std::string_view create_time = "CreateTime";
constexpr std::string_view log_append_time = "LogAppendTime";

constexpr auto infos = [] {
    std::array<SettingInfo, std::size(rows)> all;
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        all[i] = rows[i].info;
    }
    return all;
}();

bool is_dropped(const std::string_view name) noexcept {
    return std::ranges::find(dropped_names, name) != dropped_names.end();
}

const Row* find_row(const std::string_view name) noexcept {
    const auto* const found = std::ranges::find(rows, name, [](const Row& row) {
        return row.info.name;
    });
    return found == std::end(rows) ? nullptr : found;
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// The whole of `text` as a number of that type.
template <typename T>
std::optional<T> parse(const std::string_view text) noexcept {
    T value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = problem == std::errc() && end == text.data() + text.size();
    return is_whole ? std::optional(value) : std::nullopt;
}

bool is_choice(std::string_view choices, const std::string_view value) noexcept {
    for (;;) {
        const std::size_t end = choices.find('|');
        if (choices.substr(0, end) == value) {
            return true;
        }
        if (end == std::string_view::npos) {
            return false;
        }
        choices.remove_prefix(end + 1);
    }
}

bool is_good(const Row& row, const std::string_view value) noexcept {
    if (value.size() > limits::topic_setting_bytes_max) {
        return false;
    }
    switch (row.info.type) {
    case SettingType::boolean:
    case SettingType::text:
    case SettingType::list: return is_choice(row.choices, value);
    case SettingType::number: {
        const std::optional<double> number = parse<double>(value);
        return number && *number >= static_cast<double>(row.min)
            && *number <= static_cast<double>(row.max);
    }
    case SettingType::int32:
    case SettingType::int64: {
        const std::optional<std::int64_t> number = parse<std::int64_t>(value);
        return number && *number >= row.min && *number <= row.max;
    }
    }
    LB_UNREACHABLE("SettingType");
}

std::string what_it_takes(const Row& row) {
    switch (row.info.type) {
    case SettingType::boolean:
    case SettingType::text:
    case SettingType::list: {
        std::string choices = row.choices.empty() ? std::string("no value")
                                                  : std::string(row.choices);
        for (std::size_t at = choices.find('|'); at != std::string::npos; at = choices.find('|')) {
            choices.replace(at, 1, " or ");
        }
        return choices;
    }
    case SettingType::number:
        return "a number from " + std::to_string(row.min) + " to " + std::to_string(row.max);
    case SettingType::int32:
    case SettingType::int64:
        return "a whole number from " + std::to_string(row.min)
             + (row.max == int64_max ? std::string(" on") : " to " + std::to_string(row.max));
    }
    LB_UNREACHABLE("SettingType");
}

}  // namespace

std::span<const SettingInfo> topic_setting_infos() noexcept {
    return infos;
}

std::optional<std::string> refuse_topic_setting(
    const std::string_view name, const std::string_view value
) {
    if (is_dropped(name)) {
        return std::nullopt;
    }
    const Row* const row = find_row(name);
    if (row == nullptr) {
        return "there is no topic setting " + quoted(name);
    }
    if (is_good(*row, trimmed(value))) {
        return std::nullopt;
    }
    std::string sentence = std::string(name) + " takes " + what_it_takes(*row) + ", not "
                         + quoted(value);
    if (!row->why.empty()) {
        sentence += ": " + std::string(row->why);
    }
    return sentence;
}

void put_topic_setting(
    TopicSettings& settings, const std::string_view name, const std::string_view value
) {
    LB_ASSERT(!refuse_topic_setting(name, value));
    if (is_dropped(name)) {
        return;
    }
    const auto at = std::ranges::lower_bound(settings, name, {}, [](const TopicSetting& setting) {
        return std::string_view(setting.name);
    });
    LB_ASSERT(at == settings.end() || at->name != name);
    settings.insert(at, TopicSetting{std::string(name), std::string(trimmed(value))});
}

const TopicSetting* find_topic_setting(
    const TopicSettings& settings, const std::string_view name
) noexcept {
    const auto found = std::ranges::find(settings, name, &TopicSetting::name);
    return found == settings.end() ? nullptr : &*found;
}

TopicConfig topic_config_of(const TopicSettings& settings, const TopicConfig& defaults) {
    TopicConfig config = defaults;
    for (const TopicSetting& setting : settings) {
        const Row* const row = find_row(setting.name);
        if (row == nullptr || !is_good(*row, setting.value)) {
            continue;
        }
        if (row->field != nullptr) {
            config.*(row->field) = *parse<std::int64_t>(setting.value);
        } else if (setting.name == timestamp_type_name) {
            config.timestamp_type = setting.value == log_append_time
                                      ? TimestampType::log_append_time
                                      : TimestampType::create_time;
        }
    }
    return config;
}

std::string topic_default_of(const SettingInfo& info, const TopicConfig& defaults) {
    const Row* const row = find_row(info.name);
    LB_ASSERT(row != nullptr);
    if (row->field != nullptr) {
        return std::to_string(defaults.*(row->field));
    }
    if (info.name == timestamp_type_name) {
        const bool is_append_time = defaults.timestamp_type == TimestampType::log_append_time;
        return std::string(is_append_time ? log_append_time : create_time);
    }
    return std::string(row->initial);
}

}  // namespace logboom::metadata
