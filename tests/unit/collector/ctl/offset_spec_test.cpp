#define BOOST_TEST_MODULE collector_ctl
#include "collector/ctl/offset_spec.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

using Kind = OffsetPoint::Kind;

/// 2026-11-22T10:00:00Z.
constexpr std::int64_t noon_ms = 1'795'341'600'000;
const TimeContext context{.now = WallTime(Millis(noon_ms)), .zone = TimeZone::utc};

OffsetSpec spec_of(const std::string_view text) {
    const auto parsed = parse_offset_spec(text, context);
    if (const auto* const problem = std::get_if<std::string>(&parsed)) {
        BOOST_FAIL(text << ": " << *problem);
    }
    return *std::get_if<OffsetSpec>(&parsed);
}

std::string problem_of(const std::string_view text) {
    const auto parsed = parse_offset_spec(text, context);
    const auto* const problem = std::get_if<std::string>(&parsed);
    return problem == nullptr ? "none" : *problem;
}

OffsetPoint point(const Kind kind, const std::int64_t number = 0) {
    return OffsetPoint{.kind = kind, .number = number};
}

bool is_spec(const std::string_view text, const OffsetPoint& from) {
    return spec_of(text) == OffsetSpec{from, std::nullopt};
}

bool is_range(const std::string_view text, const OffsetPoint& from, const OffsetPoint& until) {
    return spec_of(text) == OffsetSpec{from, until};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(offset_grammar)

BOOST_AUTO_TEST_CASE(what_is_no_offset_is_refused_with_the_grammar) {
    for (const std::string_view text :
         {"", "x", "1x", "--1", "+-1", "1:x", "1:2:3", "99999999999999999999", "s@5", ":"}) {
        BOOST_TEST(problem_of(text).find("it is one of start, end, N") != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(a_range_that_ends_before_it_begins_is_refused) {
    BOOST_TEST(problem_of("5:4") == "the range ends before it begins");
    BOOST_TEST(problem_of("@-1m:-1h") == "the range ends before it begins");
}

BOOST_AUTO_TEST_CASE(what_is_no_time_behind_the_at_sign_is_refused) {
    BOOST_TEST(problem_of("@soon").find("'soon' is no time") == 0u);
    BOOST_TEST(problem_of("@").find("'' is no time") == 0u);
}

BOOST_AUTO_TEST_CASE(points_are_read) {
    BOOST_TEST(is_spec("start", point(Kind::start)));
    BOOST_TEST(is_spec("beginning", point(Kind::start)));
    BOOST_TEST(is_spec("end", point(Kind::end)));
    BOOST_TEST(is_spec("42", point(Kind::absolute, 42)));
    BOOST_TEST(is_spec("+3", point(Kind::after_start, 3)));
    BOOST_TEST(is_spec("-2000", point(Kind::before_end, 2000)));
    BOOST_TEST(is_spec("@1795341600", point(Kind::time, noon_ms)));
    BOOST_TEST(is_spec("@-15m", point(Kind::time, noon_ms - 900'000)));
    BOOST_TEST(is_spec("@2026-11-22T10:00:00Z", point(Kind::time, noon_ms)));
    BOOST_TEST(is_spec("@2026-11-22 10:00", point(Kind::time, noon_ms)));
}

BOOST_AUTO_TEST_CASE(ranges_are_read) {
    BOOST_TEST(is_range("10:20", point(Kind::absolute, 10), point(Kind::absolute, 20)));
    BOOST_TEST(is_range("10:10", point(Kind::absolute, 10), point(Kind::absolute, 10)));
    BOOST_TEST(is_range(":20", point(Kind::start), point(Kind::absolute, 20)));
    BOOST_TEST(is_range(":end", point(Kind::start), point(Kind::end)));
    BOOST_TEST(is_range("-100:-50", point(Kind::before_end, 100), point(Kind::before_end, 50)));
    BOOST_TEST(is_range(
        "@-1h:-1m", point(Kind::time, noon_ms - 3'600'000), point(Kind::time, noon_ms - 60'000)
    ));
    BOOST_TEST(is_range("@-1h:end", point(Kind::time, noon_ms - 3'600'000), point(Kind::end)));
}

BOOST_AUTO_TEST_CASE(colons_inside_of_times_do_not_split_a_range) {
    BOOST_TEST(is_range(
        "@2026-11-22T09:00:00Z:2026-11-22T10:00:00Z",
        point(Kind::time, noon_ms - 3'600'000),
        point(Kind::time, noon_ms)
    ));
    BOOST_TEST(
        is_range("@2026-11-22 09:00:end", point(Kind::time, noon_ms - 3'600'000), point(Kind::end))
    );
}

BOOST_AUTO_TEST_CASE(a_time_between_two_milliseconds_means_the_later_one) {
    BOOST_TEST(is_spec("@1795341600000000001", point(Kind::time, noon_ms + 1)));
}

BOOST_AUTO_TEST_CASE(points_are_resolved_within_the_partition) {
    const PartitionOffsets offsets{.log_start = 100, .end = 200};
    const auto resolved = [&offsets](const OffsetPoint& p) {
        return resolve(p, offsets, std::nullopt);
    };
    BOOST_TEST(resolved(point(Kind::start)) == 100);
    BOOST_TEST(resolved(point(Kind::end)) == 200);
    BOOST_TEST(resolved(point(Kind::absolute, 5)) == 100);
    BOOST_TEST(resolved(point(Kind::absolute, 150)) == 150);
    BOOST_TEST(resolved(point(Kind::absolute, 500)) == 500);
    BOOST_TEST(resolved(point(Kind::after_start, 7)) == 107);
    BOOST_TEST(resolved(point(Kind::after_start, 700)) == 200);
    BOOST_TEST(resolved(point(Kind::before_end, 7)) == 193);
    BOOST_TEST(resolved(point(Kind::before_end, INT64_MAX)) == 100);
}

BOOST_AUTO_TEST_CASE(a_time_without_a_record_behind_it_is_the_end) {
    const PartitionOffsets offsets{.log_start = 100, .end = 200};
    BOOST_TEST(resolve(point(Kind::time, noon_ms), offsets, std::nullopt) == 200);
    BOOST_TEST(resolve(point(Kind::time, noon_ms), offsets, 150) == 150);
}

BOOST_AUTO_TEST_SUITE_END()
