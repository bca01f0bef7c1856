#include "collector/ctl/time_text.h"

#include "shared/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>

namespace logboom::ctl {

namespace {

constexpr std::int64_t nanos_per_second = 1'000'000'000;

/// A calendar time as written, without a zone.
struct CivilTime {
    int year = 1970;
    int month = 1;
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    std::int64_t nanos = 0;
};

WallTime from_nanos(const std::int64_t nanos) {
    return WallTime(Nanos(nanos));
}

bool is_digit(const char c) noexcept {
    return c >= '0' && c <= '9';
}

/// A cursor over the text that takes what it expects.
class Scanner {
public:
    explicit Scanner(const std::string_view text) noexcept : text_(text) {}

    [[nodiscard]] bool at_end() const noexcept { return text_.empty(); }
    [[nodiscard]] bool take(const char c) noexcept {
        if (text_.empty() || text_.front() != c) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }
    /// Exactly `digits` digits.
    [[nodiscard]] std::optional<int> number(const std::size_t digits) noexcept {
        if (text_.size() < digits || !std::ranges::all_of(text_.substr(0, digits), is_digit)) {
            return std::nullopt;
        }
        int value = 0;
        std::from_chars(text_.data(), text_.data() + digits, value);
        text_.remove_prefix(digits);
        return value;
    }
    /// Up to nine digits behind a point.
    [[nodiscard]] std::optional<std::int64_t> fraction() noexcept {
        std::int64_t nanos = 0;
        std::int64_t unit = nanos_per_second / 10;
        std::size_t digits = 0;
        while (!text_.empty() && is_digit(text_.front()) && digits < 9) {
            nanos += (text_.front() - '0') * unit;
            unit /= 10;
            ++digits;
            text_.remove_prefix(1);
        }
        return digits == 0 ? std::nullopt : std::optional(nanos);
    }

private:
    std::string_view text_;
};

bool is_plausible(const CivilTime& t) noexcept {
    constexpr int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > days[t.month - 1]) {
        return false;
    }
    const bool is_leap = (t.year % 4 == 0 && t.year % 100 != 0) || t.year % 400 == 0;
    return (t.month != 2 || t.day < 29 || is_leap) && t.hour < 24 && t.minute < 60 && t.second < 60;
}

/// Whether 64 bits of nanoseconds hold it, in any zone.
bool is_representable(const CivilTime& t) noexcept {
    return t.year >= 1678 && t.year <= 2261;
}

ParsedTime out_of_range() {
    return "times are of the years 1678 to 2261";
}

std::tm to_tm(const CivilTime& t) noexcept {
    std::tm fields{};
    fields.tm_year = t.year - 1900;
    fields.tm_mon = t.month - 1;
    fields.tm_mday = t.day;
    fields.tm_hour = t.hour;
    fields.tm_min = t.minute;
    fields.tm_sec = t.second;
    return fields;
}

std::int64_t seconds_in_utc(const CivilTime& t) noexcept {
    std::tm fields = to_tm(t);
    return timegm(&fields);
}

std::string with_zone_of(const std::int64_t seconds) {
    return format_time(seconds * nanos_per_second, TimeFormat::rfc3339, TimeZone::local);
}

/// The instant at which local clocks show `t`; a text if there are two or none.
std::variant<std::int64_t, std::string> seconds_in_local_time(const CivilTime& t) {
    std::optional<std::int64_t> found;
    for (const int is_dst : {0, 1}) {
        std::tm fields = to_tm(t);
        fields.tm_isdst = is_dst;
        const std::time_t seconds = mktime(&fields);
        const bool is_same_clock = fields.tm_hour == t.hour && fields.tm_min == t.minute
                                && fields.tm_mday == t.day && fields.tm_isdst == is_dst;
        if (!is_same_clock) {
            continue;
        }
        if (found.has_value() && *found != seconds) {
            return "this local time exists twice: " + with_zone_of(*found) + " and "
                 + with_zone_of(seconds);
        }
        found = seconds;
    }
    if (!found.has_value()) {
        return std::string("this local time does not exist: clocks skip it");
    }
    return *found;
}

/// "Z", "+01:00".
std::optional<int> take_zone_seconds(Scanner& scanner) {
    if (scanner.take('Z') || scanner.take('z')) {
        return 0;
    }
    const int sign = scanner.take('-') ? -1 : (scanner.take('+') ? 1 : 0);
    if (sign == 0) {
        return std::nullopt;
    }
    const auto hours = scanner.number(2);
    const bool has_colon = scanner.take(':');
    const auto minutes = scanner.number(2);
    if (!hours.has_value() || !has_colon || !minutes.has_value() || *hours > 23 || *minutes > 59) {
        return std::nullopt;
    }
    return sign * (*hours * 3600 + *minutes * 60);
}

std::optional<CivilTime> take_date(Scanner& scanner) {
    CivilTime t;
    const auto year = scanner.number(4);
    if (!year.has_value() || !scanner.take('-')) {
        return std::nullopt;
    }
    const auto month = scanner.number(2);
    if (!month.has_value() || !scanner.take('-')) {
        return std::nullopt;
    }
    const auto day = scanner.number(2);
    if (!day.has_value()) {
        return std::nullopt;
    }
    t.year = *year;
    t.month = *month;
    t.day = *day;
    return t;
}

bool take_time_of_day(Scanner& scanner, CivilTime& t) {
    const auto hour = scanner.number(2);
    if (!hour.has_value() || !scanner.take(':')) {
        return false;
    }
    const auto minute = scanner.number(2);
    if (!minute.has_value()) {
        return false;
    }
    t.hour = *hour;
    t.minute = *minute;
    if (!scanner.take(':')) {
        return true;
    }
    const auto second = scanner.number(2);
    if (!second.has_value()) {
        return false;
    }
    t.second = *second;
    if (!scanner.take('.')) {
        return true;
    }
    const auto nanos = scanner.fraction();
    t.nanos = nanos.value_or(0);
    return nanos.has_value();
}

ParsedTime in_zone(const CivilTime& t, const TimeZone zone) {
    if (zone == TimeZone::utc) {
        return from_nanos(seconds_in_utc(t) * nanos_per_second + t.nanos);
    }
    const auto seconds = seconds_in_local_time(t);
    if (const auto* const problem = std::get_if<std::string>(&seconds)) {
        return *problem;
    }
    return from_nanos(*std::get_if<std::int64_t>(&seconds) * nanos_per_second + t.nanos);
}

/// Nothing when the text is no date at all.
std::optional<ParsedTime> parse_date(const std::string_view text, const TimeZone zone) {
    Scanner scanner(text);
    auto t = take_date(scanner);
    if (!t.has_value()) {
        return std::nullopt;
    }
    if (scanner.at_end()) {
        if (!is_plausible(*t)) {
            return ParsedTime("there is no such day");
        }
        return is_representable(*t) ? in_zone(*t, zone) : out_of_range();
    }
    const bool has_separator = scanner.take('T') || scanner.take('t') || scanner.take(' ');
    if (!has_separator || !take_time_of_day(scanner, *t)) {
        return std::nullopt;
    }
    if (!is_plausible(*t)) {
        return ParsedTime("there is no such time");
    }
    if (!is_representable(*t)) {
        return out_of_range();
    }
    if (scanner.at_end()) {
        return in_zone(*t, zone);
    }
    const auto zone_seconds = take_zone_seconds(scanner);
    if (!zone_seconds.has_value() || !scanner.at_end()) {
        return std::nullopt;
    }
    return from_nanos((seconds_in_utc(*t) - *zone_seconds) * nanos_per_second + t->nanos);
}

ParsedTime from_epoch(const std::int64_t count, const std::int64_t unit_nanos) {
    std::int64_t nanos = 0;
    return __builtin_mul_overflow(count, unit_nanos, &nanos) ? out_of_range()
                                                             : ParsedTime(from_nanos(nanos));
}

std::optional<ParsedTime> parse_epoch(const std::string_view text) {
    if (!std::ranges::all_of(text, is_digit)) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
        return std::nullopt;
    }
    switch (text.size()) {
    case 10: return from_epoch(value, nanos_per_second);
    case 13: return from_epoch(value, 1'000'000);
    case 16: return from_epoch(value, 1'000);
    case 19: return from_nanos(value);
    default: return ParsedTime("an epoch has 10 (s), 13 (ms), 16 (us) or 19 (ns) digits");
    }
}

std::optional<std::int64_t> unit_seconds(const std::string_view unit) {
    if (unit == "s") {
        return 1;
    }
    if (unit == "m") {
        return 60;
    }
    if (unit == "h") {
        return 3600;
    }
    if (unit == "d") {
        return 86'400;
    }
    if (unit == "w") {
        return 7 * 86'400;
    }
    return std::nullopt;
}

/// "-15m", "90s", "1h ago": all before now.
std::optional<ParsedTime> parse_relative(std::string_view text, const WallTime now) {
    if (text.starts_with('-')) {
        text.remove_prefix(1);
    }
    if (text.ends_with(" ago")) {
        text.remove_suffix(4);
    }
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    if (parsed.ec != std::errc() || count < 0 || count > 1'000'000'000) {
        return std::nullopt;
    }
    const auto unit = unit_seconds(text.substr(static_cast<std::size_t>(parsed.ptr - text.data())));
    if (!unit.has_value()) {
        return std::nullopt;
    }
    constexpr std::int64_t seconds_max = 200LL * 366
                                       * 86'400;  // more would leave 64 bits of nanoseconds
    const std::int64_t seconds = std::min(count * *unit, seconds_max);
    return now - Nanos(seconds * nanos_per_second);
}

std::tm calendar_of(const std::int64_t nanos, const TimeZone zone) {
    const std::int64_t rest = nanos % nanos_per_second;
    const std::time_t seconds = nanos / nanos_per_second - (rest < 0 ? 1 : 0);
    std::tm fields{};
    if (zone == TimeZone::utc) {
        gmtime_r(&seconds, &fields);
    } else {
        localtime_r(&seconds, &fields);
    }
    return fields;
}

ParsedTime start_of_day(const TimeContext& context, const int days_back) {
    std::tm fields = calendar_of(context.now.time_since_epoch().count(), context.zone);
    fields.tm_mday -= days_back;
    fields.tm_hour = 0;
    fields.tm_min = 0;
    fields.tm_sec = 0;
    fields.tm_isdst = -1;
    const std::time_t seconds = context.zone == TimeZone::utc ? timegm(&fields) : mktime(&fields);
    return from_nanos(seconds * nanos_per_second);
}

std::string format_zone(const std::tm& fields, const TimeZone zone) {
    if (zone == TimeZone::utc || fields.tm_gmtoff == 0) {
        return "Z";
    }
    const long minutes = std::abs(fields.tm_gmtoff) / 60;
    return fmt::format(
        "{}{:02}:{:02}", fields.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60
    );
}

}  // namespace

