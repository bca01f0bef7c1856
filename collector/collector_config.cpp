#include "collector/collector_config.h"

#include "shared/base/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace logboom::collector {
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
    {.name = "node"},
    {.name = "io"},
    {.name = "listener",
     .kind = SectionKind::list,
     .doc = "one table per protocol",
     .initial = "[[listener]]\n"
                "protocol = \"kafka\"\n"
                "listen = \"127.0.0.1:9092\"\n"
                "\n"
                "[[listener]]\n"
                "protocol = \"agents\"\n"
                "listen = \"127.0.0.1:7460\"\n"
                "\n"
                "[[listener]]\n"
                "protocol = \"http\"\n"
                "listen = \"127.0.0.1:7462\"\n"},
    {.name = "security"},
    {.name = "topic_defaults", .doc = "of topics that are created without their own values"},
    {.name = "storage"},
    {.name = "limits"},
};

constexpr Option options[] = {
    {.section = "node",
     .key = "id",
     .type = ValueType::integer,
     .example = "1",
     .doc = "unique small integer; kept in the data directory after first start",
     .min = 0,
     .max = 1'000'000},
    {.section = "node",
     .key = "rack",
     .type = ValueType::text,
     .example = "\"dc1-a\"",
     .doc = "where the node stands"},
    {.section = "node",
     .key = "data_dirs",
     .type = ValueType::path_list,
     .initial = "[\"/var/lib/logboom-collector\"]",
     .doc = "where the logs are kept"},
    {.section = "node",
     .key = "shards",
     .type = ValueType::integer,
     .initial = "0",
     .doc = "threads with a ring each; 0 = one per core",
     .min = 0,
     .max = limits::shards_max},
    {.section = "node",
     .key = "pin",
     .type = ValueType::boolean,
     .initial = "false",
     .doc = "pins each shard to a core; not for several collectors on one machine"},
    {.section = "node",
     .key = "shutdown_timeout",
     .type = ValueType::duration,
     .initial = "\"30s\"",
     .doc = "how long a stop waits for requests in work",
     .min = 0,
     .max = in_ns(1h)},
    {.section = "node",
     .key = "log_level",
     .type = ValueType::choice,
     .initial = "\"info\"",
     .doc = "of the collector's own log",
     .choices = "debug|info|warn|error",
     .reload = Reload::reloadable},

    {.section = "io",
     .key = "backend",
     .type = ValueType::choice,
     .initial = "\"uring\"",
     .doc = "poll: epoll and threads, for hosts that refuse io_uring",
     .choices = "uring|poll"},

    {.section = "listener",
     .key = "protocol",
     .type = ValueType::choice,
     .example = "\"kafka\"",
     .choices = "kafka|agents|http",
     .presence = Presence::required},
    {.section = "listener",
     .key = "listen",
     .type = ValueType::host_port,
     .example = "\"127.0.0.1:9092\"",
     .doc = "numeric address; port 0 takes any free one",
     .presence = Presence::required},
    {.section = "listener",
     .key = "advertise",
     .type = ValueType::host_port,
     .example = "\"lb1.example:9092\"",
     .doc = "the address clients are told; default: the one listened on"},

    {.section = "security",
     .key = "insecure",
     .type = ValueType::boolean,
     .initial = "false",
     .doc = "allows listeners beyond loopback without TLS and authentication"},

    {.section = "topic_defaults",
     .key = "partitions",
     .type = ValueType::integer,
     .initial = "6",
     .min = 1,
     .max = limits::partitions_per_topic_max,
     .reload = Reload::reloadable},
    {.section = "topic_defaults",
     .key = "retention_time",
     .type = ValueType::duration,
     .initial = "\"7d\"",
     .doc = "log files whose newest record is older are deleted; 0 = never",
     .min = 0,
     .max = in_ns(24h * 36500)},
    {.section = "topic_defaults",
     .key = "retention_bytes",
     .type = ValueType::size,
     .initial = "\"0\"",
     .doc = "of a partition; the oldest log files above it are deleted; 0 = no bound",
     .min = 0},
    {.section = "topic_defaults",
     .key = "segment_bytes",
     .type = ValueType::size,
     .initial = "\"256MiB\"",
     .doc = "a log file is rolled at this size",
     .min = limits::segment_bytes_min,
     .max = std::numeric_limits<std::int32_t>::max(),
     .reload = Reload::reloadable},
    {.section = "topic_defaults",
     .key = "auto_create",
     .type = ValueType::boolean,
     .initial = "true",
     .doc = "topics are created by their first use",
     .reload = Reload::reloadable},

    {.section = "storage",
     .key = "tail_cache_bytes",
     .type = ValueType::size,
     .initial = "\"32MiB\"",
     .doc =
         "what was appended last stays in memory: consumers at the end of a log do not touch the disk; of "
         "each shard",
     .min = 0,
     .max = limits::tail_cache_bytes_max},
    {.section = "storage",
     .key = "retention_interval",
     .type = ValueType::duration,
     .initial = "\"30s\"",
     .doc =
         "how often the logs are looked at for segments that are old enough to be closed or deleted",
     .min = in_ns(100ms),
     .max = in_ns(24h)},

    {.section = "limits",
     .key = "max_message_bytes",
     .type = ValueType::size,
     .initial = "\"8MiB\"",
     .doc = "largest record batch, at every door; a longest line with its headers must fit",
     .min = limits::line_bytes_max + limits::record_headers_bytes_max + limits::batch_header_bytes,
     .max = limits::batch_bytes_max},
    {.section = "limits",
     .key = "connections",
     .type = ValueType::integer,
     .initial = "20000",
     .doc = "of one listener; ten thousand agents reconnect at once",
     .min = 1,
     .max = limits::connections_max},
    {.section = "limits",
     .key = "producer_expiration",
     .type = ValueType::duration,
     .initial = "\"24h\"",
     .doc = "an idempotent Kafka producer that was silent for so long is forgotten",
     .min = in_ns(1min),
     .max = in_ns(24h * 36500)},
};

