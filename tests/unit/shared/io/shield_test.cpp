#include "shared/io/shield.h"

#include "tests/unit/shared/io/task_fixture.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using test::TaskFixture;

namespace {

using Seen = std::vector<std::string>;

Task<Result<Ok>> sleep(TaskFixture& t, const Nanos time) {
    co_return co_await io::sleep_until(t.scheduler, t.scheduler.now() + time);
}

Task<int> sleep_twice(TaskFixture& t) {
    const Result<Ok> first = co_await sleep(t, 5s);
    t.seen.emplace_back(first ? "first" : to_string(first.code()));
    const Result<Ok> second = co_await sleep(t, 5s);
    t.seen.emplace_back(second ? "second" : to_string(second.code()));
    co_return 7;
}

/// Waits until it is cancelled, then cleans up.
Task<void> clean_up_at_end(TaskFixture& t, const Nanos at_most) {
    const Result<Ok> ended = co_await sleep(t, 1h);
    t.seen.emplace_back(to_string(ended.code()));
    const SteadyTime deadline = at_most == Nanos::zero() ? no_deadline
                                                         : t.scheduler.now() + at_most;
    const int value = co_await io::shielded(t.scheduler, sleep_twice(t), deadline);
    t.seen.push_back(std::to_string(value));
    const Result<Ok> after = co_await sleep(t, 1s);
    t.seen.emplace_back(to_string(after.code()));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(shield, TaskFixture)

BOOST_AUTO_TEST_CASE(clean_up_of_a_cancelled_task_takes_its_time) {
    begin(clean_up_at_end(*this, Nanos::zero()));
    scope.cancel();
    turn();
    BOOST_TEST(seen == Seen{"cancelled"}, boost::test_tools::per_element());
    pass(6s);
    pass(6s);
    const Seen expected{"cancelled", "first", "second", "7", "cancelled"};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(its_deadline_ends_it) {
    begin(clean_up_at_end(*this, 7s));
    scope.cancel();
    turn();
    pass(6s);
    pass(2s);
    const Seen expected{"cancelled", "first", "cancelled", "7", "cancelled"};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_crash_may_destroy_it_anywhere) {
    begin(clean_up_at_end(*this, 7s));
    scope.cancel();
    turn();
    scheduler.begin_crash();
}

BOOST_AUTO_TEST_SUITE_END()
