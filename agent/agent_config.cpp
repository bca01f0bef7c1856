#include "agent/agent_config.h"

#include "shared/base/limits.h"
#include "shared/record/loss_topic.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace logboom::agent {
namespace {

using config::Empty;
using config::Option;
using config::Presence;
using config::Reload;
using config::Section;
using config::SectionKind;
using config::ValueType;

constexpr std::int64_t in_ns(const Nanos duration) noexcept {
    return duration.count();
}

constexpr Section sections[] = {
    {.name = "agent"},
    {.name = "io"},
    {.name = "output", .doc = "where records go, and how they are packed"},
    {.name = "output.limits"},
    {.name = "input.file",
     .kind = SectionKind::list,
     .doc = "files to follow; as many tables as wanted",
     .required = "no input: add an [[input.file]] table with a name and paths"},
};

constexpr Option options[] = {
    {.section = "agent",
     .key = "host",
     .type = ValueType::text,
     .initial = "\"${host}\"",
     .doc = "name put on every record"},
    {.section = "agent",
     .key = "state_dir",
     .type = ValueType::path,
     .initial = "\"/var/lib/logboom-agent\"",
     .doc = "identity and checkpoint cache"},
    {.section = "agent",
     .key = "memory_max",
     .type = ValueType::size,
     .initial = "\"64MiB\"",
     .doc = "for data on its way; reading pauses there",
     .min = 2 * limits::agent_memory_reserve(limits::agent_batch_bytes_default),
     .max = std::int64_t{1} << 40},
    {.section = "agent",
     .key = "open_files_max",
     .type = ValueType::integer,
     .initial = "4096",
     .doc = "files held open; half of RLIMIT_NOFILE if that is less",
     .min = 16,
     .max = 1 << 20},
    {.section = "agent",
     .key = "shutdown_timeout",
     .type = ValueType::duration,
     .initial = "\"10s\"",
     .doc = "how long a stop waits for acknowledgements",
     .min = 0,
     .max = in_ns(1h)},
    {.section = "agent",
     .key = "log_level",
     .type = ValueType::choice,
     .initial = "\"info\"",
     .doc = "of the agent's own log",
     .choices = "debug|info|warn|error",
     .reload = Reload::reloadable},
    {.section = "agent",
     .key = "http",
     .type = ValueType::host_port,
     .initial = "\"127.0.0.1:7463\"",
     .doc = "/metrics, /healthz, /readyz; \"\" disables them",
     .empty = Empty::allowed},

    {.section = "io",
     .key = "backend",
     .type = ValueType::choice,
     .initial = "\"auto\"",
     .doc = "uring, poll (epoll and threads); auto: poll where uring is refused",
     .choices = "auto|uring|poll"},

    {.section = "output",
     .key = "collectors",
     .type = ValueType::host_port_list,
     .initial = "[\"localhost:7460\"]",
     .doc = "agents' doors of collectors",
     .reload = Reload::reloadable},
    {.section = "output",
     .key = "topic",
     .type = ValueType::topic,
     .initial = "\"logs\"",
     .doc = "default topic; inputs may override",
     .reload = Reload::reloadable},
    {.section = "output",
     .key = "compression",
     .type = ValueType::choice,
     .initial = "\"lz4\"",
     .doc = "of record batches",
     .choices = "lz4|none",
     .reload = Reload::reloadable},
    {.section = "output",
     .key = "batch_bytes_max",
     .type = ValueType::size,
     .initial = "\"256KiB\"",
     .doc = "before compression; a longer line alone makes a batch",
     .min = 1024,
     .max = limits::batch_bytes_max / 2,
     .reload = Reload::reloadable},
    {.section = "output",
     .key = "batch_age_max",
     .type = ValueType::duration,
     .initial = "\"200ms\"",
     .doc = "a batch is sent at this age, however small",
     .min = in_ns(1ms),
     .max = in_ns(60s),
     .reload = Reload::reloadable},
    {.section = "output",
     .key = "headers",
     .type = ValueType::choice_list,
     .initial = "[\"lb.host\", \"lb.path\"]",
     .doc = "on every record, each costs its bytes",
     .choices = "lb.host|lb.path|lb.src|lb.agent|lb.f.log.path_resolved",
     .empty = Empty::allowed,
     .reload = Reload::reloadable},

    {.section = "output.limits",
     .key = "in_flight_bytes_max",
     .type = ValueType::size,
     .initial = "\"8MiB\"",
     .doc = "sent and not yet acknowledged, per collector",
     .min = 64 << 10,
     .max = std::int64_t{1} << 30,
     .reload = Reload::reloadable},

    {.section = "input.file",
     .key = "name",
     .type = ValueType::name,
     .example = "\"app\"",
     .doc = "names the input in metrics and messages",
     .presence = Presence::required},
    {.section = "input.file",
     .key = "paths",
     .type = ValueType::path_glob_list,
     .example = "[\"/var/log/app/*.log\"]",
     .doc = "* ? [..] within a name, ** over directories",
     .presence = Presence::required},
    {.section = "input.file",
     .key = "exclude",
     .type = ValueType::glob_list,
     .initial = "[]",
     .example = "[\"*.gz\", \"*.[0-9]\"]",
     .doc = "without a slash: looks at the name alone; else \"/...\" or \"**/...\"",
     .empty = Empty::allowed},
    {.section = "input.file",
     .key = "topic",
     .type = ValueType::topic,
     .example = "\"app\"",
     .doc = "in place of [output] topic"},
    {.section = "input.file",
     .key = "read_from",
     .type = ValueType::start_point,
     .initial = "\"beginning\"",
     .doc = "or { since = \"24h\" }; for files there at this input's very first start",
     .choices = "beginning|end"},
    {.section = "input.file",
     .key = "ignore_older",
     .type = ValueType::duration,
     .initial = "\"24h\"",
     .doc = "by mtime; never stops a file with unread bytes; \"0\" = never",
     .min = 0},
    {.section = "input.file",
     .key = "line_bytes_max",
     .type = ValueType::size,
     .initial = "\"1MiB\"",
     .doc = "longer lines are marked and counted, and:",
     .min = 64,
     .max = limits::line_bytes_max},
    {.section = "input.file",
     .key = "on_long_line",
     .type = ValueType::choice,
     .initial = "\"split\"",
     .choices = "split|truncate|drop"},
    {.section = "input.file",
     .key = "partial_flush",
     .type = ValueType::duration,
     .initial = "\"5s\"",
     .doc = "a last line without newline, when nobody has the file open; \"0\" = never",
     .min = 0,
     .max = in_ns(24h)},
    {.section = "input.file",
     .key = "close_idle",
     .type = ValueType::duration,
     .initial = "\"60s\"",
     .doc = "a file that is read and acknowledged to its end is closed",
     .min = in_ns(1s)},
    {.section = "input.file",
     .key = "rotate_quiet",
     .type = ValueType::duration,
     .initial = "\"5s\"",
     .doc = "quiet time after which a rotated file counts as finished",
     .min = in_ns(100ms),
     .max = in_ns(1h)},
    {.section = "input.file",
     .key = "rotated_dirs",
     .type = ValueType::text_list,
     .initial = "[\".\", \"archive\", \"old\"]",
     .doc = "where rotated files are looked for, seen from their own directory",
     .empty = Empty::allowed},
    {.section = "input.file",
     .key = "rescan_interval",
     .type = ValueType::duration,
     .initial = "\"60s\"",
     .doc = "how often everything is listed again, besides notifications",
     .min = in_ns(100ms),
     .max = in_ns(24h)},
    {.section = "input.file",
     .key = "notify",
     .type = ValueType::choice,
     .initial = "\"auto\"",
     .doc = "poll: do not use inotify",
     .choices = "auto|poll"},
    {.section = "input.file",
     .key = "drop_empty",
     .type = ValueType::boolean,
     .initial = "false",
     .doc = "empty lines are dropped and counted"},
};

constexpr config::Schema schema{
    .program = "logboom-agent",
    .intro = "Logboom agent. What is commented out shows its default or an example.\n"
             "Check with: logboom-agent check",
    .sections = sections,
    .options = options,
};

LogLevel log_level_of(const std::string& text) noexcept {
    if (text == "debug") {
        return LogLevel::debug;
    }
    if (text == "warn") {
        return LogLevel::warn;
    }
    return text == "error" ? LogLevel::error : LogLevel::info;
}

io::BackendChoice backend_of(const std::string& text) noexcept {
    if (text == "uring") {
        return io::BackendChoice::uring;
    }
    return text == "poll" ? io::BackendChoice::poll : io::BackendChoice::automatic;
}

ReadFrom read_from_of(const std::string& text) noexcept {
    if (text == "end") {
        return ReadFrom::end;
    }
    return text == "since" ? ReadFrom::since : ReadFrom::beginning;
}

OnLongLine on_long_line_of(const std::string& text) noexcept {
    if (text == "truncate") {
        return OnLongLine::truncate;
    }
    return text == "drop" ? OnLongLine::drop : OnLongLine::split;
}

FileInputConfig file_input_from(const config::Table& table, const std::string& default_topic) {
    FileInputConfig input;
    input.name = table.text("name");
    input.include = table.list("paths");
    input.exclude = table.list("exclude");
    input.topic = table.has("topic") ? table.text("topic") : default_topic;
    input.read_from = read_from_of(table.text("read_from"));
    input.since = input.read_from == ReadFrom::since ? table.duration("read_from") : Nanos::zero();
    input.ignore_older = table.duration("ignore_older");
    input.line_bytes_max = static_cast<std::uint32_t>(table.size("line_bytes_max"));
    input.on_long_line = on_long_line_of(table.text("on_long_line"));
    input.partial_flush = table.duration("partial_flush");
    input.close_idle = table.duration("close_idle");
    input.rotate_quiet = table.duration("rotate_quiet");
    input.rotated_dirs = table.list("rotated_dirs");
    input.rescan_interval = table.duration("rescan_interval");
    input.notify = table.text("notify") == "poll" ? Notify::poll : Notify::automatic;
    input.drop_empty = table.boolean("drop_empty");
    return input;
}

/// Metrics and messages would mix two inputs of one name.
void check_names(const config::Values& values, config::Problems& problems) {
    std::map<std::string, config::Place> seen;
    for (const config::Table& table : values.tables("input.file")) {
        const std::string& name = table.text("name");
        if (name.empty()) {
            continue;
        }
        const auto [first, is_new] = seen.emplace(name, table.place("name"));
        if (!is_new) {
            problems.add(
                table.place("name"),
                fmt::format(
                    "two inputs are named \"{}\", the first at {}",
                    name,
                    problems.where(first->second)
                )
            );
        }
    }
}

/// Lines among the loss records would pass for some.
void check_topics(const config::Values& values, config::Problems& problems) {
    const auto check = [&problems](const config::Table& table) {
        if (table.has("topic") && table.text("topic") == record::loss_topic) {
            problems.add(
                table.place("topic"),
                fmt::format(
                    "\"{}\" is where lost bytes are told; name another topic for lines",
                    record::loss_topic
                )
            );
        }
    };
    check(values.table("output"));
    for (const config::Table& table : values.tables("input.file")) {
        check(table);
    }
}

/// Reading stops when there is no room for a batch any more: there has to be some at least.
void check_memory(
    const AgentConfig& made, const config::Values& values, config::Problems& problems
) {
    const std::uint64_t needed = 2 * limits::agent_memory_reserve(made.batch_bytes_max);
    if (made.memory_max < needed) {
        problems.add(
            values.table("agent").place("memory_max"),
            fmt::format(
                "{} MiB are too little for batches of {} KiB ([output] batch_bytes_max): write {} MiB "
                "or more",
                made.memory_max >> 20,
                made.batch_bytes_max >> 10,
                (needed + (1u << 20) - 1) >> 20
            )
        );
    }
}

/// A pattern with a slash is compared with whole paths, so one that begins nowhere matches nothing.
void check_excludes(const config::Values& values, config::Problems& problems) {
    for (const config::Table& table : values.tables("input.file")) {
        for (const std::string& pattern : table.list("exclude")) {
            const bool has_place = pattern.starts_with('/') || pattern.starts_with("**/");
            if (pattern.find('/') != std::string::npos && !has_place) {
                problems.add(
                    table.place("exclude"),
                    fmt::format(
                        "\"{0}\" excludes nothing: with a slash it is a whole path; write \"**/{0}\" or an "
                        "absolute path",
                        pattern
                    )
                );
            }
        }
    }
}

}  // namespace

