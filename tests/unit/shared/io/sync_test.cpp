#include "shared/io/sync.h"

#include "shared/base/rng.h"
#include "tests/support/dies.h"
#include "tests/unit/shared/io/task_fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

using namespace logboom;
using test::TaskFixture;
using Seen = std::vector<std::string>;

namespace {

std::string text_of(const Result<Ok>& result) {
    return result ? "woken" : to_string(result.code());
}

Task<void> wait_in(
    TaskFixture& t, io::WaitQueue& queue, std::string name, const SteadyTime deadline
) {
    const Result<Ok> result = co_await queue.wait(deadline);
    t.seen.push_back(name + " " + text_of(result));
}
Task<void> wait_in(TaskFixture& t, io::WaitQueue& queue, std::string name) {
    co_return co_await wait_in(t, queue, std::move(name), no_deadline);
}

Task<void> wait_for(TaskFixture& t, io::Event& event, std::string name, const SteadyTime deadline) {
    const Result<Ok> result = co_await event.wait(deadline);
    t.seen.push_back(name + " " + text_of(result));
}
Task<void> wait_uncancelled(TaskFixture& t, io::Event& event, std::string name) {
    co_await event.wait_uncancelled();
    t.seen.push_back(name + " woken");
}

Task<void> acquire(
    TaskFixture& t,
    io::ByteSemaphore& budget,
    std::string name,
    const std::uint64_t bytes,
    const SteadyTime deadline
) {
    const Result<Ok> result = co_await budget.acquire(bytes, deadline);
    t.seen.push_back(name + (result ? "" : std::string(" ") + to_string(result.code())));
}
Task<void> acquire(
    TaskFixture& t, io::ByteSemaphore& budget, std::string name, const std::uint64_t bytes
) {
    co_return co_await acquire(t, budget, std::move(name), bytes, no_deadline);
}

Task<void> sleep(TaskFixture& t, const SteadyTime until, std::string name) {
    const Result<Ok> result = co_await io::sleep_until(t.scheduler, until);
    t.seen.push_back(name + (result ? " slept" : std::string(" ") + to_string(result.code())));
}

/// Takes and gives back at random, and counts what is out.
struct Users {
    TaskFixture& t;
    io::ByteSemaphore& budget;
    Rng rng;
    std::uint64_t out = 0;
    int served = 0;
    int refused = 0;

    Task<void> use(const std::uint64_t bytes, const SteadyTime deadline, const int yields) {
        const Result<Ok> got = co_await budget.acquire(bytes, deadline);
        if (!got) {
            ++refused;
            co_return;
        }
        const std::uint64_t taken = std::min(bytes, budget.total());
        out += taken;
        BOOST_TEST(out <= budget.total());
        for (int i = 0; i < yields; ++i) {
            co_await io::yield();
        }
        out -= taken;
        ++served;
        budget.release(bytes);
    }
};

}  // namespace

// --- WaitQueue -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(wait_queue)

BOOST_AUTO_TEST_CASE(a_wait_ends_with_timed_out_at_its_deadline_and_not_before) {
    TaskFixture t;
    io::WaitQueue queue(t.scheduler);
    t.begin(wait_in(t, queue, "a", t.scheduler.now() + 10ms));
    t.pass(9ms);
    BOOST_TEST(t.seen.empty());
    t.pass(1ms);
    BOOST_TEST(t.seen == Seen{"a timed_out"});
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_ends_the_wait_soon_and_never_inline) {
    TaskFixture t;
    io::WaitQueue queue(t.scheduler);
    t.begin(wait_in(t, queue, "a", t.scheduler.now() - 1s));
    t.begin(wait_in(t, queue, "b", SteadyTime::min()));
    BOOST_TEST(t.seen.empty());
    t.pass(2ms);
    BOOST_TEST(t.seen == (Seen{"a timed_out", "b timed_out"}));
}

BOOST_AUTO_TEST_CASE(waiters_are_woken_first_come_first_served_and_one_at_a_time) {
    TaskFixture t;
    io::WaitQueue queue(t.scheduler);
    queue.wake_one();  // nobody: not remembered
    t.begin(wait_in(t, queue, "a"));
    t.begin(wait_in(t, queue, "b"));
    t.begin(wait_in(t, queue, "c"));
    queue.wake_one();
    BOOST_TEST(t.seen.empty());
    t.turn();
    BOOST_TEST(t.seen == Seen{"a woken"});
    queue.wake_all();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a woken", "b woken", "c woken"}));
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(who_was_woken_before_the_deadline_or_the_cancellation_was_woken) {
    TaskFixture t;
    io::WaitQueue queue(t.scheduler);
    t.begin(wait_in(t, queue, "a", t.scheduler.now() + 1ms));
    queue.wake_one();
    t.scheduler.advance(t.scheduler.now() + 5ms);
    t.scope.cancel();
    t.turn();
    BOOST_TEST(t.seen == Seen{"a woken"});
}

BOOST_AUTO_TEST_CASE(who_timed_out_or_was_cancelled_takes_no_wake_up_from_the_next) {
    TaskFixture t;
    io::WaitQueue queue(t.scheduler);
    Scope scope(t.scheduler);
    t.begin(wait_in(t, queue, "late", t.scheduler.now() + 1ms));
    scope.spawn(wait_in(t, queue, "gone"));
    t.turn();
    t.begin(wait_in(t, queue, "next"));
    t.scheduler.advance(t.scheduler.now() + 1ms);
    scope.cancel();
    queue.wake_one();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"late timed_out", "gone cancelled", "next woken"}));
}

