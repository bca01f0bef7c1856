#include "collector/ctl/topic_delete.h"

#include "collector/ctl/printable.h"
#include "collector/ctl/table.h"
#include "shared/json/json_writer.h"
#include "shared/kafka/messages/delete_topics.h"

namespace logboom::ctl {

namespace {

using kafka::DeleteTopicsRequest;
using kafka::DeleteTopicsResponse;
using kafka::KafkaError;

/// What became of one topic.
struct Deletion {
    std::string topic;
    std::string state;
    KafkaError error = KafkaError::none;
};

std::string written(const std::vector<Deletion>& deletions, const ListFormat format) {
    if (format == ListFormat::text) {
        Table table;
        table.add_column("TOPIC", Table::Align::left);
        table.add_column("STATE", Table::Align::left);
        for (const Deletion& deletion : deletions) {
            table.add_row({printable(deletion.topic), deletion.state});
        }
        return table.to_text();
    }
    json::JsonWriter json;
    json.begin_array();
    for (const Deletion& deletion : deletions) {
        json.begin_object();
        json.text_field("topic", as_utf8(deletion.topic));
        json.text_field("state", deletion.state);
        json.text_field("error", to_string(deletion.error));
        json.end_object();
    }
    json.end_array();
    return json.take() + "\n";
}

/// Fails unless the user says yes, or has said so before.
Outcome<Ok> make_sure(Output& output, const TopicDeleteOptions& options) {
    if (options.is_sure || options.is_dry_run) {
        return Ok{};
    }
    std::string names;
    for (const std::string& name : options.names) {
        names += (names.empty() ? "'" : ", '") + printable(name) + "'";
    }
    const auto answer = output.ask("delete " + names + " with all records? [y/N] ");
    if (!answer.has_value()) {
        return usage(
            "deleting asks first, and there is nobody to ask", "logboomctl topic delete --yes ..."
        );
    }
    if (*answer != "y" && *answer != "yes") {
        return Failure{.what = "nothing was deleted"};
    }
    return Ok{};
}

/// All must be there, or the user gets the nearest names; with `is_missing_fine` those that are.
Task<Outcome<std::vector<std::string>>> existing(
    Cluster& cluster, const TopicDeleteOptions& options, std::vector<Deletion>& deletions
) {
    std::vector<std::string> names;
    for (const std::string& name : options.names) {
        const auto layout = co_await cluster.topic(name);
        if (layout.has_value()) {
            names.push_back(name);
        } else if (options.is_missing_fine && layout.error().exit_code == ExitCode::not_found) {
            deletions.push_back(Deletion{name, "does not exist"});
        } else {
            co_return layout.error();
        }
    }
    co_return names;
}

DeleteTopicsRequest request_for(const std::vector<std::string>& names) {
    constexpr std::int32_t timeout_ms = 10'000;
    DeleteTopicsRequest request;
    request.timeout_ms = timeout_ms;
    for (const std::string& name : names) {
        DeleteTopicsRequest::Topic& topic = request.topics.emplace_back();
        topic.name = name;
        request.topic_names.push_back(name);  // where versions below 6 look
    }
    return request;
}

}  // namespace

Task<Outcome<ExitCode>> run_topic_delete(
    Cluster& cluster, Output& output, TopicDeleteOptions options
) {
    std::vector<Deletion> deletions;
    LB_CO_TRY(const std::vector<std::string> names, co_await existing(cluster, options, deletions));
    LB_CO_CHECK(make_sure(output, options));
    ExitCode exit_code = ExitCode::success;
    if (options.is_dry_run) {
        for (const std::string& name : names) {
            deletions.push_back(Deletion{name, "would be deleted"});
        }
    } else if (!names.empty()) {
        LB_CO_TRY(BrokerConnection* const controller, co_await cluster.controller());
        const DeleteTopicsRequest request = request_for(names);
        const SteadyTime until = cluster.deadline();
        LB_CO_TRY(
            const auto answer, co_await controller->ask<DeleteTopicsResponse>(request, until)
        );
        for (const DeleteTopicsResponse::Topic& topic : answer.body.responses) {
            const bool is_deleted = topic.error_code == KafkaError::none;
            const std::string name = topic.name.value_or("");
            deletions.push_back(Deletion{name, is_deleted ? "deleted" : "failed", topic.error_code}
            );
            if (!is_deleted) {
                const Failure failure = failure_of(
                    topic.error_code,
                    "cannot delete topic '" + printable(name) + "'",
                    topic.error_message
                );
                output.say(to_string(failure));
                exit_code = exit_code == ExitCode::success ? failure.exit_code : exit_code;
            }
        }
    }
    [[maybe_unused]] const bool is_open = output.write(written(deletions, options.format));
    co_return exit_code;
}

}  // namespace logboom::ctl
