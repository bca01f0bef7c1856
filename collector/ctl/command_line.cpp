#include "collector/ctl/command_line.h"

#include "collector/ctl/printable.h"
#include "collector/ctl/suggest.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace logboom::ctl {

namespace {

constexpr const char* examples = R"(
Examples:
  logboomctl topic list
  logboomctl topic create app --partitions 6
  logboomctl read app -e                       all records, then exit
  logboomctl read app -o -10 -e                the last 10 of each partition
  logboomctl read app -p 0 -o 100:200          a range of offsets
  logboomctl read app -o @-15m                 the last 15 minutes, then follow
  logboomctl read app -o '@2026-11-22T10:00:00Z:end' --json
  logboomctl read app -e --format '%T %h %v'

Exit codes: 0 success, 1 failed, 2 usage, 3 empty (--fail-empty), 4 not found, 5 denied, 6 unreachable,
7 timed out, 8 partial (--strict), 9 conflict, 130 interrupted, 143 terminated.
)";

constexpr const char* offset_help =
    "start | end | N | +N | -N | A:B | :B | @TIME | @T1:T2 | @T1:end (default: start)";

/// What the flags leave behind, before it is checked as a whole.
struct Flags {
    std::string brokers = "127.0.0.1:9092";
    std::string format;
    bool json = false;
    std::string zone = "local";
    std::string time_format;
    std::string timeout = "10s";
    bool quiet = false;

    std::vector<std::string> topic_names;
    std::int32_t partitions = 0;
    std::int16_t replicas = 0;
    std::vector<std::string> configs;
    bool if_not_exists = false;
    bool dry_run = false;

    std::string topic;
    std::string partition_list;
    std::string offset = "start";
    bool from_beginning = false;
    std::uint64_t records_max = 0;
    bool exit_at_end = false;
    bool follow = false;
    bool fail_empty = false;
    bool strict = false;
};

struct Commands {
    CLI::App* topic = nullptr;
    CLI::App* topic_list = nullptr;
    CLI::App* topic_create = nullptr;
    CLI::App* read = nullptr;
    CLI::Option* records_max = nullptr;
    CLI::Option* partitions = nullptr;
    CLI::Option* replicas = nullptr;
};

void add_global_flags(CLI::App& app, Flags& flags) {
    app.add_option(
           "-b,--brokers,--bootstrap,--bootstrap-server",
           flags.brokers,
           "Kafka listeners HOST:PORT,..."
    )
        ->envname("LOGBOOM_BROKERS")
        ->capture_default_str();
    app.add_option(
        "--format", flags.format, "text, wide, json, ndjson, raw, or a template such as '%T %h %v'"
    );
    app.add_flag("-J,--json", flags.json, "json for lists, ndjson for records");
    app.add_option("--tz", flags.zone, "local or utc: how times are read and shown")
        ->envname("LOGBOOM_TZ")
        ->check(CLI::IsMember({"local", "utc"}))
        ->capture_default_str();
    app.add_option(
        "--time-format",
        flags.time_format,
        "rfc3339, rfc3339ns, short, epoch, epoch-ms, epoch-ns or none"
    );
    app.add_option("--timeout", flags.timeout, "of one control call: 500ms, 10s, 2m")
        ->capture_default_str();
    app.add_flag("-q,--quiet", flags.quiet, "no hints on standard error");
}

void add_topic_commands(CLI::App& app, Flags& flags, Commands& commands) {
    commands.topic = app.add_subcommand("topic", "List and create topics");
    commands.topic->require_subcommand(1)->fallthrough();
    commands.topic_list =
        commands.topic->add_subcommand("list", "All topics with their partitions");
    commands.topic_list->fallthrough();
    commands.topic_create = commands.topic->add_subcommand("create", "Create topics");
    CLI::App& create = *commands.topic_create;
    create.fallthrough();
    create.add_option("NAME", flags.topic_names, "1-249 of letters, digits, '.', '_', '-'")
        ->required();
    commands.partitions =
        create
            .add_option(
                "-p,--partitions", flags.partitions, "number of partitions (default: the broker's)"
            )
            ->check(CLI::PositiveNumber);
    commands.replicas =
        create
            .add_option("-r,--replicas", flags.replicas, "copies of each (default: the broker's)")
            ->check(CLI::PositiveNumber);
    create.add_option("-c,--config", flags.configs, "KEY=VALUE, repeatable")
        ->allow_extra_args(false);
    create.add_flag("--if-not-exists", flags.if_not_exists, "an existing topic is fine");
    create.add_flag("--dry-run", flags.dry_run, "check only");
}

