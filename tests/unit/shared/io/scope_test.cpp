#include "shared/io/scope.h"

#include "tests/support/dies.h"
#include "tests/unit/shared/io/task_fixture.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace logboom;
using test::TaskFixture;
using test::Tracked;
using Seen = std::vector<std::string>;

namespace {

Task<void> note(TaskFixture& t, std::string what) {
    t.seen.push_back(std::move(what));
    co_return;
}

Task<void> note_twice(TaskFixture& t, std::string what) {
    t.seen.push_back(what + " begins");
    co_await io::yield();
    t.seen.push_back(what + " ends");
}

Task<void> wait_on(TaskFixture& t, io::Event& event, std::string what) {
    const Tracked local(1);
    const Result<Ok> waited = co_await event.wait();
    t.seen.push_back(what + (waited ? " woken" : std::string(" ") + to_string(waited.code())));
}

Task<void> spawn_from_inside(TaskFixture& t, Scope& scope) {
    scope.spawn(note(t, "later"));
    scope.spawn_now(note(t, "now"));
    t.seen.emplace_back("spawner");
    co_return;
}

Task<void> wait_for_all(TaskFixture& t, Scope& scope) {
    co_await scope.join();
    t.seen.emplace_back("joined");
}

Task<void> cancel_from_inside(TaskFixture& t, Scope& scope) {
    scope.cancel();
    t.seen.emplace_back("cancelled");
    co_return;
}

/// As every part of the program does it in its stop().
Task<void> own_a_scope(TaskFixture& t, io::Event& work, io::Event& stop) {
    Scope scope(t.scheduler);
    scope.spawn(wait_on(t, work, "first"));
    scope.spawn(wait_on(t, work, "second"));
    [[maybe_unused]] const Result<Ok> asked = co_await stop.wait();
    scope.cancel();
    co_await scope.join();
    t.seen.emplace_back("stopped");
}

/// Nests scopes, and stays.
Task<void> nest(TaskFixture& t, io::Event& never, const int depth) {
    const Tracked outer(1);
    Scope scope(t.scheduler);
    scope.spawn(wait_on(t, never, "leaf"));
    if (depth != 0) {
        scope.spawn(nest(t, never, depth - 1));
    }
    const Tracked inner(1);
    co_await scope.join();
}

Task<void> shielded(TaskFixture& t, io::Event& event) {
    co_await event.wait_uncancelled();
    t.seen.emplace_back("cleaned up");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scope)

BOOST_AUTO_TEST_CASE(a_scope_must_not_end_before_its_tasks) {
    BOOST_TEST(test::dies([] {
        TaskFixture t;
        io::Event never(t.scheduler);
        Scope scope(t.scheduler);
        scope.spawn(wait_on(t, never, "x"));
    }));
}

BOOST_AUTO_TEST_CASE(a_spawned_task_begins_on_a_later_turn_and_not_inside_the_call) {
    TaskFixture t;
    t.scope.spawn(note(t, "a"));
    t.scope.spawn(note(t, "b"));
    BOOST_TEST(t.seen.empty());
    BOOST_TEST(t.scope.count() == 2u);
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a", "b"}));
    BOOST_TEST(t.scope.empty());
}

BOOST_AUTO_TEST_CASE(spawning_now_runs_a_task_up_to_its_first_suspension) {
    TaskFixture t;
    t.scope.spawn_now(note_twice(t, "a"));
    t.scope.spawn_now(note_twice(t, "b"));
    BOOST_TEST(t.seen == (Seen{"a begins", "b begins"}));
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a begins", "b begins", "a ends", "b ends"}));
    BOOST_TEST(t.scope.empty());
}

BOOST_AUTO_TEST_CASE(a_task_may_spawn_into_its_own_scope) {
    TaskFixture t;
    t.run(spawn_from_inside(t, t.scope));
    BOOST_TEST(t.seen == (Seen{"now", "spawner", "later"}));
}

BOOST_AUTO_TEST_CASE(joining_a_scope_without_tasks_does_not_wait) {
    TaskFixture t;
    Scope scope(t.scheduler);
    t.run(wait_for_all(t, scope));
    BOOST_TEST(t.seen == Seen{"joined"});
}

BOOST_AUTO_TEST_CASE(joining_waits_for_the_last_task_and_for_those_spawned_meanwhile) {
    TaskFixture t;
    io::Event first(t.scheduler);
    io::Event second(t.scheduler);
    Scope scope(t.scheduler);
    scope.spawn(wait_on(t, first, "first"));
    t.begin(wait_for_all(t, scope));
    scope.spawn(wait_on(t, second, "second"));
    first.set();
    t.turn();
    BOOST_TEST(t.seen == Seen{"first woken"});
    second.set();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"first woken", "second woken", "joined"}));
}

