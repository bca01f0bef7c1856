// Times as people write them on a command line, and as they are shown.
#pragma once

#include "shared/base/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace logboom::ctl {

/// How times without a zone are read and how all are shown.
enum class TimeZone : std::uint8_t { utc, local };

struct TimeContext {
    WallTime now;
    TimeZone zone = TimeZone::local;
};

enum class TimeFormat : std::uint8_t {
    rfc3339,
    rfc3339ns,
    short_time,
    epoch,
    epoch_ms,
    epoch_ns,
    none
};

/// A time, or what is wrong with the text.
using ParsedTime = std::variant<WallTime, std::string>;

/// Reads RFC 3339; `2026-11-22`, `2026-11-22 10:00[:05[.123456789]]` in the context's zone; epochs of 10
/// (s), 13 (ms), 16 (us) or 19 (ns) digits; `-15m`, `90s`, `2d`, `1h ago`: before now; `now`,
/// `today`, `yesterday`. A local time that the zone has twice or never is refused.
[[nodiscard]] ParsedTime parse_time(std::string_view text, const TimeContext& context);

/// `nanos` since the epoch as text. rfc3339 has milliseconds, rfc3339ns nanoseconds; `short_time` is
/// the time of day with milliseconds; `none` is empty.
[[nodiscard]] std::string format_time(std::int64_t nanos, TimeFormat format, TimeZone zone);

/// The same through strftime(3), for patterns of the user's.
[[nodiscard]] std::string format_time_as(
    std::int64_t nanos, const std::string& pattern, TimeZone zone
);

}  // namespace logboom::ctl
