#include "agent/source/file/turn_queue.h"

#include "tests/unit/agent/source/file/stream_bench.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

/// A queue and one reader, who notes whose turn it was and gives each back at once.
struct TurnBench : StreamBench {
    TurnBench() {
        for (unsigned i = 1; i <= 4; ++i) {
            add(i, 100 + i);
        }
    }
    Stream& stream(const unsigned number) { return *table.find(id_of(number)); }
    [[nodiscard]] Env& env() { return batches.machine.env(); }
    void pass(const Nanos time) { batches.machine.run_for(time); }

    /// The next turn within `at_most`, or null.
    Stream* take(const Nanos at_most = 1ms) {
        if (!asked) {
            asked = batches.machine.begin(queue.next(find));
        }
        const SteadyTime deadline = env().clock.now() + at_most;
        batches.machine.events().after(at_most, [] {});  // the clock stops there
        batches.machine.run_until([this, deadline] {
            return asked->is_there() || env().clock.now() >= deadline;
        });
        if (!asked->is_there()) {
            return nullptr;
        }
        Stream* const taken = asked->value();
        asked.reset();
        return taken;
    }

    std::function<Stream*(const record::Id128&)> find = [this](const record::Id128& uid) {
        return table.find(uid);
    };
    TurnQueue& queue{batches.machine.make<TurnQueue>(env())};
    std::optional<sim::Outcome<Stream*>> asked;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(turn_queue)

BOOST_AUTO_TEST_CASE(streams_have_their_turns_in_the_order_in_which_they_were_wanted) {
    // T37: one block a turn, so that a hot file does not hold up a cold one.
    TurnBench bench;
    for (const unsigned number : {3u, 1u, 2u}) {
        bench.queue.want(bench.stream(number));
    }
    for (const unsigned number : {3u, 1u, 2u}) {
        Stream* const taken = bench.take();
        BOOST_REQUIRE(taken == &bench.stream(number));
        bench.queue.want(*taken);  // it has more, behind the others
        bench.queue.done(*taken);
    }
    BOOST_TEST(bench.take() == &bench.stream(3));
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_wanted_twice_has_one_turn) {
    TurnBench bench;
    bench.queue.want(bench.stream(1));
    bench.queue.want(bench.stream(1));
    BOOST_REQUIRE(bench.take() == &bench.stream(1));
    bench.queue.done(bench.stream(1));
    BOOST_TEST(bench.take(1min) == nullptr);
    BOOST_TEST(bench.queue.is_idle());
}

BOOST_AUTO_TEST_CASE(news_that_come_during_a_turn_bring_the_stream_back_once_and_not_before_its_end
) {
    TurnBench bench;
    bench.queue.want(bench.stream(1));
    BOOST_REQUIRE(bench.take() == &bench.stream(1));
    bench.queue.want(bench.stream(1));
    bench.queue.want(bench.stream(1));
    BOOST_TEST(bench.take(1min) == nullptr);  // it is in one reader's hands
    BOOST_TEST(!bench.queue.is_idle());
    bench.queue.done(bench.stream(1));
    BOOST_REQUIRE(bench.take() == &bench.stream(1));
    bench.queue.done(bench.stream(1));
    BOOST_TEST(bench.take(1min) == nullptr);
}

BOOST_AUTO_TEST_CASE(an_alarm_comes_at_its_time_and_the_earliest_of_several_counts) {
    TurnBench bench;
    const SteadyTime start = bench.env().clock.now();
    bench.queue.want_at(bench.stream(1), start + 10s);
    bench.queue.want_at(bench.stream(1), start + 3s);
    bench.queue.want_at(bench.stream(1), start + 20s);
    BOOST_TEST(bench.take(2900ms) == nullptr);
    BOOST_REQUIRE(bench.take(200ms) == &bench.stream(1));
    bench.queue.done(bench.stream(1));
    BOOST_TEST(bench.take(1min) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_reader_that_sleeps_hears_of_an_earlier_alarm) {
    TurnBench bench;
    const SteadyTime start = bench.env().clock.now();
    bench.queue.want_at(bench.stream(1), start + 1h);
    BOOST_TEST(bench.take(1s) == nullptr);
    bench.queue.want_at(bench.stream(2), start + 5s);
    BOOST_TEST(bench.take(10s) == &bench.stream(2));
    BOOST_TEST((bench.env().clock.now() - start < 5100ms));
}

BOOST_AUTO_TEST_CASE(an_alarm_can_be_set_again_after_it_came) {
    TurnBench bench;
    for (int i = 0; i < 3; ++i) {
        bench.queue.want_at(bench.stream(1), bench.env().clock.now() + 1s);
        BOOST_REQUIRE(bench.take(2s) == &bench.stream(1));
        bench.queue.done(bench.stream(1));
    }
}

BOOST_AUTO_TEST_CASE(a_blocked_stream_waits_until_all_are_unblocked) {
    TurnBench bench;
    bench.queue.block(bench.stream(2));
    bench.queue.block(bench.stream(1));
    bench.queue.block(bench.stream(2));
    BOOST_TEST(bench.stream(2).is_blocked);
    BOOST_TEST(bench.take(1min) == nullptr);
    bench.queue.unblock_all(bench.find);
    BOOST_REQUIRE(bench.take() == &bench.stream(2));
    bench.queue.done(bench.stream(2));
    BOOST_REQUIRE(bench.take() == &bench.stream(1));
    bench.queue.done(bench.stream(1));
    BOOST_TEST(!bench.stream(2).is_blocked);
    BOOST_TEST(bench.take(1min) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_stream_that_was_removed_has_no_turn_any_more) {
    TurnBench bench;
    bench.queue.want(bench.stream(1));
    bench.queue.want_at(bench.stream(2), bench.env().clock.now() + 1s);
    bench.queue.block(bench.stream(3));
    bench.queue.want(bench.stream(4));
    for (unsigned number = 1; number <= 3; ++number) {
        bench.queue.forget(bench.stream(number));
        bench.table.remove(bench.stream(number));
    }
    bench.queue.unblock_all(bench.find);
    BOOST_REQUIRE(bench.take() == &bench.stream(4));
    bench.queue.done(bench.stream(4));
    BOOST_TEST(bench.take(1min) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
