// Flags that stand before or after every command, and what they mean.
#pragma once

#include "collector/ctl/connect.h"
#include "collector/ctl/list_format.h"
#include "collector/ctl/paint.h"
#include "collector/ctl/record_format.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace logboom::ctl {

/// As they were written.
struct GlobalFlags {
    std::string brokers = "127.0.0.1:9092";
    std::string api = "http://127.0.0.1:7462";
    std::string format;
    bool json = false;
    std::string color = "auto";
    std::string zone = "local";
    std::string time_format;
    std::string timeout = "10s";
    bool quiet = false;
};

/// `flags` outlives the app.
void add_global_flags(CLI::App& app, GlobalFlags& flags);

[[nodiscard]] Outcome<std::vector<PeerAddress>> brokers_of(const GlobalFlags& flags);
[[nodiscard]] Outcome<PeerAddress> api_of(const GlobalFlags& flags);
[[nodiscard]] Outcome<Nanos> timeout_of(const GlobalFlags& flags);
[[nodiscard]] TimeZone zone_of(const GlobalFlags& flags) noexcept;
[[nodiscard]] ColorWish color_of(const GlobalFlags& flags) noexcept;
/// How lists are written.
[[nodiscard]] Outcome<ListFormat> list_format_of(const GlobalFlags& flags);
/// How records are written, colours apart.
[[nodiscard]] Outcome<FormatOptions> record_format_of(const GlobalFlags& flags);

/// "500ms", "10s", "2m", "10": seconds.
[[nodiscard]] std::optional<Nanos> parse_duration(std::string_view text);

}  // namespace logboom::ctl