BOOST_AUTO_TEST_CASE(a_waiter_that_comes_back_while_all_are_woken_waits_for_the_next_time) {
    TaskFixture t;
    io::WaitQueue queue(t.scheduler);
    t.begin(wait_in(t, queue, "a"));
    queue.wake_all();
    t.scope.spawn_now(wait_in(t, queue, "b"));
    t.turn();
    BOOST_TEST(t.seen == Seen{"a woken"});
    queue.wake_all();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a woken", "b woken"}));
}

BOOST_AUTO_TEST_SUITE_END()

// --- Event ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(a_wait_for_an_event_times_out_and_is_cancelled) {
    TaskFixture t;
    io::Event event(t.scheduler);
    t.begin(wait_for(t, event, "short", t.scheduler.now() + 3ms));
    t.begin(wait_for(t, event, "long", no_deadline));
    t.begin(wait_uncancelled(t, event, "shielded"));
    t.pass(3ms);
    t.scope.cancel();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"short timed_out", "long cancelled"}));
    event.set();
    t.turn();
    BOOST_TEST(t.seen.back() == "shielded woken");
}

BOOST_AUTO_TEST_CASE(an_event_that_is_set_lets_everybody_pass_until_it_is_reset) {
    TaskFixture t;
    io::Event event(t.scheduler);
    t.begin(wait_for(t, event, "before", no_deadline));
    event.set();
    t.turn();
    t.run(wait_for(t, event, "after", no_deadline));
    BOOST_TEST(event.is_set());
    event.reset();
    BOOST_TEST(!event.is_set());
    t.begin(wait_for(t, event, "later", no_deadline));
    BOOST_TEST(t.seen == (Seen{"before woken", "after woken"}));
    event.set();
    t.turn();
    BOOST_TEST(t.seen.back() == "later woken");
}

BOOST_AUTO_TEST_CASE(a_set_event_passes_even_a_cancelled_task) {
    TaskFixture t;
    io::Event event(t.scheduler);
    event.set();
    t.scope.cancel();
    t.run(wait_for(t, event, "a", t.scheduler.now()));
    BOOST_TEST(t.seen == Seen{"a woken"});
}

BOOST_AUTO_TEST_CASE(an_event_that_is_reset_before_its_waiters_run_makes_them_wait_on) {
    TaskFixture t;
    io::Event event(t.scheduler);
    t.begin(wait_for(t, event, "a", no_deadline));
    event.set();
    event.reset();
    t.turn();
    BOOST_TEST(t.seen.empty());
    event.set();
    t.turn();
    BOOST_TEST(t.seen == Seen{"a woken"});
}

BOOST_AUTO_TEST_SUITE_END()

// --- ByteSemaphore -------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(byte_semaphore)

BOOST_AUTO_TEST_CASE(giving_back_what_was_not_taken_is_a_mistake) {
    BOOST_TEST(test::dies([] {
        TaskFixture t;
        io::ByteSemaphore budget(t.scheduler, 10);
        budget.release(1);
    }));
}

BOOST_AUTO_TEST_CASE(who_gives_up_waiting_takes_nothing_and_lets_the_next_one_in) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    Scope scope(t.scheduler);
    t.run(acquire(t, budget, "first", 6));
    t.begin(acquire(t, budget, "late", 8, t.scheduler.now() + 2ms));
    scope.spawn(acquire(t, budget, "gone", 9));
    t.turn();
    t.begin(acquire(t, budget, "small", 3));
    BOOST_TEST(t.seen == Seen{"first"});
    t.pass(2ms);
    BOOST_TEST(t.seen == (Seen{"first", "late timed_out"}));
    scope.cancel();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"first", "late timed_out", "gone cancelled", "small"}));
    BOOST_TEST(budget.used() == 9u);
}

BOOST_AUTO_TEST_CASE(what_is_free_is_given_without_waiting) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    BOOST_TEST(budget.total() == 10u);
    t.run(acquire(t, budget, "a", 4));
    t.run(acquire(t, budget, "b", 6));
    BOOST_TEST(budget.used() == 10u);
    BOOST_TEST(!budget.try_acquire(1));
    budget.release(4);
    BOOST_TEST(budget.try_acquire(3));
    BOOST_TEST(!budget.try_acquire(2));
    BOOST_TEST(budget.used() == 9u);
}

