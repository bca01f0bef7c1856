#include "shared/io/scheduler.h"

#include "tests/unit/shared/io/task_fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace logboom;
using test::TaskFixture;
using Seen = std::vector<std::string>;

namespace {

Task<void> count_turns(TaskFixture& t, std::string name, const int turns) {
    for (int i = 0; i < turns; ++i) {
        t.seen.push_back(name + std::to_string(i));
        co_await io::yield();
    }
}

Task<void> yield_for_ever(const bool& is_done, int& turns) {
    while (!is_done) {
        ++turns;
        co_await io::yield();
    }
}

Seen order_with(Rng* const rng) {
    TaskFixture t;
    t.scheduler.shuffle_with(rng);
    for (int i = 0; i < 8; ++i) {
        t.scope.spawn(count_turns(t, std::to_string(i) + ".", 1));
    }
    t.turn();
    return t.seen;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scheduler)

BOOST_AUTO_TEST_CASE(ready_tasks_take_turns) {
    TaskFixture t;
    t.scope.spawn(count_turns(t, "a", 3));
    t.scope.spawn(count_turns(t, "b", 2));
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a0", "b0", "a1", "b1", "a2"}));
    BOOST_TEST(!t.scheduler.has_ready());
}

BOOST_AUTO_TEST_CASE(no_more_tasks_are_resumed_in_a_turn_than_were_allowed) {
    TaskFixture t;
    bool is_done = false;
    int turns = 0;
    t.scope.spawn(yield_for_ever(is_done, turns));
    t.scheduler.run_ready(0);
    BOOST_TEST(turns == 0);
    t.scheduler.run_ready(100);
    BOOST_TEST(turns == 100);
    BOOST_TEST(t.scheduler.has_ready());
    is_done = true;
    t.turn();
    BOOST_TEST(t.scope.empty());
}

BOOST_AUTO_TEST_CASE(the_seed_picks_the_order_in_simulation_and_only_there) {
    const Seen sorted = order_with(nullptr);
    BOOST_TEST(std::is_sorted(sorted.begin(), sorted.end()));
    Rng first(1);
    Rng again(1);
    Rng other(2);
    const Seen shuffled = order_with(&first);
    BOOST_TEST(shuffled != sorted);
    BOOST_TEST(std::is_permutation(shuffled.begin(), shuffled.end(), sorted.begin()));
    BOOST_TEST(order_with(&again) == shuffled);
    BOOST_TEST(order_with(&other) != shuffled);
}

BOOST_AUTO_TEST_CASE(the_time_of_a_turn_stands_still_until_the_next) {
    TaskFixture t;
    const SteadyTime begin = t.scheduler.now();
    t.turn();
    BOOST_TEST((t.scheduler.now() == begin));
    t.scheduler.advance(begin + 5s);
    BOOST_TEST((t.scheduler.now() == begin + 5s));
}

BOOST_AUTO_TEST_CASE(a_crash_forgets_what_was_ready) {
    TaskFixture t;
    bool is_done = false;
    int turns = 0;
    t.scope.spawn(yield_for_ever(is_done, turns));
    BOOST_TEST(!t.scheduler.is_crashing());
    t.scheduler.begin_crash();
    BOOST_TEST(t.scheduler.is_crashing());
    t.turn();
    BOOST_TEST(turns == 0);
}

BOOST_AUTO_TEST_SUITE_END()
