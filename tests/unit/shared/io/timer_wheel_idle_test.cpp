// What far timers cost while nothing happens: a program that waits for a minute wakes a few times, not each
// quarter of a second (agent-design, law 9).
#include "shared/io/timer_wheel.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;

namespace {

struct Waiting : io::TimerNode {
    Waiting(io::TimerWheel& wheel, const SteadyTime at) {
        due = at;
        on_due = [](io::TimerNode& node) { static_cast<Waiting&>(node).is_over = true; };
        wheel.arm(*this);
    }
    bool is_over = false;
};

constexpr SteadyTime start(1'234'567ms);

}  // namespace

BOOST_AUTO_TEST_SUITE(timer_wheel_idle)

BOOST_AUTO_TEST_CASE(until_a_far_timer_there_are_few_times_to_wake) {
    for (const Nanos distance :
         {Nanos(300ms), Nanos(1s), Nanos(60s), Nanos(24h), Nanos(40 * 24h)}) {
        io::TimerWheel wheel(start);
        Waiting timer(wheel, start + distance);
        int wakes = 0;
        while (!timer.is_over && wakes < 100) {
            BOOST_TEST((wheel.next_due() <= start + distance));
            wheel.advance(wheel.next_due());
            ++wakes;
        }
        BOOST_TEST(timer.is_over);
        BOOST_TEST(wakes <= 4);
    }
}

BOOST_AUTO_TEST_CASE(a_timer_that_was_taken_out_wakes_nobody) {
    io::TimerWheel wheel(start);
    Waiting timer(wheel, start + 60s);
    timer.unlink();
    BOOST_TEST((wheel.next_due() == SteadyTime::max()));
}

BOOST_AUTO_TEST_CASE(a_long_sleep_is_passed_over_at_once_and_nothing_is_forgotten) {
    io::TimerWheel wheel(start);
    Waiting near(wheel, start + 5ms);
    Waiting far(wheel, start + 30 * 24h);
    Waiting later(wheel, start + 400 * 24h);
    wheel.advance(start + 365 * 24h);
    BOOST_TEST(near.is_over);
    BOOST_TEST(far.is_over);
    BOOST_TEST(!later.is_over);
    wheel.advance(start + 400 * 24h);
    BOOST_TEST(later.is_over);
}

BOOST_AUTO_TEST_SUITE_END()
