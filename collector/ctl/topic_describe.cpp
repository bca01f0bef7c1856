#include "collector/ctl/topic_describe.h"

#include "collector/ctl/led_offsets.h"
#include "collector/ctl/printable.h"
#include "collector/ctl/table.h"
#include "shared/json/json_writer.h"
#include "shared/kafka/messages/describe_configs.h"

namespace logboom::ctl {

namespace {

using kafka::DescribeConfigsRequest;
using kafka::DescribeConfigsResponse;

constexpr std::int8_t topic_resource = 2;  // Kafka's number for the kind

struct Setting {
    std::string name;
    std::optional<std::string> value;  // nothing: it is a secret
    const char* source = "";
    bool is_read_only = false;
};

struct Description {
    TopicLayout layout;
    LedOffsets offsets;
    std::vector<Setting> settings;
};

/// Kafka's ConfigSource, as far as one has to know it: who set the value.
const char* source_name(const std::int8_t source) noexcept {
    constexpr std::int8_t of_topic = 1;
    constexpr std::int8_t of_default = 5;
    if (source == of_topic) {
        return "topic";
    }
    return source == of_default ? "default" : "broker";
}

Task<Outcome<std::vector<Setting>>> settings_of(Cluster& cluster, std::string name) {
    DescribeConfigsRequest request;
    DescribeConfigsRequest::Resource& resource = request.resources.emplace_back();
    resource.resource_type = topic_resource;
    resource.resource_name = name;
    LB_CO_TRY(BrokerConnection* const broker, co_await cluster.any());
    const SteadyTime until = cluster.deadline();
    LB_CO_TRY(const auto answer, co_await broker->ask<DescribeConfigsResponse>(request, until));
    std::vector<Setting> settings;
    for (const DescribeConfigsResponse::Described& described : answer.body.results) {
        if (described.error_code != kafka::KafkaError::none) {
            co_return failure_of(
                described.error_code, "cannot read the settings of topic '" + printable(name) + "'"
            );
        }
        for (const DescribeConfigsResponse::Config& config : described.configs) {
            Setting setting;
            setting.name = config.name;
            if (config.value.has_value() && !config.is_sensitive) {
                setting.value = *config.value;
            }
            setting.source = source_name(config.config_source);
            setting.is_read_only = config.read_only;
            settings.push_back(std::move(setting));
        }
    }
    co_return settings;
}

Task<Outcome<Description>> describe(Cluster& cluster, std::string name) {
    Description description;
    LB_CO_TRY(description.layout, co_await cluster.topic(name));
    LB_CO_TRY(description.offsets, co_await find_led_offsets(cluster, description.layout));
    LB_CO_TRY(description.settings, co_await settings_of(cluster, name));
    co_return description;
}

std::string as_text(const Description& description) {
    Table partitions;
    for (const char* const header :
         {"PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "END", "RECORDS"}) {
        partitions.add_column(header, Table::Align::right);
    }
    for (const PartitionLayout& layout : description.layout.partitions) {
        std::vector<std::string> cells = {
            std::to_string(layout.index),
            layout.leader_id < 0 ? std::string() : std::to_string(layout.leader_id),
            std::to_string(layout.leader_epoch),
            std::to_string(layout.replicas_count),
            std::to_string(layout.isr_count)};
        add_offset_cells(cells, description.offsets.at(layout.index));
        partitions.add_row(std::move(cells));
    }
    Table settings;
    for (const char* const header : {"SETTING", "VALUE", "FROM"}) {
        settings.add_column(header, Table::Align::left);
    }
    for (const Setting& setting : description.settings) {
        settings.add_row(
            {printable(setting.name),
             setting.value.has_value() ? printable(*setting.value) : std::string(),
             setting.source}
        );
    }
    return "topic " + printable(description.layout.name) + ", id "
         + to_string(description.layout.id) + "\n\n" + partitions.to_text() + "\n"
         + settings.to_text();
}

void add_json(json::JsonWriter& json, const Description& description) {
    json.begin_object();
    json.text_field("topic", as_utf8(description.layout.name));
    json.text_field("topic_id", to_string(description.layout.id));
    json.key("internal");
    json.boolean(description.layout.is_internal);
    json.key("partitions");
    json.begin_array();
    for (const PartitionLayout& layout : description.layout.partitions) {
        json.begin_object();
        json.number_field("partition", layout.index);
        const bool is_led = layout.leader_id >= 0;
        add_field(json, "leader", is_led ? std::optional(layout.leader_id) : std::nullopt);
        json.number_field("leader_epoch", layout.leader_epoch);
        json.number_field("replicas", static_cast<std::int64_t>(layout.replicas_count));
        json.number_field("isr", static_cast<std::int64_t>(layout.isr_count));
        add_offset_fields(json, description.offsets.at(layout.index));
        json.end_object();
    }
    json.end_array();
    json.key("settings");
    json.begin_array();
    for (const Setting& setting : description.settings) {
        json.begin_object();
        json.text_field("name", as_utf8(setting.name));
        json.key("value");
        if (setting.value.has_value()) {
            json.text(as_utf8(*setting.value));
        } else {
            json.null();
        }
        json.text_field("from", setting.source);
        json.key("read_only");
        json.boolean(setting.is_read_only);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

std::string as_json(const std::vector<Description>& descriptions) {
    json::JsonWriter json;
    json.begin_array();
    for (const Description& description : descriptions) {
        add_json(json, description);
    }
    json.end_array();
    return json.take() + "\n";
}

}  // namespace

Task<Outcome<ExitCode>> run_topic_describe(
    Cluster& cluster, Output& output, TopicDescribeOptions options
) {
    std::vector<Description> descriptions;
    std::string text;
    for (const std::string& name : options.names) {
        LB_CO_TRY(Description description, co_await describe(cluster, name));
        text += (text.empty() ? "" : "\n") + as_text(description);
        descriptions.push_back(std::move(description));
    }
    if (options.format == ListFormat::json) {
        text = as_json(descriptions);
    }
    [[maybe_unused]] const bool is_open = output.write(text);
    co_return ExitCode::success;
}

}  // namespace logboom::ctl