BOOST_AUTO_TEST_CASE(one_release_serves_as_many_as_it_has_room_for) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    BOOST_TEST(budget.try_acquire(10));
    t.begin(acquire(t, budget, "a", 2));
    t.begin(acquire(t, budget, "b", 3));
    t.begin(acquire(t, budget, "c", 4));
    t.begin(acquire(t, budget, "d", 5));
    budget.release(10);
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a", "b", "c"}));
    BOOST_TEST(budget.used() == 9u);
    budget.release(5);
    t.turn();
    BOOST_TEST(t.seen.back() == "d");
}

BOOST_AUTO_TEST_CASE(a_small_request_does_not_overtake_a_large_one_that_waits) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    BOOST_TEST(budget.try_acquire(10));
    t.begin(acquire(t, budget, "large", 8));
    t.begin(acquire(t, budget, "small", 1));
    for (int i = 0; i < 7; ++i) {
        budget.release(1);
        t.turn();
        BOOST_TEST(t.seen.empty());
        BOOST_TEST(!budget.try_acquire(1));
    }
    budget.release(1);
    t.turn();
    BOOST_TEST(t.seen == Seen{"large"});
    budget.release(1);
    t.turn();
    BOOST_TEST(t.seen == (Seen{"large", "small"}));
}

BOOST_AUTO_TEST_CASE(a_steady_stream_of_small_requests_does_not_starve_a_large_one) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    BOOST_TEST(budget.try_acquire(10));
    t.begin(acquire(t, budget, "large", 10));
    for (int i = 0; i < 10; ++i) {
        t.begin(acquire(t, budget, "small", 1));
        budget.release(1);
        t.turn();
    }
    BOOST_TEST(t.seen == Seen{"large"});
    for (int i = 0; i < 10; ++i) {
        budget.release(1);
        t.turn();
    }
    BOOST_TEST(t.seen.size() == 11u);
}

BOOST_AUTO_TEST_CASE(a_request_above_the_whole_budget_is_served_alone) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    BOOST_TEST(budget.try_acquire(1));
    t.begin(acquire(t, budget, "huge", 1000));
    BOOST_TEST(t.seen.empty());
    budget.release(1);
    t.turn();
    BOOST_TEST(t.seen == Seen{"huge"});
    BOOST_TEST(budget.used() == 10u);
    budget.release(1000);
    BOOST_TEST(budget.used() == 0u);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_whoever_comes_waits_and_gives_up) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        TaskFixture t;
        io::ByteSemaphore budget(t.scheduler, 100);
        Users users{t, budget, Rng(seed)};
        Rng& rng = users.rng;
        t.scheduler.shuffle_with(&rng);
        Scope scope(t.scheduler);
        constexpr int requests = 300;
        for (int i = 0; i < requests; ++i) {
            const SteadyTime deadline = rng.chance(0.3) ? t.scheduler.now() + Millis(rng.below(4))
                                                        : no_deadline;
            const int yields = static_cast<int>(rng.below(6));
            const std::uint64_t bytes = rng.chance(0.05) ? 150 : 1 + rng.below(60);
            scope.spawn(users.use(bytes, deadline, yields));
            t.scheduler.run_ready(1 + rng.below(5));
            t.scheduler.advance(t.scheduler.now() + Millis(rng.below(2)));
        }
        t.turn();
        BOOST_TEST(scope.empty());
        BOOST_TEST(users.served + users.refused == requests);
        BOOST_TEST(users.refused != 0);
        BOOST_TEST(budget.used() == 0u);
        BOOST_TEST(budget.try_acquire(100));
    }
}

BOOST_AUTO_TEST_CASE(a_crash_destroys_those_who_wait_and_those_who_were_just_served) {
    TaskFixture t;
    io::ByteSemaphore budget(t.scheduler, 10);
    BOOST_TEST(budget.try_acquire(10));
    auto scope = std::make_unique<Scope>(t.scheduler);
    scope->spawn(acquire(t, budget, "served", 10));
    scope->spawn(acquire(t, budget, "waits", 10));
    t.turn();
    budget.release(10);
    t.scheduler.begin_crash();
    scope.reset();
    BOOST_TEST(t.seen.empty());
}

BOOST_AUTO_TEST_SUITE_END()

// --- Time ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(sleeping)

BOOST_AUTO_TEST_CASE(a_sleep_is_cut_short_by_cancellation_only) {
    TaskFixture t;
    t.begin(sleep(t, t.scheduler.now() + 1h, "long"));
    t.begin(sleep(t, t.scheduler.now() + 20ms, "short"));
    t.pass(19ms);
    BOOST_TEST(t.seen.empty());
    t.pass(1ms);
    BOOST_TEST(t.seen == Seen{"short slept"});
    t.scope.cancel();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"short slept", "long cancelled"}));
}

BOOST_AUTO_TEST_CASE(sleepers_wake_in_the_order_of_their_times) {
    TaskFixture t;
    for (const int ms : {30, 10, 20, 40}) {
        t.begin(sleep(t, t.scheduler.now() + Millis(ms), std::to_string(ms)));
    }
    t.pass(100ms);
    BOOST_TEST(t.seen == (Seen{"10 slept", "20 slept", "30 slept", "40 slept"}));
}

BOOST_AUTO_TEST_SUITE_END()