constexpr config::Schema schema{
    .program = "logboom-collector",
    .intro =
        "Logboom collector. What is commented out shows its default or an example. An empty file is one\n"
        "node on loopback. Nothing listens on other addresses until `insecure = true` is set.\n"
        "Check with: logboom-collector check",
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

ListenerProtocol protocol_of(const std::string& text) noexcept {
    if (text == "agents") {
        return ListenerProtocol::agents;
    }
    return text == "http" ? ListenerProtocol::http : ListenerProtocol::kafka;
}

bool is_loopback(const std::string& host) noexcept {
    return host == "::1" || host == "localhost" || host.starts_with("127.");
}

bool is_wildcard(const std::string& host) noexcept {
    return host.empty() || host == "0.0.0.0" || host == "::" || host == "*";
}

/// What clients would be told to connect to.
void check_advertised(const config::Table& table, config::Problems& problems) {
    const std::optional<config::HostPort> listen = table.host_port("listen");
    const std::optional<config::HostPort> advertise = table.host_port("advertise");
    if (table.text("protocol") != "kafka" || !listen.has_value()) {
        return;
    }
    if (!advertise.has_value() && is_wildcard(listen->host)) {
        problems.add(
            table.place("listen"),
            fmt::format(
                "{} is no address that a client can connect to", config::to_string(*listen)
            ),
            "set advertise = \"HOST:PORT\" to what clients reach this node by"
        );
    } else if (advertise.has_value() && is_wildcard(advertise->host)) {
        problems.add(
            table.place("advertise"),
            fmt::format(
                "{} is no address that a client can connect to", config::to_string(*advertise)
            )
        );
    }
}

void check_data_dirs(const config::Values& values, config::Problems& problems) {
    const config::Table& node = values.table("node");
    if (node.list("data_dirs").size() > 1) {
        problems.add(
            node.place("data_dirs"), "one data directory is served", "leave the others out"
        );
    }
}

void check_listeners(const config::Values& values, config::Problems& problems) {
    const bool is_insecure = values.table("security").boolean("insecure");
    std::map<std::string, config::Place> seen;
    for (const config::Table& table : values.tables("listener")) {
        const std::string& protocol = table.text("protocol");
        const auto [first, is_new] = seen.emplace(protocol, table.place("protocol"));
        if (!protocol.empty() && !is_new) {
            problems.add(
                table.place("protocol"),
                fmt::format(
                    "two listeners for \"{}\", the first at {}",
                    protocol,
                    problems.where(first->second)
                )
            );
        }
        check_advertised(table, problems);
        const std::optional<config::HostPort> listen = table.host_port("listen");
        if (listen.has_value() && !is_insecure && !is_loopback(listen->host)) {
            problems.add(
                table.place("listen"),
                fmt::format(
                    "{} is not loopback, and nothing protects it", config::to_string(*listen)
                ),
                "set insecure = true in [security] if the network is trusted"
            );
        }
    }
}

}  // namespace

