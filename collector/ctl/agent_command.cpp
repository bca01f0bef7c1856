#include "collector/ctl/agent_command.h"

#include "collector/ctl/printable.h"
#include "collector/ctl/table.h"
#include "collector/ctl/time_text.h"
#include "shared/http/client.h"
#include "shared/json/json_value.h"
#include "shared/json/json_writer.h"

namespace logboom::ctl {

namespace {

constexpr std::uint16_t api_port = 7462;
constexpr const char* agents_path = "/api/v1/agents";

/// "9f1c…e2": enough to tell agents apart, short enough for a table.
std::string short_id(const std::string_view id) {
    constexpr std::size_t front = 4;
    constexpr std::size_t back = 2;
    if (id.size() <= front + back) {
        return printable(id);
    }
    return printable(id.substr(0, front)) + "\u2026" + printable(id.substr(id.size() - back));
}

/// "3s", "6m", "2h", "5d": the largest unit alone.
std::string age_text(const Nanos age) {
    using std::chrono::duration_cast;
    const auto seconds =
        std::max<std::int64_t>(0, duration_cast<std::chrono::seconds>(age).count());
    constexpr std::int64_t minute = 60;
    constexpr std::int64_t hour = 60 * minute;
    constexpr std::int64_t day = 24 * hour;
    if (seconds < minute) {
        return std::to_string(seconds) + "s";
    }
    if (seconds < hour) {
        return std::to_string(seconds / minute) + "m";
    }
    return seconds < day ? std::to_string(seconds / hour) + "h"
                         : std::to_string(seconds / day) + "d";
}

std::string last_seen_text(const json::JsonValue& agent, const WallTime now) {
    const ParsedTime seen = parse_time(agent.text("last_seen"), {now, TimeZone::utc});
    const auto* const time = std::get_if<WallTime>(&seen);
    return time == nullptr ? std::string() : age_text(now - *time);
}

bool is_well(const json::JsonValue& agent) {
    return agent.text("state") == "ok";
}

std::string as_table(const std::vector<const json::JsonValue*>& agents, const WallTime now) {
    Table table;
    for (const char* const header : {"AGENT", "HOST", "VERSION"}) {
        table.add_column(header, Table::Align::left);
    }
    table.add_column("LAST SEEN", Table::Align::right);
    table.add_column("STATE", Table::Align::left);
    table.add_column("REASON", Table::Align::left);
    for (const json::JsonValue* const agent : agents) {
        table.add_row(
            {short_id(agent->text("agent")),
             printable(agent->text("host")),
             printable(agent->text("version")),
             last_seen_text(*agent, now),
             printable(agent->text("state")),
             printable(agent->text("reason"))}
        );
    }
    return table.to_text();
}

std::string as_json(const std::vector<const json::JsonValue*>& agents) {
    json::JsonWriter json;
    json.begin_array();
    for (const json::JsonValue* const agent : agents) {
        json.begin_object();
        for (const char* const name :
             {"agent", "host", "version", "state", "last_seen", "reason"}) {
            const std::string_view text = agent->text(name);
            json.key(name);
            if (text.empty()) {
                json.null();
            } else {
                json.text(text);
            }
        }
        json.number_field("connections", agent->number("connections").value_or(0));
        json.end_object();
    }
    json.end_array();
    return json.take() + "\n";
}

Failure failure_of_answer(const PeerAddress& api, const http::Response& answer) {
    Failure failure;
    failure.what = to_string(api) + " answered " + std::to_string(answer.status);
    const auto problem = json::parse_json(answer.body);
    if (problem.has_value() && !problem->text("detail").empty()) {
        failure.what += ": " + printable(problem->text("detail"));
    }
    failure.exit_code = answer.status == 404 ? ExitCode::not_found : ExitCode::failed;
    return failure;
}

}  // namespace

std::optional<PeerAddress> parse_api_address(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.starts_with(scheme)) {
        text.remove_prefix(scheme.size());
    }
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    return text.find('/') == std::string_view::npos ? parse_peer_address(text, api_port)
                                                    : std::nullopt;
}

Outcome<std::string> agents_as_text(
    const std::string_view answer, const AgentListOptions& options, const WallTime now
) {
    const auto parsed = json::parse_json(answer);
    if (!parsed.has_value() || parsed->array() == nullptr) {
        return Failure{.what = to_string(options.api) + " answered something else than a list"};
    }
    std::vector<const json::JsonValue*> agents;
    for (const json::JsonValue& agent : *parsed->array()) {
        if (!options.is_problem_only || !is_well(agent)) {
            agents.push_back(&agent);
        }
    }
    return options.format == ListFormat::json ? as_json(agents) : as_table(agents, now);
}

Task<Outcome<ExitCode>> run_agent_list(Env& env, Output& output, AgentListOptions options) {
    const SteadyTime until = env.clock.now() + options.timeout;
    auto conn = co_await connect_to(env, options.api, until);
    if (!conn.has_value()) {
        Failure failure = conn.error();
        failure.hint = "logboomctl --api http://HOST:PORT with the address of the HTTP door (7462)";
        co_return failure;
    }
    const std::string host = to_string(options.api);
    const auto answer = co_await http::get(**conn, host, agents_path, until);
    co_await (*conn)->close();
    if (!answer.has_value()) {
        co_return unreachable(options.api, answer.error());
    }
    if (answer->status != 200) {
        co_return failure_of_answer(options.api, *answer);
    }
    LB_CO_TRY(const std::string text, agents_as_text(answer->body, options, env.clock.wall()));
    [[maybe_unused]] const bool is_open = output.write(text);
    co_return ExitCode::success;
}

}  // namespace logboom::ctl