ParsedTime parse_time(const std::string_view text, const TimeContext& context) {
    if (text == "now") {
        return context.now;
    }
    if (text == "today" || text == "yesterday") {
        return start_of_day(context, text == "today" ? 0 : 1);
    }
    if (const auto date = parse_date(text, context.zone); date.has_value()) {
        return *date;
    }
    if (const auto relative = parse_relative(text, context.now); relative.has_value()) {
        return *relative;
    }
    if (const auto epoch = parse_epoch(text); epoch.has_value() && !text.empty()) {
        return *epoch;
    }
    return "'" + std::string(text)
         + "' is no time; examples: 2026-11-22T10:00:00Z, '2026-11-22 10:00', -15m, yesterday";
}

std::string format_time(const std::int64_t nanos, const TimeFormat format, const TimeZone zone) {
    const std::tm t = calendar_of(nanos, zone);
    const std::int64_t sub = ((nanos % nanos_per_second) + nanos_per_second) % nanos_per_second;
    const auto date_time = [&t] {
        return fmt::format(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            t.tm_year + 1900,
            t.tm_mon + 1,
            t.tm_mday,
            t.tm_hour,
            t.tm_min,
            t.tm_sec
        );
    };
    switch (format) {
    case TimeFormat::rfc3339:
        return fmt::format("{}.{:03}{}", date_time(), sub / 1'000'000, format_zone(t, zone));
    case TimeFormat::rfc3339ns:
        return fmt::format("{}.{:09}{}", date_time(), sub, format_zone(t, zone));
    case TimeFormat::short_time:
        return fmt::format(
            "{:02}:{:02}:{:02}.{:03}", t.tm_hour, t.tm_min, t.tm_sec, sub / 1'000'000
        );
    case TimeFormat::epoch: return std::to_string(nanos / nanos_per_second);
    case TimeFormat::epoch_ms: return std::to_string(nanos / 1'000'000);
    case TimeFormat::epoch_ns: return std::to_string(nanos);
    case TimeFormat::none: return {};
    }
    LB_UNREACHABLE("all time formats are handled above");
}

std::string format_time_as(
    const std::int64_t nanos, const std::string& pattern, const TimeZone zone
) {
    const std::tm fields = calendar_of(nanos, zone);
    std::string text(256, '\0');
    // The pattern is the user's own word on the command line.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    text.resize(strftime(text.data(), text.size(), pattern.c_str(), &fields));
#pragma GCC diagnostic pop
    return text;
}

}  // namespace logboom::ctl
