#include "collector/ctl/global_flags.h"

#include "collector/ctl/agent_command.h"
#include "collector/ctl/printable.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace logboom::ctl {

namespace {

constexpr std::uint16_t kafka_port = 9092;

}  // namespace

void add_global_flags(CLI::App& app, GlobalFlags& flags) {
    app.add_option(
           "-b,--brokers,--bootstrap,--bootstrap-server",
           flags.brokers,
           "Kafka listeners HOST:PORT,..."
    )
        ->envname("LOGBOOM_BROKERS")
        ->capture_default_str();
    app.add_option("--api", flags.api, "the collector's HTTP door")
        ->envname("LOGBOOM_API")
        ->capture_default_str();
    app.add_option(
        "--format", flags.format, "text, wide, json, ndjson, raw, or a template such as '%T %h %v'"
    );
    app.add_flag("-J,--json", flags.json, "json for lists, ndjson for records");
    app.add_option("--color", flags.color, "auto, always or never (also NO_COLOR, CLICOLOR_FORCE)")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();
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

std::optional<Nanos> parse_duration(const std::string_view text) {
    std::int64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, count);
    constexpr std::int64_t count_max = 1'000'000;
    if (parsed.ec != std::errc() || count < 0 || count > count_max) {
        return std::nullopt;
    }
    const std::string_view unit(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
    if (unit == "ms") {
        return Millis(count);
    }
    if (unit == "s" || unit.empty()) {
        return std::chrono::seconds(count);
    }
    return unit == "m" ? std::optional<Nanos>(std::chrono::minutes(count)) : std::nullopt;
}

Outcome<std::vector<PeerAddress>> brokers_of(const GlobalFlags& flags) {
    std::vector<PeerAddress> brokers;
    std::string_view text = flags.brokers;
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        auto address = parse_peer_address(item, kafka_port);
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

Outcome<PeerAddress> api_of(const GlobalFlags& flags) {
    auto address = parse_api_address(flags.api);
    if (!address.has_value()) {
        return usage("'" + printable(flags.api) + "' is no API address", "--api http://lb1:7462");
    }
    return std::move(*address);
}

Outcome<Nanos> timeout_of(const GlobalFlags& flags) {
    const auto timeout = parse_duration(flags.timeout);
    if (!timeout.has_value() || *timeout == Nanos::zero()) {
        return usage("'" + printable(flags.timeout) + "' is no duration", "--timeout 10s");
    }
    return *timeout;
}

TimeZone zone_of(const GlobalFlags& flags) noexcept {
    return flags.zone == "utc" ? TimeZone::utc : TimeZone::local;
}

ColorWish color_of(const GlobalFlags& flags) noexcept {
    if (flags.color == "always") {
        return ColorWish::always;
    }
    return flags.color == "never" ? ColorWish::never : ColorWish::automatic;
}

Outcome<ListFormat> list_format_of(const GlobalFlags& flags) {
    if (flags.json || flags.format == "json") {
        return ListFormat::json;
    }
    if (flags.format.empty() || flags.format == "text") {
        return ListFormat::text;
    }
    return usage("lists have no format '" + printable(flags.format) + "'; it is one of text, json");
}

Outcome<FormatOptions> record_format_of(const GlobalFlags& flags) {
    const std::map<std::string, TimeFormat> formats = {
        {"", TimeFormat::short_time},
        {"short", TimeFormat::short_time},
        {"rfc3339", TimeFormat::rfc3339},
        {"rfc3339ns", TimeFormat::rfc3339ns},
        {"epoch", TimeFormat::epoch},
        {"epoch-ms", TimeFormat::epoch_ms},
        {"epoch-ns", TimeFormat::epoch_ns},
        {"none", TimeFormat::none}};
    const auto time_format = formats.find(flags.time_format);
    if (time_format == formats.end()) {
        return usage(
            "'" + printable(flags.time_format) + "' is no time format", "--time-format rfc3339"
        );
    }
    FormatOptions options;
    options.format = flags.json ? "ndjson" : flags.format;
    options.time_format = time_format->second;
    options.is_time_format_set = !flags.time_format.empty();
    options.zone = zone_of(flags);
    const auto made = make_record_format(options);
    if (const auto* const problem = std::get_if<std::string>(&made)) {
        return usage(printable(*problem));
    }
    return options;
}

}  // namespace logboom::ctl