void add_read_command(CLI::App& app, Flags& flags, Commands& commands) {
    commands.read = app.add_subcommand("read", "Read a topic by offset, partition by partition");
    CLI::App& read = *commands.read;
    read.fallthrough();
    read.add_option("TOPIC", flags.topic, "topic to read")->required();
    read.add_option("-p,--partition", flags.partition_list, "partitions: 0,3,5-8 (default: all)");
    read.add_option("-o,--offset", flags.offset, offset_help);
    read.add_flag("--from-beginning", flags.from_beginning, "the same as -o start");
    commands.records_max =
        read.add_option(
                "-n,-c,--max,--max-messages", flags.records_max, "stop after N records in total"
        )
            ->check(CLI::PositiveNumber);
    read.add_flag("-e,--exit-at-end", flags.exit_at_end, "stop at the end offsets seen at start");
    read.add_flag("-f,--follow", flags.follow, "go on with what arrives (the default without -e)");
    read.add_flag("--fail-empty", flags.fail_empty, "exit 3 when nothing was read");
    read.add_flag("--strict", flags.strict, "exit 8 when --max ended the read");
}

Failure usage(std::string what, std::string hint = {}) {
    return Failure{.exit_code = ExitCode::usage, .what = std::move(what), .hint = std::move(hint)};
}

/// The value of a flag that begins with a dash (`-o -10`) is joined to it: the parser would take it for
/// a flag of its own.
std::vector<std::string> join_dashed_values(std::vector<std::string> words) {
    std::vector<std::string> joined;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool is_offset = words[i] == "-o" || words[i] == "--offset";
        if (is_offset && i + 1 < words.size()) {
            joined.push_back("--offset=" + words[i + 1]);
            ++i;
        } else {
            joined.push_back(std::move(words[i]));
        }
    }
    return joined;
}

std::optional<Nanos> parse_timeout(const std::string& text) {
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    constexpr std::int64_t count_max = 1'000'000;
    if (parsed.ec != std::errc() || count <= 0 || count > count_max) {
        return std::nullopt;
    }
    const std::string_view unit(
        parsed.ptr, static_cast<std::size_t>(text.data() + text.size() - parsed.ptr)
    );
    if (unit == "ms") {
        return Millis(count);
    }
    if (unit == "s" || unit.empty()) {
        return std::chrono::seconds(count);
    }
    return unit == "m" ? std::optional<Nanos>(std::chrono::minutes(count)) : std::nullopt;
}

/// "0,3,5-8".
std::optional<std::vector<std::int32_t>> parse_partitions(std::string_view text) {
    std::vector<std::int32_t> partitions;
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        const char* const end = item.data() + item.size();
        std::int32_t first = 0;
        auto parsed = std::from_chars(item.data(), end, first);
        if (parsed.ec != std::errc() || first < 0) {
            return std::nullopt;
        }
        std::int32_t last = first;
        if (parsed.ptr != end && *parsed.ptr == '-') {
            parsed = std::from_chars(parsed.ptr + 1, end, last);
        }
        if (parsed.ec != std::errc() || parsed.ptr != end || last < first
            || last - first >= limits::partitions_per_topic_max) {
            return std::nullopt;
        }
        for (std::int32_t index = first; index <= last; ++index) {
            partitions.push_back(index);
        }
    }
    std::ranges::sort(partitions);
    const auto repeated = std::ranges::unique(partitions);
    partitions.erase(repeated.begin(), repeated.end());
    return partitions;
}

