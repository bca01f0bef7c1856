#include "collector/ctl/offset_spec.h"

#include "shared/base/assert.h"

#include <algorithm>
#include <charconv>

namespace logboom::ctl {

namespace {

using Kind = OffsetPoint::Kind;
using ParsedSpec = std::variant<OffsetSpec, std::string>;

std::optional<std::int64_t> parse_count(const std::string_view text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end || value < 0) {
        return std::nullopt;
    }
    return value;
}

std::optional<OffsetPoint> parse_point(const std::string_view text) {
    if (text == "start" || text == "beginning" || text == "earliest") {
        return OffsetPoint{.kind = Kind::start};
    }
    if (text == "end" || text == "latest") {
        return OffsetPoint{.kind = Kind::end};
    }
    const bool is_after = text.starts_with('+');
    const bool is_before = text.starts_with('-');
    const auto number = parse_count(is_after || is_before ? text.substr(1) : text);
    if (!number.has_value()) {
        return std::nullopt;
    }
    const Kind kind = is_after ? Kind::after_start
                               : (is_before ? Kind::before_end : Kind::absolute);
    return OffsetPoint{.kind = kind, .number = *number};
}

std::variant<OffsetPoint, std::string> time_point(
    const std::string_view text, const TimeContext& context
) {
    const ParsedTime parsed = parse_time(text, context);
    if (const auto* const problem = std::get_if<std::string>(&parsed)) {
        return *problem;
    }
    // A record of millisecond m is at or after every instant of (m - 1, m].
    const std::int64_t nanos = std::get_if<WallTime>(&parsed)->time_since_epoch().count();
    return OffsetPoint{
        .kind = Kind::time, .number = nanos / 1'000'000 + (nanos % 1'000'000 > 0 ? 1 : 0)};
}

/// `@T1:T2`, where a time may have colons of its own: the split at which both sides are times is meant.
std::optional<OffsetSpec> parse_time_range(
    const std::string_view text, const TimeContext& context
) {
    for (std::size_t at = text.find(':'); at != std::string_view::npos;
         at = text.find(':', at + 1)) {
        const auto from = time_point(text.substr(0, at), context);
        const std::string_view rest = text.substr(at + 1);
        if (!std::holds_alternative<OffsetPoint>(from)) {
            continue;
        }
        if (rest == "end") {
            return OffsetSpec{*std::get_if<OffsetPoint>(&from), OffsetPoint{.kind = Kind::end}};
        }
        const auto until = time_point(rest.starts_with('@') ? rest.substr(1) : rest, context);
        if (std::holds_alternative<OffsetPoint>(until)) {
            return OffsetSpec{*std::get_if<OffsetPoint>(&from), *std::get_if<OffsetPoint>(&until)};
        }
    }
    return std::nullopt;
}

ParsedSpec parse_times(const std::string_view text, const TimeContext& context) {
    const auto single = time_point(text, context);
    if (const auto* const point = std::get_if<OffsetPoint>(&single)) {
        return OffsetSpec{*point, std::nullopt};
    }
    if (const auto range = parse_time_range(text, context); range.has_value()) {
        if (range->until->kind == Kind::time && range->until->number < range->from.number) {
            return std::string("the range ends before it begins");
        }
        return *range;
    }
    return *std::get_if<std::string>(&single);
}

}  // namespace

ParsedSpec parse_offset_spec(const std::string_view text, const TimeContext& context) {
    const std::string problem =
        "'" + std::string(text)
        + "' is no offset; it is one of start, end, N, +N, -N, A:B, :B, @TIME, @T1:T2, @T1:end";
    if (text.starts_with('@')) {
        return parse_times(text.substr(1), context);
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        const auto from = parse_point(text);
        return from.has_value() ? ParsedSpec(OffsetSpec{*from, std::nullopt}) : ParsedSpec(problem);
    }
    const auto from = colon == 0 ? std::optional(OffsetPoint{})
                                 : parse_point(text.substr(0, colon));
    const auto until = parse_point(text.substr(colon + 1));
    if (!from.has_value() || !until.has_value()) {
        return problem;
    }
    if (from->kind == Kind::absolute && until->kind == Kind::absolute
        && until->number < from->number) {
        return std::string("the range ends before it begins");
    }
    return OffsetSpec{*from, *until};
}

std::int64_t resolve(
    const OffsetPoint& point,
    const PartitionOffsets& offsets,
    const std::optional<std::int64_t> time_offset
) {
    const std::int64_t size = offsets.end - offsets.log_start;
    switch (point.kind) {
    case Kind::start: return offsets.log_start;
    case Kind::end: return offsets.end;
    case Kind::absolute: return std::max(point.number, offsets.log_start);
    case Kind::after_start: return offsets.log_start + std::min(point.number, size);
    case Kind::before_end: return offsets.end - std::min(point.number, size);
    case Kind::time:
        return std::clamp(time_offset.value_or(offsets.end), offsets.log_start, offsets.end);
    }
    LB_UNREACHABLE("all kinds of offset points are handled above");
}

}  // namespace logboom::ctl