const config::Schema& collector_schema() {
    return schema;
}

const ListenerConfig* CollectorConfig::listener(const ListenerProtocol protocol) const noexcept {
    const auto found =
        std::find_if(listeners.begin(), listeners.end(), [&](const ListenerConfig& listener) {
            return listener.protocol == protocol;
        });
    return found == listeners.end() ? nullptr : &*found;
}

CollectorConfig CollectorConfig::from(const config::Values& values, config::Problems& problems) {
    CollectorConfig made;
    const config::Table& node = values.table("node");
    if (node.has("id")) {
        made.id = BrokerId(static_cast<std::int32_t>(node.integer("id")));
    }
    made.rack = node.text("rack");
    made.data_dirs = node.list("data_dirs");
    made.backend = values.table("io").text("backend") == "poll" ? io::BackendChoice::poll
                                                                : io::BackendChoice::uring;
    made.shards = static_cast<std::uint32_t>(node.integer("shards"));
    made.pin = node.boolean("pin");
    made.log_level = log_level_of(node.text("log_level"));
    made.shutdown_timeout = node.duration("shutdown_timeout");

    for (const config::Table& table : values.tables("listener")) {
        ListenerConfig listener;
        listener.protocol = protocol_of(table.text("protocol"));
        listener.listen = table.host_port("listen").value_or(config::HostPort());
        listener.advertise = table.host_port("advertise");
        made.listeners.push_back(std::move(listener));
    }
    made.insecure = values.table("security").boolean("insecure");

    const config::Table& topic_defaults = values.table("topic_defaults");
    made.partitions = static_cast<std::int32_t>(topic_defaults.integer("partitions"));
    made.segment_bytes = topic_defaults.size("segment_bytes");
    made.retention_time = topic_defaults.duration("retention_time");
    made.retention_bytes = topic_defaults.size("retention_bytes");
    made.auto_create = topic_defaults.boolean("auto_create");

    const config::Table& storage = values.table("storage");
    made.tail_cache_bytes = storage.size("tail_cache_bytes");
    made.retention_interval = storage.duration("retention_interval");

    const config::Table& limits = values.table("limits");
    made.message_bytes_max = static_cast<std::uint32_t>(limits.size("max_message_bytes"));
    made.connections_max = static_cast<std::uint32_t>(limits.integer("connections"));
    made.producer_expiration = limits.duration("producer_expiration");
    check_data_dirs(values, problems);
    check_listeners(values, problems);
    return made;
}

std::vector<std::string> dev_settings(const std::string& data_dir) {
    return {
        "node.data_dirs=" + data_dir,
        "node.shards=1",
        "node.pin=false",
        "topic_defaults.partitions=1",
        "topic_defaults.auto_create=true",
    };
}

LoadedCollectorConfig load_collector_config(const config::LoadRequest& request) {
    LoadedCollectorConfig made;
    made.loaded = config::load(schema, request);
    made.config = CollectorConfig::from(made.loaded.values, made.loaded.problems);
    return made;
}

}  // namespace logboom::collector
