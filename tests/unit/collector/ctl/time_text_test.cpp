#include "collector/ctl/time_text.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <ctime>
#include <string>

using namespace logboom;
using namespace logboom::ctl;

namespace {

constexpr std::int64_t noon_s = 1'795'341'600;  // 2026-11-22T10:00:00Z
const TimeContext utc{.now = WallTime(std::chrono::seconds(noon_s)), .zone = TimeZone::utc};

/// Local time of the tests, whatever the machine's is.
struct LocalZone {
    explicit LocalZone(const char* const name) {
        setenv("TZ", name, 1);
        tzset();
    }
    ~LocalZone() {
        unsetenv("TZ");
        tzset();
    }
    // Central Europe, spelled out: the machine may have no zone files.
    static constexpr const char* oslo = "CET-1CEST,M3.5.0,M10.5.0/3";
};

std::string text_of(const ParsedTime& parsed) {
    if (const auto* const problem = std::get_if<std::string>(&parsed)) {
        return *problem;
    }
    return format_time(
        std::get_if<WallTime>(&parsed)->time_since_epoch().count(),
        TimeFormat::rfc3339ns,
        TimeZone::utc
    );
}

std::string parsed(const std::string_view text) {
    return text_of(parse_time(text, utc));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(time_text)

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused) {
    for (const std::string_view text :
         {"",
          "soon",
          "2026-1-1",
          "2026-11-22T",
          "2026-11-22 10",
          "2026-11-22T10:00:00+1",
          "10 minutes",
          "-5"}) {
        BOOST_TEST(parsed(text).find("is no time") != std::string::npos, text);
    }
    BOOST_TEST(parsed("2026-02-29") == "there is no such day");
    BOOST_TEST(parsed("2026-11-22 24:00") == "there is no such time");
    BOOST_TEST(parsed("2026") == parsed("12345"));
    BOOST_TEST(parsed("12345") == "an epoch has 10 (s), 13 (ms), 16 (us) or 19 (ns) digits");
}

BOOST_AUTO_TEST_CASE(a_time_that_64_bits_of_nanoseconds_do_not_hold_is_refused) {
    const TimeContext context{WallTime(Nanos(0)), TimeZone::utc};
    for (const char* const text :
         {"0000-01-01",
          "1677-12-31T23:59:59Z",
          "2262-01-01",
          "9999-12-31T23:59:59Z",
          "9999999999",
          "9999999999999",
          "9999999999999999"}) {
        const ParsedTime parsed = parse_time(text, context);
        BOOST_REQUIRE(std::holds_alternative<std::string>(parsed));
        BOOST_TEST(std::get<std::string>(parsed) == "times are of the years 1678 to 2261", text);
    }
    for (const char* const text :
         {"1678-01-01T00:00:00+23:59", "2261-12-31T23:59:59-23:59", "9223372036"}) {
        BOOST_TEST(std::holds_alternative<WallTime>(parse_time(text, context)), text);
    }
}

BOOST_AUTO_TEST_CASE(a_local_time_that_exists_twice_is_refused_with_both_readings) {
    const LocalZone zone(LocalZone::oslo);
    const TimeContext local{.now = utc.now, .zone = TimeZone::local};
    const std::string twice = text_of(parse_time("2026-10-25 02:30", local));
    BOOST_TEST(twice.find("exists twice") != std::string::npos, twice);
    BOOST_TEST(twice.find("+01:00") != std::string::npos, twice);
    BOOST_TEST(twice.find("+02:00") != std::string::npos, twice);
}

BOOST_AUTO_TEST_CASE(a_local_time_that_clocks_skip_is_refused) {
    const LocalZone zone(LocalZone::oslo);
    const TimeContext local{.now = utc.now, .zone = TimeZone::local};
    BOOST_TEST(
        text_of(parse_time("2026-03-29 02:30", local))
        == "this local time does not exist: clocks skip it"
    );
}

BOOST_AUTO_TEST_CASE(times_of_many_kinds_are_read) {
    BOOST_TEST(parsed("now") == "2026-11-22T10:00:00.000000000Z");
    BOOST_TEST(parsed("today") == "2026-11-22T00:00:00.000000000Z");
    BOOST_TEST(parsed("yesterday") == "2026-11-21T00:00:00.000000000Z");
    BOOST_TEST(parsed("-15m") == "2026-11-22T09:45:00.000000000Z");
    BOOST_TEST(parsed("90s") == "2026-11-22T09:58:30.000000000Z");
    BOOST_TEST(parsed("1h ago") == "2026-11-22T09:00:00.000000000Z");
    BOOST_TEST(parsed("2d") == "2026-11-20T10:00:00.000000000Z");
    BOOST_TEST(parsed("2024-02-29") == "2024-02-29T00:00:00.000000000Z");
    BOOST_TEST(parsed("2026-11-22 10:00:05.25") == "2026-11-22T10:00:05.250000000Z");
    BOOST_TEST(parsed("2026-11-22T10:00:05.123456789Z") == "2026-11-22T10:00:05.123456789Z");
    BOOST_TEST(parsed("2026-11-22T10:00:00+02:00") == "2026-11-22T08:00:00.000000000Z");
    BOOST_TEST(parsed("1795341600") == "2026-11-22T10:00:00.000000000Z");
    BOOST_TEST(parsed("1795341600123") == "2026-11-22T10:00:00.123000000Z");
    BOOST_TEST(parsed("1795341600123456") == "2026-11-22T10:00:00.123456000Z");
    BOOST_TEST(parsed("1795341600123456789") == "2026-11-22T10:00:00.123456789Z");
}

BOOST_AUTO_TEST_CASE(a_time_without_a_zone_is_local_when_local_is_asked_for) {
    const LocalZone zone(LocalZone::oslo);
    const TimeContext local{.now = utc.now, .zone = TimeZone::local};
    BOOST_TEST(text_of(parse_time("2026-11-22 11:00", local)) == "2026-11-22T10:00:00.000000000Z");
    BOOST_TEST(text_of(parse_time("2026-07-01", local)) == "2026-06-30T22:00:00.000000000Z");
}

BOOST_AUTO_TEST_CASE(times_are_shown_in_every_format) {
    constexpr std::int64_t nanos = noon_s * 1'000'000'000 + 123'456'789;
    const auto shown = [](const TimeFormat format) {
        return format_time(nanos, format, TimeZone::utc);
    };
    BOOST_TEST(shown(TimeFormat::rfc3339) == "2026-11-22T10:00:00.123Z");
    BOOST_TEST(shown(TimeFormat::short_time) == "10:00:00.123");
    BOOST_TEST(shown(TimeFormat::epoch) == "1795341600");
    BOOST_TEST(shown(TimeFormat::epoch_ms) == "1795341600123");
    BOOST_TEST(shown(TimeFormat::epoch_ns) == "1795341600123456789");
    BOOST_TEST(shown(TimeFormat::none) == "");
    BOOST_TEST(
        format_time(-1'000'000, TimeFormat::rfc3339, TimeZone::utc) == "1969-12-31T23:59:59.999Z"
    );
}

BOOST_AUTO_TEST_CASE(a_local_time_is_shown_with_its_distance_to_utc) {
    const LocalZone zone(LocalZone::oslo);
    BOOST_TEST(
        format_time(noon_s * 1'000'000'000, TimeFormat::rfc3339, TimeZone::local)
        == "2026-11-22T11:00:00.000+01:00"
    );
    BOOST_TEST(format_time_as(noon_s * 1'000'000'000, "%H:%M", TimeZone::local) == "11:00");
}

BOOST_AUTO_TEST_SUITE_END()
