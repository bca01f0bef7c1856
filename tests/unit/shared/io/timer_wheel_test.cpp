#include "shared/io/timer_wheel.h"

#include "tests/support/dies.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace logboom;
using io::TimerNode;
using io::TimerWheel;

namespace {

constexpr SteadyTime begin{1000s};

struct Timer : TimerNode {
    explicit Timer(const SteadyTime when = SteadyTime()) {
        due = when;
        on_due = [](TimerNode& node) {
            auto& self = static_cast<Timer&>(node);
            ++self.fired;
            if (self.wheel != nullptr) {
                self.due += self.period;
                self.wheel->arm(self);
            }
            if (self.also_cancels != nullptr) {
                self.also_cancels->unlink();
            }
        };
    }
    int fired = 0;
    TimerWheel* wheel = nullptr;  // armed again at each firing
    Nanos period{};
    Timer* also_cancels = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(timer_wheel)

BOOST_AUTO_TEST_CASE(a_timer_must_know_what_to_call) {
    BOOST_TEST(test::dies([] {
        TimerWheel wheel(begin);
        TimerNode node;
        wheel.arm(node);
    }));
}

BOOST_AUTO_TEST_CASE(a_timer_fires_once_in_the_millisecond_of_its_time_and_never_before) {
    // Of each level: below 256 ms, 65 s, 4.6 h, 49 days; and beyond.
    for (const Nanos delay :
         {Nanos(1ms),
          Nanos(255ms),
          Nanos(256ms),
          Nanos(257ms),
          Nanos(65'535ms),
          Nanos(65'536ms),
          Nanos(66'001ms),
          Nanos(1'000'001ms),
          Nanos(5h),
          Nanos(std::chrono::hours(24 * 48)),
          Nanos(4'294'967'295ms),
          Nanos(4'294'967'296ms),
          Nanos(std::chrono::hours(24 * 400))}) {
        TimerWheel wheel(begin);
        Timer timer(begin + delay);
        wheel.arm(timer);
        wheel.advance(begin + delay - Nanos(1));
        BOOST_TEST(timer.fired == 0);
        wheel.advance(begin + delay);
        BOOST_TEST(timer.fired == 1);
        BOOST_TEST(!timer.is_linked());
        wheel.advance(begin + delay + 1s);
        BOOST_TEST(timer.fired == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_time_between_two_milliseconds_is_rounded_up) {
    TimerWheel wheel(begin);
    Timer timer(begin + 5ms + Nanos(1));
    wheel.arm(timer);
    wheel.advance(begin + 5ms + 999us);
    BOOST_TEST(timer.fired == 0);
    wheel.advance(begin + 6ms);
    BOOST_TEST(timer.fired == 1);
}

BOOST_AUTO_TEST_CASE(a_time_in_the_past_is_due_at_the_next_tick) {
    for (const SteadyTime past :
         {begin, begin - 1ms, begin - 1h, SteadyTime(), SteadyTime(-5s), SteadyTime::min()}) {
        TimerWheel wheel(begin);
        Timer timer(past);
        wheel.arm(timer);
        BOOST_TEST(timer.fired == 0);
        BOOST_TEST((wheel.next_due() == begin + 1ms));
        wheel.advance(begin + 1ms);
        BOOST_TEST(timer.fired == 1);
    }
}

BOOST_AUTO_TEST_CASE(the_farthest_times_are_kept) {
    TimerWheel wheel(begin);
    Timer never(SteadyTime::max());
    Timer far(begin + std::chrono::hours(24 * 365));
    wheel.arm(never);
    wheel.arm(far);
    wheel.advance(begin + std::chrono::hours(24 * 364));
    BOOST_TEST(never.fired + far.fired == 0);
    BOOST_TEST(far.is_linked());
    wheel.advance(begin + std::chrono::hours(24 * 365 * 50));
    BOOST_TEST(far.fired == 1);
    BOOST_TEST(never.fired == 0);
    BOOST_TEST(never.is_linked());
}

BOOST_AUTO_TEST_CASE(a_timer_that_is_cancelled_or_dies_does_not_fire) {
    TimerWheel wheel(begin);
    Timer cancelled(begin + 5ms);
    auto died = std::make_unique<Timer>(begin + 5ms);
    wheel.arm(cancelled);
    wheel.arm(*died);
    cancelled.unlink();
    died.reset();
    wheel.advance(begin + 1s);
    BOOST_TEST(cancelled.fired == 0);
    BOOST_TEST((wheel.next_due() == SteadyTime::max()));
}

BOOST_AUTO_TEST_CASE(arming_again_moves_the_time_both_ways) {
    TimerWheel wheel(begin);
    Timer timer(begin + 5ms);
    wheel.arm(timer);
    timer.due = begin + 700ms;
    wheel.arm(timer);
    wheel.advance(begin + 699ms);
    BOOST_TEST(timer.fired == 0);
    timer.due = begin + 5s;
    wheel.arm(timer);
    timer.due = begin + 701ms;
    wheel.arm(timer);
    wheel.advance(begin + 701ms);
    BOOST_TEST(timer.fired == 1);
}

BOOST_AUTO_TEST_CASE(a_timer_may_arm_itself_when_it_fires) {
    TimerWheel wheel(begin);
    Timer timer(begin + 100ms);
    timer.wheel = &wheel;
    timer.period = 100ms;
    wheel.arm(timer);
    wheel.advance(begin + 1s);
    BOOST_TEST(timer.fired == 10);
    timer.wheel = nullptr;
}

BOOST_AUTO_TEST_CASE(a_timer_that_arms_itself_for_now_does_not_hold_up_the_others) {
    TimerWheel wheel(begin);
    Timer again(begin + 1ms);
    again.wheel = &wheel;
    Timer other(begin + 3ms);
    wheel.arm(again);
    wheel.arm(other);
    wheel.advance(begin + 3ms);
    BOOST_TEST(again.fired == 3);
    BOOST_TEST(other.fired == 1);
    again.wheel = nullptr;
}

BOOST_AUTO_TEST_CASE(a_timer_may_cancel_another_of_the_same_millisecond) {
    TimerWheel wheel(begin);
    Timer first(begin + 7ms);
    Timer second(begin + 7ms);
    first.also_cancels = &second;
    wheel.arm(first);
    wheel.arm(second);
    wheel.advance(begin + 1s);
    BOOST_TEST(first.fired == 1);
    BOOST_TEST(second.fired == 0);
}

BOOST_AUTO_TEST_CASE(the_next_time_is_that_of_the_first_timer_or_a_look_before_it) {
    TimerWheel wheel(begin);
    BOOST_TEST((wheel.next_due() == SteadyTime::max()));
    Timer near(begin + 20ms);
    wheel.arm(near);
    BOOST_TEST((wheel.next_due() == begin + 20ms));
    near.unlink();
    Timer far(begin + std::chrono::hours(24 * 20));
    wheel.arm(far);
    SteadyTime now = begin;
    while (far.fired == 0) {
        const SteadyTime next = wheel.next_due();
        BOOST_REQUIRE((next > now));
        BOOST_REQUIRE((next <= far.due));
        now = next;
        wheel.advance(now);
    }
    BOOST_TEST((now == far.due));
}

BOOST_AUTO_TEST_CASE(time_that_stands_still_or_goes_back_fires_nothing) {
    TimerWheel wheel(begin);
    Timer timer(begin + 1ms);
    wheel.arm(timer);
    wheel.advance(begin);
    wheel.advance(begin - 10s);
    BOOST_TEST(timer.fired == 0);
    wheel.advance(begin + 1ms);
    BOOST_TEST(timer.fired == 1);
}

BOOST_AUTO_TEST_SUITE_END()
