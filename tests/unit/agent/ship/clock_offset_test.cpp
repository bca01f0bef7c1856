#include "agent/ship/clock_offset.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ship;

namespace {

constexpr WallTime noon = WallTime(1000h);

}  // namespace

BOOST_AUTO_TEST_SUITE(clock_offset)

BOOST_AUTO_TEST_CASE(nothing_is_known_before_the_first_answer) {
    BOOST_TEST(!ClockOffset().value().has_value());
}

BOOST_AUTO_TEST_CASE(the_answer_was_given_in_the_middle_of_the_round_trip) {
    ClockOffset offset;
    offset.measured(noon, noon + 7s + 10ms, 20ms);
    BOOST_TEST((offset.value() == 7s));
    ClockOffset behind;
    behind.measured(noon, noon - 3s, 0ms);
    BOOST_TEST((behind.value() == -3s));
}

BOOST_AUTO_TEST_CASE(of_the_latest_eight_answers_the_quickest_is_believed) {
    ClockOffset offset;
    offset.measured(noon, noon + 1s, 0ms);
    for (int i = 0; i < 7; ++i) {
        offset.measured(noon, noon + 5s, 100ms);
    }
    BOOST_TEST((offset.value() == 1s));
    offset.measured(noon, noon + 9s, 80ms);  // the first is forgotten
    BOOST_TEST((offset.value() == 9s - 40ms));
}

BOOST_AUTO_TEST_SUITE_END()
