// The small languages of logboomctl's flags: times, offsets, cursors, levels, templates.
#include "collector/ctl/offset_spec.h"
#include "collector/ctl/record_filter.h"
#include "collector/ctl/record_flags.h"
#include "collector/ctl/record_template.h"
#include "collector/ctl/tail_cursor.h"
#include "collector/ctl/time_text.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::ctl;

namespace {

constexpr std::int64_t now_nanos = 1'700'000'000'123'456'789;

TimeContext context_of_now() {
    return {WallTime(std::chrono::nanoseconds(now_nanos)), TimeZone::utc};
}

void check_time(const std::string_view text) {
    const ParsedTime parsed = parse_time(text, context_of_now());
    if (const auto* const problem = std::get_if<std::string>(&parsed)) {
        LB_ASSERT(!problem->empty());
        return;
    }
    const std::int64_t nanos = std::get<WallTime>(parsed).time_since_epoch().count();
    const std::string shown = format_time(nanos, TimeFormat::rfc3339ns, TimeZone::utc);
    LB_ASSERT(!shown.empty());
}

void check_offsets(const std::string_view text) {
    const auto parsed = parse_offset_spec(text, context_of_now());
    if (const auto* const problem = std::get_if<std::string>(&parsed)) {
        LB_ASSERT(!problem->empty());
        return;
    }
    const auto& spec = std::get<OffsetSpec>(parsed);
    const PartitionOffsets offsets{10, 1000};
    LB_ASSERT(resolve(spec.from, offsets, 500) >= offsets.log_start);
    LB_ASSERT(!spec.until || resolve(*spec.until, offsets, std::nullopt) >= offsets.log_start);
}

void check_cursor(const std::string_view text) {
    const std::optional<TailCursor> cursor = parse_tail_cursor(text);
    if (cursor) {
        LB_ASSERT(!cursor->empty());
        LB_ASSERT(parse_tail_cursor(to_string(*cursor)) == cursor);
    }
}

void check_levels(const std::string_view text) {
    if (const std::optional<LevelRange> levels = parse_levels(text)) {
        LB_ASSERT(levels->worst >= 0 && levels->mildest <= 7);
    }
}

void check_partitions(const std::string_view text) {
    if (const auto partitions = parse_partitions(text)) {
        for (const std::int32_t partition : *partitions) {
            LB_ASSERT(partition >= 0);
        }
    }
}

void check_template(const std::string_view text) {
    const auto parsed = RecordTemplate::parse(text, TimeFormat::rfc3339, TimeZone::utc);
    if (const auto* const problem = std::get_if<std::string>(&parsed)) {
        LB_ASSERT(!problem->empty());
        return;
    }
    RecordRow row;
    row.topic = "app";
    row.value = as_bytes("a line");
    row.timestamp_ms = now_nanos / 1'000'000;
    std::string out;
    std::get<std::unique_ptr<RecordFormat>>(parsed)->append(row, out);
    LB_ASSERT(!out.empty());
}

}  // namespace

LB_FUZZ_TARGET(command_values) {
    const std::string_view text = as_text(fuzz::view_of(data, size));
    check_time(text);
    check_offsets(text);
    check_cursor(text);
    check_levels(text);
    check_partitions(text);
    check_template(text);
    const std::string glob(text.substr(0, size / 2));
    static_cast<void>(matches_glob(glob, text.substr(size / 2)));
    return 0;
}
