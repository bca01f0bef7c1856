#define BOOST_TEST_MODULE shared_config
#include "shared/config/units.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::config;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(what_is_no_duration_is_refused) {
    for (const char* const text :
         {"", "5", "s", "-5s", "5 s", "5S", "1.5s", "99999999999d", "5sec"}) {
        BOOST_TEST(!parse_duration(text).has_value(), text);
    }
}

BOOST_AUTO_TEST_CASE(durations_have_units_and_zero_needs_none) {
    BOOST_TEST((parse_duration("250ms") == Nanos(250ms)));
    BOOST_TEST((parse_duration("10m") == Nanos(10min)));
    BOOST_TEST((parse_duration("7d") == Nanos(168h)));
    BOOST_TEST((parse_duration("0") == Nanos::zero()));
}

BOOST_AUTO_TEST_CASE(what_is_no_size_is_refused) {
    for (const char* const text : {"", "KiB", "-1", "1.5MiB", "1 MiB", "1mib", "9999999999GiB"}) {
        BOOST_TEST(!parse_size(text).has_value(), text);
    }
}

BOOST_AUTO_TEST_CASE(sizes_are_binary_or_decimal_or_plain_bytes) {
    BOOST_TEST(parse_size("64KiB").value() == 65536);
    BOOST_TEST(parse_size("10MB").value() == 10'000'000);
    BOOST_TEST(parse_size("4096").value() == 4096);
    BOOST_TEST(parse_size("0").value() == 0);
}

BOOST_AUTO_TEST_CASE(formatted_durations_and_sizes_are_read_back) {
    for (const std::int64_t n : {0, 1, 1500, 1'000'000, 90'000'000, 1 << 20, 3 << 20, 4097}) {
        BOOST_TEST((parse_duration(format_duration(Nanos(n))) == Nanos(n)));
        BOOST_TEST(parse_size(format_size(n)).value() == n);
    }
    BOOST_TEST(format_duration(90s) == "90s");
    BOOST_TEST(format_size(256 << 10) == "256KiB");
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused) {
    for (const char* const text :
         {"",
          "host",
          "host:",
          ":7460",
          "::1:7460",
          "[::1]",
          "[host]:1",
          "host:65536",
          "host:1x",
          "a b:1",
          "h/x:1"}) {
        BOOST_TEST(!parse_host_port(text).has_value(), text);
    }
}

BOOST_AUTO_TEST_CASE(addresses_are_host_and_port_with_brackets_around_v6) {
    BOOST_TEST((parse_host_port("lb1.example:7460") == HostPort{"lb1.example", 7460}));
    BOOST_TEST((parse_host_port("[::1]:0") == HostPort{"::1", 0}));
    BOOST_TEST(to_string(HostPort{"::1", 9092}) == "[::1]:9092");
    BOOST_TEST(to_string(HostPort{"127.0.0.1", 1}) == "127.0.0.1:1");
}

BOOST_AUTO_TEST_SUITE_END()
