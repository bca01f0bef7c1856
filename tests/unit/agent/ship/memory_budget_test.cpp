#include "agent/ship/memory_budget.h"

#include <boost/test/unit_test.hpp>

#include <utility>

using namespace logboom;
using namespace logboom::ship;

namespace {

struct Budget {
    metrics::Registry registry;
    MemoryBudget budget{100, 40, registry};
    int rooms = 0;

    Budget() {
        budget.room = [this] { ++rooms; };
    }
    [[nodiscard]] bool has_metric(const std::string& line) const {
        return registry.text().find(line + "\n") != std::string::npos;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_budget)

BOOST_AUTO_TEST_CASE(reading_stops_when_there_is_no_more_room_than_the_reserve) {
    Budget bench;
    MemoryHold held(bench.budget, MemoryPool::batches, 60);
    BOOST_TEST(bench.budget.may_read());
    BOOST_TEST(bench.budget.room_bytes() == 0u);
    held.set(61);
    BOOST_TEST(!bench.budget.may_read());
    // What was read by then still has its place.
    held.set(100);
    BOOST_TEST(bench.budget.used_bytes() == 100u);
    BOOST_TEST(bench.budget.room_bytes() == 0u);
    BOOST_TEST(bench.budget.peak_bytes() == 100u);
}

BOOST_AUTO_TEST_CASE(who_was_refused_is_called_once_when_an_eighth_is_free_again) {
    Budget bench;
    MemoryHold held(bench.budget, MemoryPool::batches, 90);
    held.set(10);
    BOOST_TEST(bench.rooms == 0);  // nobody has asked
    held.set(90);
    BOOST_TEST(!bench.budget.may_read());
    BOOST_TEST(bench.budget.is_short());
    held.set(49);
    BOOST_TEST(bench.rooms == 0);
    held.set(48);
    BOOST_TEST(bench.rooms == 1);
    BOOST_TEST(!bench.budget.is_short());
    held.set(0);
    BOOST_TEST(bench.rooms == 1);
}

BOOST_AUTO_TEST_CASE(what_is_held_goes_with_its_holder_and_is_counted_once_when_that_is_moved) {
    Budget bench;
    {
        MemoryHold first(bench.budget, MemoryPool::blocks, 30);
        MemoryHold second = std::move(first);
        BOOST_TEST(second.bytes() == 30u);
        BOOST_TEST(bench.budget.used_bytes() == 30u);
        MemoryHold third(bench.budget, MemoryPool::builders, 5);
        third = std::move(second);
        BOOST_TEST(third.bytes() == 30u);
        BOOST_TEST(bench.budget.used_bytes() == 35u);
    }
    BOOST_TEST(bench.budget.used_bytes() == 0u);
    BOOST_TEST(bench.budget.peak_bytes() == 35u);
}

BOOST_AUTO_TEST_CASE(each_pool_is_shown) {
    Budget bench;
    const MemoryHold blocks(bench.budget, MemoryPool::blocks, 1);
    const MemoryHold builders(bench.budget, MemoryPool::builders, 2);
    const MemoryHold batches(bench.budget, MemoryPool::batches, 3);
    BOOST_TEST(bench.has_metric("logboom_agent_memory_bytes{pool=\"blocks\"} 1"));
    BOOST_TEST(bench.has_metric("logboom_agent_memory_bytes{pool=\"builders\"} 2"));
    BOOST_TEST(bench.has_metric("logboom_agent_memory_bytes{pool=\"batches\"} 3"));
    BOOST_TEST(bench.has_metric("logboom_agent_memory_limit_bytes 100"));
}

BOOST_AUTO_TEST_SUITE_END()