BOOST_AUTO_TEST_CASE(a_scope_that_was_empty_in_between_is_joined_again) {
    TaskFixture t;
    Scope scope(t.scheduler);
    for (int round = 0; round < 3; ++round) {
        scope.spawn(note(t, "task"));
        t.run(wait_for_all(t, scope));
    }
    BOOST_TEST(t.seen == (Seen{"task", "joined", "task", "joined", "task", "joined"}));
}

BOOST_AUTO_TEST_CASE(several_tasks_may_join_one_scope) {
    TaskFixture t;
    io::Event event(t.scheduler);
    Scope scope(t.scheduler);
    scope.spawn(wait_on(t, event, "task"));
    t.begin(wait_for_all(t, scope));
    t.begin(wait_for_all(t, scope));
    event.set();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"task woken", "joined", "joined"}));
}

BOOST_AUTO_TEST_CASE(cancelling_ends_every_wait_on_a_later_turn) {
    TaskFixture t;
    io::Event never(t.scheduler);
    t.begin(wait_on(t, never, "a"));
    t.begin(wait_on(t, never, "b"));
    t.scope.cancel();
    BOOST_TEST(t.seen.empty());
    t.turn();
    BOOST_TEST(t.seen == (Seen{"a cancelled", "b cancelled"}));
    BOOST_TEST(t.scope.empty());
}

BOOST_AUTO_TEST_CASE(a_task_of_a_cancelled_scope_runs_and_its_waits_end_at_once) {
    TaskFixture t;
    io::Event never(t.scheduler);
    t.scope.cancel();
    BOOST_TEST(t.scope.is_cancelled());
    t.run(wait_on(t, never, "late"));
    BOOST_TEST(t.seen == Seen{"late cancelled"});
}

BOOST_AUTO_TEST_CASE(a_task_may_cancel_its_own_scope) {
    TaskFixture t;
    io::Event never(t.scheduler);
    t.begin(wait_on(t, never, "other"));
    t.begin(cancel_from_inside(t, t.scope));
    BOOST_TEST(t.seen == (Seen{"cancelled", "other cancelled"}));
}

BOOST_AUTO_TEST_CASE(joining_and_shielded_waits_are_not_cut_short) {
    TaskFixture t;
    io::Event event(t.scheduler);
    Scope inner(t.scheduler);
    inner.spawn(wait_on(t, event, "task"));
    t.begin(wait_for_all(t, inner));
    t.begin(shielded(t, event));
    t.scope.cancel();
    t.turn();
    BOOST_TEST(t.seen.empty());
    event.set();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"task woken", "cleaned up", "joined"}));
}

BOOST_AUTO_TEST_CASE(an_owner_cancels_and_joins_what_it_spawned) {
    TaskFixture t;
    io::Event work(t.scheduler);
    io::Event stop(t.scheduler);
    t.begin(own_a_scope(t, work, stop));
    stop.set();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"first cancelled", "second cancelled", "stopped"}));
    BOOST_TEST(t.scope.empty());
    BOOST_TEST(Tracked::living == 0);
}

BOOST_AUTO_TEST_CASE(cancelling_an_outer_scope_reaches_an_inner_one_through_its_owner_only) {
    TaskFixture t;
    io::Event work(t.scheduler);
    io::Event stop(t.scheduler);
    t.begin(own_a_scope(t, work, stop));
    t.scope.cancel();
    t.turn();
    BOOST_TEST(t.seen == (Seen{"first cancelled", "second cancelled", "stopped"}));
}

BOOST_AUTO_TEST_CASE(a_simulated_crash_destroys_every_frame_wherever_it_stands) {
    TaskFixture t;
    io::Event never(t.scheduler);
    auto scope = std::make_unique<Scope>(t.scheduler);
    scope->spawn(nest(t, never, 3));
    scope->spawn(wait_on(t, never, "waits"));
    t.turn();
    scope->spawn(wait_on(t, never, "has not begun"));
    BOOST_TEST(Tracked::living == 4 * 3 + 1);
    t.scheduler.begin_crash();
    scope.reset();
    t.turn();
    BOOST_TEST(t.seen.empty());
    BOOST_TEST(Tracked::living == 0);
    BOOST_TEST(Tracked::wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_crash_is_harmless_between_the_waking_of_a_task_and_its_turn) {
    TaskFixture t;
    io::Event event(t.scheduler);
    auto scope = std::make_unique<Scope>(t.scheduler);
    scope->spawn(wait_on(t, event, "woken"));
    scope->spawn(wait_on(t, event, "woken"));
    t.turn();
    event.set();
    t.scheduler.begin_crash();
    scope.reset();
    t.turn();
    BOOST_TEST(t.seen.empty());
    BOOST_TEST(Tracked::living == 0);
}

BOOST_AUTO_TEST_SUITE_END()
