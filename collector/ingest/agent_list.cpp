#include "collector/ingest/agent_list.h"

#include "shared/json/json_writer.h"

#include <fmt/format.h>

namespace logboom::ingest {

namespace {

std::string rfc3339(const WallTime time) {
    const auto since_epoch = std::chrono::floor<Millis>(time.time_since_epoch());
    const std::chrono::sys_time<Millis> moment(since_epoch);
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<Millis> clock(moment - day);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        clock.hours().count(),
        clock.minutes().count(),
        clock.seconds().count(),
        clock.subseconds().count()
    );
}

/// What an agent says of itself are bytes from outside: JSON takes UTF-8, and names have a length.
std::string plain(const std::string_view foreign) {
    constexpr std::size_t bytes_max = 255;
    std::string text;
    for (const char c : foreign.substr(0, bytes_max)) {
        const bool is_plain = c >= ' ' && c <= '~';
        text += is_plain ? std::string(1, c)
                         : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return text;
}

}  // namespace

std::string agents_as_json(const std::vector<KnownAgent>& agents) {
    json::JsonWriter json;
    json.begin_array();
    for (const KnownAgent& agent : agents) {
        const std::string last_seen = rfc3339(agent.last_seen);
        const bool is_connected = agent.connections != 0;
        json.begin_object();
        json.text_field("agent", to_hex(agent.id));
        json.text_field("host", plain(agent.facts.host));
        json.text_field("version", plain(agent.facts.version));
        json.text_field("state", is_connected ? "ok" : "offline");
        json.number_field("connections", agent.connections);
        json.text_field("last_seen", last_seen);
        json.key("reason");
        if (is_connected) {
            json.null();
        } else {
            json.text("not connected since " + last_seen);
        }
        json.end_object();
    }
    json.end_array();
    return json.take();
}

}  // namespace logboom::ingest
