#define BOOST_TEST_MODULE shared_io
#include "shared/io/task.h"

#include "shared/base/rng.h"
#include "tests/support/dies.h"
#include "tests/unit/shared/io/task_fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

using namespace logboom;
using test::TaskFixture;
using test::Tracked;

namespace {

Task<int> answer(TaskFixture& t, const int n) {
    t.seen.emplace_back("answered");
    co_return n;
}

Task<void> make_first_and_await_later(TaskFixture& t) {
    Task<int> task = answer(t, 7);
    t.seen.emplace_back("made");
    const int n = co_await std::move(task);
    t.seen.push_back(std::to_string(n));
}

Task<std::unique_ptr<int>> give_owned() {
    co_return std::make_unique<int>(3);
}
Task<void> take_owned(TaskFixture& t) {
    const std::unique_ptr<int> owned = co_await give_owned();
    t.seen.push_back(std::to_string(*owned));
}

Task<Tracked> hold(Tracked given) {
    const Tracked local(1);
    co_await io::yield();
    co_return given;
}
Task<void> hold_and_let_go(TaskFixture& t) {
    const Tracked back = co_await hold(Tracked(5));
    t.seen.push_back(std::to_string(back.value) + " of " + std::to_string(Tracked::living));
}

Task<int> end_later(TaskFixture& t, const int yields) {
    for (int i = 0; i < yields; ++i) {
        co_await io::yield();
    }
    t.seen.push_back("child " + std::to_string(yields));
    co_return yields;
}
Task<void> await_some(TaskFixture& t) {
    for (int yields = 0; yields < 3; ++yields) {
        const int n = co_await end_later(t, yields);
        t.seen.push_back("parent " + std::to_string(n));
    }
}

Task<int> chain(const int depth) {
    if (depth == 0) {
        co_await io::yield();
        co_return 0;
    }
    const int below = co_await chain(depth - 1);
    co_return below + 1;
}
Task<void> await_chain(int& depth) {
    depth = co_await chain(300);
}

Task<void> look_at_scope(TaskFixture& t, const int depth) {
    if (depth != 0) {
        co_return co_await look_at_scope(t, depth - 1);
    }
    const bool cancelled = co_await io::is_cancelled();
    t.seen.emplace_back(cancelled ? "cancelled" : "not cancelled");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(task)

BOOST_AUTO_TEST_CASE(a_task_that_was_moved_away_cannot_be_awaited) {
    BOOST_TEST(test::dies([] {
        TaskFixture t;
        Task<int> task = answer(t, 1);
        const Task<int> taken = std::move(task);
        static_cast<void>(std::move(task).operator co_await());
    }));
}

BOOST_AUTO_TEST_CASE(a_task_does_nothing_before_it_is_awaited) {
    TaskFixture t;
    t.run(make_first_and_await_later(t));
    BOOST_TEST(t.seen == (std::vector<std::string>{"made", "answered", "7"}));
}

BOOST_AUTO_TEST_CASE(a_task_that_nobody_awaits_lets_go_of_its_arguments) {
    TaskFixture t;
    {
        const Task<Tracked> never = hold(Tracked(1));
        BOOST_TEST(Tracked::living == 1);
    }
    BOOST_TEST(Tracked::living == 0);
    BOOST_TEST(Tracked::wrong == 0);
}

BOOST_AUTO_TEST_CASE(assigning_a_task_ends_the_one_that_was_there) {
    TaskFixture t;
    Task<Tracked> task = hold(Tracked(1));
    task = hold(Tracked(2));
    BOOST_TEST(Tracked::living == 1);
}

BOOST_AUTO_TEST_CASE(a_value_that_cannot_be_copied_comes_out_of_a_task) {
    TaskFixture t;
    t.run(take_owned(t));
    BOOST_TEST(t.seen == std::vector<std::string>{"3"});
}

BOOST_AUTO_TEST_CASE(arguments_locals_and_results_begin_and_end_once) {
    TaskFixture t;
    t.run(hold_and_let_go(t));
    BOOST_TEST(t.seen == std::vector<std::string>{"5 of 1"});
    BOOST_TEST(Tracked::living == 0);
    BOOST_TEST(Tracked::wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_parent_goes_on_once_after_each_child_whether_that_waited_or_not) {
    TaskFixture t;
    t.run(await_some(t));
    const std::vector<std::string> expected{
        "child 0", "parent 0", "child 1", "parent 1", "child 2", "parent 2"};
    BOOST_TEST(t.seen == expected);
}

BOOST_AUTO_TEST_CASE(a_chain_of_some_hundred_tasks_comes_back_from_its_end) {
    TaskFixture t;
    int depth = 0;
    t.run(await_chain(depth));
    BOOST_TEST(depth == 300);
}

BOOST_AUTO_TEST_CASE(a_task_deep_below_knows_whether_its_scope_was_cancelled) {
    TaskFixture t;
    t.run(look_at_scope(t, 5));
    t.scope.cancel();
    t.run(look_at_scope(t, 5));
    BOOST_TEST(t.seen == (std::vector<std::string>{"not cancelled", "cancelled"}));
}

BOOST_AUTO_TEST_CASE(frames_do_not_overlap_whatever_their_sizes_and_the_order_of_their_ends) {
    struct Frame {
        std::byte* bytes;
        std::size_t size;
        std::byte mark;
    };
    Rng rng(1);
    std::vector<Frame> frames;
    const auto end = [&frames](const std::size_t at) {
        const Frame frame = frames[at];
        const auto is_mark = [&frame](const std::byte b) { return b == frame.mark; };
        BOOST_REQUIRE(std::all_of(frame.bytes, frame.bytes + frame.size, is_mark));
        io::free_frame(frame.bytes, frame.size);
        frames[at] = frames.back();
        frames.pop_back();
    };
    for (int round = 0; round < 5000; ++round) {
        if (frames.size() < 600 && (frames.empty() || rng.chance(0.6))) {
            // Most sizes have a free list, those above 2 KiB have none.
            Frame frame{nullptr, 1 + rng.below(2300), static_cast<std::byte>(rng.next())};
            frame.bytes = static_cast<std::byte*>(io::allocate_frame(frame.size));
            BOOST_REQUIRE(reinterpret_cast<std::uintptr_t>(frame.bytes) % 16 == 0);
            std::memset(frame.bytes, static_cast<int>(frame.mark), frame.size);
            frames.push_back(frame);
        } else {
            end(rng.below(frames.size()));
        }
    }
    while (!frames.empty()) {
        end(frames.size() - 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
