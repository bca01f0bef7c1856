#include "shared/io/sim_events.h"

#include "shared/base/rng.h"
#include "tests/support/dies.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <algorithm>
#include <set>

using namespace logboom;
using io::SimEvents;
using test::IoWorld;

namespace {

std::vector<int> order_of_one_instant(const std::uint64_t seed) {
    SimEvents events(seed);
    std::vector<int> order;
    for (int i = 0; i < 10; ++i) {
        events.after(1ms, [&order, i] { order.push_back(i); });
    }
    events.advance_to(events.next_due());
    while (events.run_one()) {}
    return order;
}

/// Files, a directory, a connection with traffic, cancelled waits: a bit of everything.
Task<Result<Ok>> write_some(IoWorld& w, const int number) {
    const std::string path = w.path(std::to_string(number));
    LB_CO_TRY(io::File file, co_await w.fs().open(path, O_CREAT | O_RDWR));
    for (int i = 0; i < 10; ++i) {
        LB_CO_CHECK(co_await file.pwrite(as_bytes("some bytes"), static_cast<unsigned>(i) * 10));
        LB_CO_CHECK(co_await file.fdatasync());
    }
    LB_CO_CHECK(co_await file.close());
    co_return co_await w.fs().rename(path, path + ".done");
}
Task<void> write_and_forget(IoWorld& w, const int number) {
    const Result<Ok> written = co_await write_some(w, number);
    BOOST_TEST(written.has_value());
}
Task<void> send_and_close(IoWorld& w, Conn& conn) {
    for (int i = 0; i < 20; ++i) {
        Slice slice = w.env().pool.allocate(5000);
        std::ranges::fill(slice.mutable_bytes(), std::byte{7});
        const Result<Ok> sent = co_await conn.send(std::move(slice));
        BOOST_TEST(sent.has_value());
    }
    co_await conn.close();
}
Task<Result<Ok>> do_a_bit_of_everything(IoWorld& w) {
    Scope tasks(w.scheduler());
    for (int i = 0; i < 5; ++i) {
        tasks.spawn(write_and_forget(w, i));
    }
    const SocketAddress any{"127.0.0.1", 0};
    LB_CO_TRY(const std::unique_ptr<io::Listener> listener, co_await w.net().listen(any, false));
    const SocketAddress there{"127.0.0.1", listener->port()};
    LB_CO_TRY(const std::unique_ptr<Conn> client, co_await w.net().connect(there, no_deadline));
    LB_CO_TRY(const std::unique_ptr<Conn> server, co_await listener->next());
    tasks.spawn(send_and_close(w, *client));
    for (int i = 0; i < 20; ++i) {
        LB_CO_CHECK(co_await server->read_exact(5000));
    }
    co_await server->close();
    co_await tasks.join();
    co_await listener->close();
    LB_CO_TRY(const std::vector<io::DirEntry> entries, co_await w.fs().list(w.dir()));
    BOOST_TEST(entries.size() == 5u);
    co_return Ok{};
}

struct Trace {
    std::uint64_t hash;
    std::uint64_t count;
    std::string latest;
};
Trace trace_of(const std::uint64_t seed) {
    const auto world = IoWorld::simulated(seed);
    Rng order(seed);
    world->scheduler().shuffle_with(&order);
    world->run(do_a_bit_of_everything);
    SimEvents& events = world->the_sim().events;
    return {events.trace_hash(), events.count(), events.latest()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sim_events)

BOOST_AUTO_TEST_CASE(time_does_not_jump_over_an_event) {
    BOOST_TEST(test::dies([] {
        SimEvents events(1);
        events.after(1ms, [] {});
        events.advance_to(events.now() + 2ms);
    }));
}

BOOST_AUTO_TEST_CASE(an_event_runs_when_its_time_has_come_and_never_inside_the_call) {
    SimEvents events(1);
    const SteadyTime begin = events.now();
    std::vector<int> ran;
    events.after(2ms, [&ran] { ran.push_back(2); });
    events.after(Nanos::zero(), [&ran] { ran.push_back(0); });
    events.after(-1ms, [&ran] { ran.push_back(-1); });
    BOOST_TEST(ran.empty());
    while (events.run_one()) {}
    BOOST_TEST(ran.size() == 2u);
    BOOST_TEST((events.next_due() == begin + 2ms));
    events.advance_to(begin + 1ms);
    BOOST_TEST(!events.run_one());
    events.advance_to(begin + 2ms);
    BOOST_TEST(events.run_one());
    BOOST_TEST(ran.back() == 2);
    BOOST_TEST((events.next_due() == SteadyTime::max()));
    BOOST_TEST(!events.run_one());
}

BOOST_AUTO_TEST_CASE(time_does_not_go_back) {
    SimEvents events(1);
    const SteadyTime begin = events.now();
    events.advance_to(begin - 1s);
    BOOST_TEST((events.now() == begin));
}

BOOST_AUTO_TEST_CASE(events_that_make_events_run_in_the_order_of_time) {
    Rng rng(1);
    SimEvents events(1);
    std::vector<SteadyTime> times;
    std::function<void()> act = [&] {
        times.push_back(events.now());
        if (times.size() < 200) {
            events.after(Nanos(static_cast<std::int64_t>(rng.below(1000))), act);
            events.after(Nanos(static_cast<std::int64_t>(rng.below(1000))), act);
        }
    };
    act();
    while (events.next_due() != SteadyTime::max()) {
        events.advance_to(events.next_due());
        BOOST_REQUIRE(events.run_one());
    }
    BOOST_TEST(times.size() >= 200u);
    BOOST_TEST(std::ranges::is_sorted(times));
}

BOOST_AUTO_TEST_CASE(the_seed_picks_the_order_of_one_instant) {
    std::set<std::vector<int>> orders;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const std::vector<int> order = order_of_one_instant(seed);
        BOOST_TEST(order.size() == 10u);
        BOOST_TEST(order == order_of_one_instant(seed));
        orders.insert(order);
    }
    BOOST_TEST(orders.size() == 10u);
}

BOOST_AUTO_TEST_CASE(a_drawn_time_lies_in_its_range) {
    SimEvents events(1);
    std::set<Nanos> drawn;
    for (int i = 0; i < 1000; ++i) {
        drawn.insert(events.draw(Nanos(5), Nanos(8)));
    }
    BOOST_TEST((drawn == std::set<Nanos>{Nanos(5), Nanos(6), Nanos(7)}));
    BOOST_TEST((events.draw(Nanos(5), Nanos(5)) == Nanos(5)));
    BOOST_TEST((events.draw(Nanos(5), Nanos(1)) == Nanos(5)));
}

BOOST_AUTO_TEST_CASE(every_part_of_a_note_changes_the_hash) {
    const auto hash_of = [](const std::uint32_t node, const char* what, const int a, const int b) {
        SimEvents events(1);
        events.note(node, what, a, b);
        return events.trace_hash();
    };
    const std::set<std::uint64_t> hashes{
        SimEvents(1).trace_hash(),
        hash_of(1, "x", 1, 2),
        hash_of(2, "x", 1, 2),
        hash_of(1, "y", 1, 2),
        hash_of(1, "x", 2, 1),
        hash_of(1, "x", 1, 3)};
    BOOST_TEST(hashes.size() == 6u);
    BOOST_TEST(hash_of(1, "x", 1, 2) == hash_of(1, "x", 1, 2));
}

BOOST_AUTO_TEST_CASE(the_latest_steps_are_kept_for_a_report) {
    SimEvents events(1);
    BOOST_TEST(events.latest().empty());
    for (int i = 0; i < 1000; ++i) {
        events.note(3, "step", i, 2 * i);
    }
    const std::string text = events.latest();
    BOOST_TEST(events.count() == 1000u);
    BOOST_TEST(std::ranges::count(text, '\n') == 256);
    BOOST_TEST(text.find("  node 3  step  744 1488\n") != std::string::npos);
    BOOST_TEST(text.ends_with("step  999 1998\n"));
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_trace_and_another_seed_another) {
    std::set<std::uint64_t> hashes;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const Trace first = trace_of(seed);
        const Trace second = trace_of(seed);
        BOOST_TEST(first.count > 100u);
        BOOST_TEST(first.count == second.count);
        BOOST_TEST(first.hash == second.hash);
        BOOST_TEST((first.latest == second.latest));
        hashes.insert(first.hash);
    }
    BOOST_TEST(hashes.size() == 6u);
    BOOST_TEST_MESSAGE("trace of seed 1: " << trace_of(1).hash);
}

BOOST_AUTO_TEST_SUITE_END()