const config::Schema& agent_schema() {
    return schema;
}

AgentConfig AgentConfig::from(const config::Values& values, config::Problems& problems) {
    AgentConfig made;
    const config::Table& agent = values.table("agent");
    made.host = agent.text("host");
    made.state_dir = agent.text("state_dir");
    made.log_level = log_level_of(agent.text("log_level"));
    made.http = agent.host_port("http");
    made.shutdown_timeout = agent.duration("shutdown_timeout");
    made.memory_max = static_cast<std::uint64_t>(agent.size("memory_max"));
    made.open_files_max = static_cast<std::uint32_t>(agent.integer("open_files_max"));
    made.backend = backend_of(values.table("io").text("backend"));

    const config::Table& output = values.table("output");
    made.collectors = output.host_ports("collectors");
    made.topic = output.text("topic");
    made.compression = output.text("compression") == "none" ? Compression::none : Compression::lz4;
    made.batch_bytes_max = static_cast<std::uint32_t>(output.size("batch_bytes_max"));
    made.batch_age_max = output.duration("batch_age_max");
    made.headers = output.list("headers");
    made.in_flight_bytes_max = values.table("output.limits").size("in_flight_bytes_max");

    for (const config::Table& table : values.tables("input.file")) {
        made.file_inputs.push_back(file_input_from(table, made.topic));
    }
    check_memory(made, values, problems);
    check_names(values, problems);
    check_topics(values, problems);
    check_excludes(values, problems);
    return made;
}

LoadedAgentConfig load_agent_config(const config::LoadRequest& request) {
    LoadedAgentConfig made;
    made.loaded = config::load(schema, request);
    made.config = AgentConfig::from(made.loaded.values, made.loaded.problems);
    return made;
}

}  // namespace logboom::agent