Outcome<std::vector<BrokerAddress>> parse_brokers(std::string_view text) {
    std::vector<BrokerAddress> brokers;
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        auto address = parse_broker_address(item);
        if (!address.has_value()) {
            return usage("'" + printable(item) + "' is no broker address", "-b lb1:9092,lb2:9092");
        }
        brokers.push_back(std::move(*address));
    }
    if (brokers.empty()) {
        return usage("no broker is named", "-b lb1:9092");
    }
    return brokers;
}

std::optional<TimeFormat> parse_time_format(const std::string& text) {
    const std::map<std::string, TimeFormat> formats = {
        {"", TimeFormat::short_time},
        {"short", TimeFormat::short_time},
        {"rfc3339", TimeFormat::rfc3339},
        {"rfc3339ns", TimeFormat::rfc3339ns},
        {"epoch", TimeFormat::epoch},
        {"epoch-ms", TimeFormat::epoch_ms},
        {"epoch-ns", TimeFormat::epoch_ns},
        {"none", TimeFormat::none}};
    const auto found = formats.find(text);
    return found == formats.end() ? std::nullopt : std::optional(found->second);
}

Outcome<ListFormat> list_format(const Flags& flags) {
    if (flags.json || flags.format == "json") {
        return ListFormat::json;
    }
    if (flags.format.empty() || flags.format == "text") {
        return ListFormat::text;
    }
    return usage("lists have no format '" + printable(flags.format) + "'; it is one of text, json");
}

Outcome<TopicCreateOptions> create_options(const Flags& flags, const Commands& commands) {
    TopicCreateOptions options;
    options.names = flags.topic_names;
    options.is_existing_fine = flags.if_not_exists;
    options.is_dry_run = flags.dry_run;
    if (commands.partitions->count() > 0) {
        options.partitions = flags.partitions;
    }
    if (commands.replicas->count() > 0) {
        options.replicas = flags.replicas;
    }
    for (const std::string& config : flags.configs) {
        const std::size_t equals = config.find('=');
        if (equals == std::string::npos || equals == 0) {
            return usage(
                "'" + printable(config) + "' is no setting", "--config retention.ms=86400000"
            );
        }
        options.configs.push_back(TopicConfig{config.substr(0, equals), config.substr(equals + 1)});
    }
    LB_TRY(options.format, list_format(flags));
    return options;
}

Outcome<ReadOptions> read_options(const Flags& flags, const Commands& commands) {
    ReadOptions options;
    options.topic = flags.topic;
    auto partitions = parse_partitions(flags.partition_list);
    if (!partitions.has_value()) {
        return usage(
            "'" + printable(flags.partition_list) + "' is no list of partitions", "-p 0,3,5-8"
        );
    }
    options.partitions = std::move(*partitions);
    if (commands.records_max->count() > 0) {
        options.records_max = flags.records_max;
    }
    if (flags.follow && flags.exit_at_end) {
        return usage("--follow and --exit-at-end contradict each other");
    }
    options.should_exit_at_end = flags.exit_at_end;
    options.should_fail_if_empty = flags.fail_empty;
    options.is_strict = flags.strict;
    options.is_quiet = flags.quiet;
    return options;
}

Outcome<CommandLine> checked(const Flags& flags, const Commands& commands) {
    CommandLine line;
    LB_TRY(line.brokers, parse_brokers(flags.brokers));
    const auto timeout = parse_timeout(flags.timeout);
    if (!timeout.has_value()) {
        return usage("'" + printable(flags.timeout) + "' is no duration", "--timeout 10s");
    }
    line.timeout = *timeout;
    const auto time_format = parse_time_format(flags.time_format);
    if (!time_format.has_value()) {
        return usage(
            "'" + printable(flags.time_format) + "' is no time format", "--time-format rfc3339"
        );
    }
    const TimeZone zone = flags.zone == "utc" ? TimeZone::utc : TimeZone::local;
    line.format = FormatOptions{
        .format = flags.json ? "ndjson" : flags.format,
        .time_format = *time_format,
        .is_time_format_set = !flags.time_format.empty(),
        .zone = zone};
    line.offset_text = flags.from_beginning ? "start" : flags.offset;
    if (commands.topic_list->parsed()) {
        LB_TRY(const ListFormat format, list_format(flags));
        line.command = TopicListOptions{.format = format};
    } else if (commands.topic_create->parsed()) {
        LB_TRY(line.command, create_options(flags, commands));
    } else {
        LB_TRY(line.command, read_options(flags, commands));
        const auto format = make_record_format(line.format);
        if (const auto* const problem = std::get_if<std::string>(&format)) {
            return usage(printable(*problem));
        }
    }
    return line;
}

