#include "collector/ctl/topic_command.h"

#include "collector/ctl/printable.h"
#include "collector/ctl/table.h"
#include "shared/json/json_writer.h"
#include "shared/kafka/messages/create_topics.h"

#include <algorithm>

namespace logboom::ctl {

namespace {

using kafka::CreateTopicsRequest;
using kafka::CreateTopicsResponse;
using kafka::KafkaError;

std::size_t replication_of(const TopicLayout& topic) {
    std::size_t most = 0;
    for (const PartitionLayout& partition : topic.partitions) {
        most = std::max(most, partition.replicas_count);
    }
    return most;
}

std::size_t leaderless_of(const TopicLayout& topic) {
    return static_cast<std::size_t>(std::ranges::count_if(
        topic.partitions, [](const PartitionLayout& p) { return p.leader_id < 0; }
    ));
}

std::size_t under_replicated_of(const TopicLayout& topic) {
    return static_cast<std::size_t>(std::ranges::count_if(
        topic.partitions, [](const PartitionLayout& p) { return p.isr_count < p.replicas_count; }
    ));
}

std::string topics_as_table(const std::vector<TopicLayout>& topics) {
    Table table;
    table.add_column("TOPIC", Table::Align::left);
    table.add_column("PARTITIONS", Table::Align::right);
    table.add_column("REPLICAS", Table::Align::right);
    table.add_column("STATE", Table::Align::left);
    for (const TopicLayout& topic : topics) {
        std::string state = "ok";
        if (const std::size_t count = leaderless_of(topic); count > 0) {
            state = std::to_string(count) + " without leader";
        } else if (const std::size_t under = under_replicated_of(topic); under > 0) {
            state = std::to_string(under) + " under-replicated";
        }
        table.add_row(
            {printable(topic.name),
             std::to_string(topic.partitions.size()),
             std::to_string(replication_of(topic)),
             state}
        );
    }
    return table.to_text();
}

std::string topics_as_json(const std::vector<TopicLayout>& topics) {
    json::JsonWriter json;
    json.begin_array();
    for (const TopicLayout& topic : topics) {
        json.begin_object();
        json.text_field("topic", as_utf8(topic.name));
        json.text_field("topic_id", to_string(topic.id));
        json.number_field("partitions", static_cast<std::int64_t>(topic.partitions.size()));
        json.number_field("replicas", static_cast<std::int64_t>(replication_of(topic)));
        json.number_field("without_leader", static_cast<std::int64_t>(leaderless_of(topic)));
        json.number_field(
            "under_replicated", static_cast<std::int64_t>(under_replicated_of(topic))
        );
        json.key("internal");
        json.boolean(topic.is_internal);
        json.end_object();
    }
    json.end_array();
    return json.take() + "\n";
}

CreateTopicsRequest request_for(const TopicCreateOptions& options) {
    CreateTopicsRequest request;
    request.validate_only = options.is_dry_run;
    for (const std::string& name : options.names) {
        CreateTopicsRequest::Topic& topic = request.topics.emplace_back();
        topic.name = name;
        topic.num_partitions = options.partitions.value_or(-1);
        topic.replication_factor = options.replicas.value_or(-1);
        for (const TopicConfig& config : options.configs) {
            topic.configs.push_back({.name = config.name, .value = config.value});
        }
    }
    return request;
}

std::string state_of(const CreateTopicsResponse::Topic& topic, const TopicCreateOptions& options) {
    if (topic.error_code == KafkaError::none) {
        return options.is_dry_run ? "would be created" : "created";
    }
    if (topic.error_code == KafkaError::topic_already_exists && options.is_existing_fine) {
        return "exists";
    }
    return "failed";
}

std::string count_or_nothing(const std::int32_t count) {
    return count < 0 ? std::string() : std::to_string(count);
}

std::string created_as_table(
    const CreateTopicsResponse& response, const TopicCreateOptions& options
) {
    Table table;
    table.add_column("TOPIC", Table::Align::left);
    table.add_column("PARTITIONS", Table::Align::right);
    table.add_column("REPLICAS", Table::Align::right);
    table.add_column("STATE", Table::Align::left);
    for (const auto& topic : response.topics) {
        table.add_row(
            {printable(topic.name),
             count_or_nothing(topic.num_partitions),
             count_or_nothing(topic.replication_factor),
             state_of(topic, options)}
        );
    }
    return table.to_text();
}

std::string created_as_json(
    const CreateTopicsResponse& response, const TopicCreateOptions& options
) {
    json::JsonWriter json;
    json.begin_array();
    for (const auto& topic : response.topics) {
        json.begin_object();
        json.text_field("topic", as_utf8(topic.name));
        json.text_field("topic_id", to_string(topic.topic_id));
        json.number_field("partitions", topic.num_partitions);
        json.number_field("replicas", topic.replication_factor);
        json.text_field("state", state_of(topic, options));
        json.text_field("error", to_string(topic.error_code));
        json.end_object();
    }
    json.end_array();
    return json.take() + "\n";
}

/// Says what was refused; the first refusal's exit code.
ExitCode report_refusals(
    const CreateTopicsResponse& response, const TopicCreateOptions& options, Output& output
) {
    ExitCode exit_code = ExitCode::success;
    for (const auto& topic : response.topics) {
        if (state_of(topic, options) != "failed") {
            continue;
        }
        const Failure failure = failure_of(
            topic.error_code,
            "cannot create topic '" + printable(topic.name) + "'",
            topic.error_message
        );
        output.say(to_string(failure));
        exit_code = exit_code == ExitCode::success ? failure.exit_code : exit_code;
    }
    return exit_code;
}

}  // namespace

Task<Outcome<ExitCode>> run_topic_list(
    Cluster& cluster, Output& output, const TopicListOptions options
) {
    LB_CO_TRY(const std::vector<TopicLayout> topics, co_await cluster.topics());
    const std::string text = options.format == ListFormat::json ? topics_as_json(topics)
                                                                : topics_as_table(topics);
    [[maybe_unused]] const bool is_open = output.write(text);
    co_return ExitCode::success;
}

Task<Outcome<ExitCode>> run_topic_create(
    Cluster& cluster, Output& output, TopicCreateOptions options
) {
    LB_CO_TRY(BrokerConnection* const controller, co_await cluster.controller());
    const CreateTopicsRequest request = request_for(options);
    const SteadyTime until = cluster.deadline();
    LB_CO_TRY(const auto answer, co_await controller->ask<CreateTopicsResponse>(request, until));
    const std::string text = options.format == ListFormat::json
                               ? created_as_json(answer.body, options)
                               : created_as_table(answer.body, options);
    [[maybe_unused]] const bool is_open = output.write(text);
    co_return report_refusals(answer.body, options, output);
}

}  // namespace logboom::ctl
