#include "agent/ship/pace.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using ship::Pace;

BOOST_AUTO_TEST_SUITE(pace)

BOOST_AUTO_TEST_CASE(it_begins_with_all_that_is_allowed) {
    const Pace pace(8u << 20);
    BOOST_TEST(pace.request_bytes() == limits::agent_request_bytes_max);
    BOOST_TEST(pace.window_bytes() == 8u << 20);
}

BOOST_AUTO_TEST_CASE(each_timeout_halves_it_down_to_a_batch) {
    Pace pace(8u << 20);
    pace.timed_out();
    BOOST_TEST(pace.request_bytes() == limits::agent_request_bytes_max / 2);
    BOOST_TEST(pace.window_bytes() == 4u << 20);
    for (int i = 0; i < 20; ++i) {
        pace.timed_out();
    }
    BOOST_TEST(pace.request_bytes() == Pace::request_bytes_min);
    BOOST_TEST(pace.window_bytes() == Pace::request_bytes_min);
}

BOOST_AUTO_TEST_CASE(what_is_taken_lets_it_grow_again_up_to_what_is_allowed) {
    Pace pace(8u << 20);
    for (int i = 0; i < 20; ++i) {
        pace.timed_out();
    }
    const std::uint64_t before = pace.request_bytes();
    pace.answered(before);
    BOOST_TEST(pace.request_bytes() > before);
    BOOST_TEST(pace.request_bytes() < 2 * before);
    for (int i = 0; i < 1000; ++i) {
        pace.answered(pace.request_bytes());
    }
    BOOST_TEST(pace.request_bytes() == limits::agent_request_bytes_max);
    BOOST_TEST(pace.window_bytes() == 8u << 20);
}

BOOST_AUTO_TEST_CASE(a_window_that_is_configured_small_is_never_made_larger) {
    Pace pace(1000);
    pace.timed_out();
    BOOST_TEST(pace.window_bytes() == 1000u);
    pace.answered(1u << 20);
    BOOST_TEST(pace.window_bytes() == 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