/// Names of commands and long flags that a mistyped word may have been meant to be.
std::vector<std::string> known_words(const CLI::App& app) {
    std::vector<std::string> words;
    for (const CLI::Option* const option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            words.push_back("--" + name);
        }
    }
    for (const CLI::App* const command :
         app.get_subcommands([](const CLI::App*) { return true; })) {
        words.push_back(command->get_name());
        const std::vector<std::string> inner = known_words(*command);
        words.insert(words.end(), inner.begin(), inner.end());
    }
    return words;
}

Failure failure_to_parse(const CLI::App& app, const CLI::ParseError& error) {
    const std::vector<std::string> left_over = app.remaining(true);
    if (left_over.empty()) {
        return usage(printable(error.what()), "logboomctl --help");
    }
    const std::string word = left_over.front().substr(0, left_over.front().find('='));
    std::string what = (word.starts_with("-") ? "unknown flag '" : "unknown command '")
                     + printable(word) + "'";
    const std::vector<std::string> near = nearest_names(word, known_words(app));
    if (!near.empty()) {
        what += ": did you mean '" + near.front() + "'?";
    }
    return usage(std::move(what), "logboomctl --help");
}

/// `-f` is --follow here and --format elsewhere; a template behind it shows which was meant.
std::optional<Failure> misplaced_template(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == "-f" && words[i + 1].find('%') != std::string::npos) {
            return usage(
                "-f means --follow here; for a template use --format '" + printable(words[i + 1])
                + "'"
            );
        }
    }
    return std::nullopt;
}

CommandLineEnd end_with(const Failure& failure) {
    return CommandLineEnd{
        .exit_code = failure.exit_code, .output = {}, .error = to_string(failure)};
}

}  // namespace

std::variant<CommandLine, CommandLineEnd> parse_command_line(std::vector<std::string> words) {
    CLI::App app("Reads and manages the logs that Logboom collectors keep.", "logboomctl");
    Flags flags;
    Commands commands;
    app.require_subcommand(1);
    app.footer(examples);
    app.set_version_flag("--version", "logboomctl " LB_VERSION);
    app.set_help_all_flag("--help-all", "help of all commands");
    add_global_flags(app, flags);
    add_topic_commands(app, flags, commands);
    add_read_command(app, flags, commands);
    for (CLI::App* const command : {commands.topic, commands.topic_create, commands.read}) {
        command->footer(examples);
    }

    if (const auto failure = misplaced_template(words); failure.has_value()) {
        return end_with(*failure);
    }
    words = join_dashed_values(std::move(words));
    try {
        std::vector<std::string> reversed(words.rbegin(), words.rend());
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        return CommandLineEnd{.exit_code = ExitCode::success, .output = app.help(), .error = {}};
    } catch (const CLI::CallForAllHelp&) {
        return CommandLineEnd{
            .exit_code = ExitCode::success,
            .output = app.help("", CLI::AppFormatMode::All),
            .error = {}};
    } catch (const CLI::CallForVersion&) {
        return CommandLineEnd{
            .exit_code = ExitCode::success, .output = app.version() + "\n", .error = {}};
    } catch (const CLI::ParseError& error) {
        return end_with(failure_to_parse(app, error));
    }
    auto line = checked(flags, commands);
    if (!line.has_value()) {
        return end_with(line.error());
    }
    return std::move(*line);
}

Outcome<OffsetSpec> offsets_of(const CommandLine& line, const WallTime now) {
    const auto offsets =
        parse_offset_spec(line.offset_text, TimeContext{.now = now, .zone = line.format.zone});
    if (const auto* const problem = std::get_if<std::string>(&offsets)) {
        return usage(printable(*problem));
    }
    return *std::get_if<OffsetSpec>(&offsets);
}

}  // namespace logboom::ctl
