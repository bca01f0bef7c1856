#include "collector/replica/fetch_hub.h"

#include "tests/unit/collector/replica/replica_world.h"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <memory>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

/// A fetch that waits on a shard for a partition.
struct Wait {
    Wait(ReplicaWorld& world, const std::size_t shard, Partition& partition)
        : wake(world.machine.env(shard).scheduler) {
        waiter.wake = &wake;
        world.hubs().of(world.machine.shard(shard)).add(partition, waiter);
    }

    io::Event wake;
    FetchHub::Waiter waiter;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(fetch_hub)

BOOST_AUTO_TEST_CASE(who_waits_is_woken_on_whatever_shard_when_the_high_watermark_moves) {
    ReplicaWorld world(3);
    world.must_open();
    world.must_create("t", 2);
    Partition& partition = *world.find("t", 0);
    std::deque<Wait> waits;
    for (std::size_t shard = 0; shard < 3; ++shard) {
        waits.emplace_back(world, shard, partition);
        waits.emplace_back(world, shard, partition);
    }
    world.machine.run_for(1s);
    for (const Wait& wait : waits) {
        BOOST_TEST(!wait.wake.is_set());
    }
    BOOST_REQUIRE(world.append("t", {"a"}, 0).has_value());
    world.machine.run_for(1ms);
    for (const Wait& wait : waits) {
        BOOST_TEST(wait.wake.is_set());
    }
}

BOOST_AUTO_TEST_CASE(who_waits_for_another_partition_sleeps_on) {
    ReplicaWorld world(2);
    world.must_open();
    world.must_create("t", 2);
    Wait wait(world, 1, *world.find("t", 1));
    BOOST_REQUIRE(world.append("t", {"a"}, 0).has_value());
    world.machine.run_for(1s);
    BOOST_TEST(!wait.wake.is_set());
    BOOST_REQUIRE(world.append("t", {"a"}, 1).has_value());
    world.machine.run_for(1ms);
    BOOST_TEST(wait.wake.is_set());
}

BOOST_AUTO_TEST_CASE(who_has_gone_is_not_woken) {
    ReplicaWorld world;
    world.must_open();
    world.must_create("t");
    Wait stays(world, 0, *world.find("t"));
    { const Wait gone(world, 0, *world.find("t")); }
    BOOST_REQUIRE(world.append("t", {"a"}).has_value());
    world.machine.run_for(1ms);
    BOOST_TEST(stays.wake.is_set());
}

BOOST_AUTO_TEST_CASE(who_was_woken_waits_anew_only_when_he_says_so) {
    ReplicaWorld world;
    world.must_open();
    world.must_create("t");
    Wait first(world, 0, *world.find("t"));
    BOOST_REQUIRE(world.append("t", {"a"}).has_value());
    world.machine.run_for(1ms);
    first.wake.reset();
    BOOST_REQUIRE(world.append("t", {"b"}).has_value());
    world.machine.run_for(1s);
    BOOST_TEST(!first.wake.is_set());
    Wait second(world, 0, *world.find("t"));
    BOOST_REQUIRE(world.append("t", {"c"}).has_value());
    world.machine.run_for(1ms);
    BOOST_TEST(second.wake.is_set());
}

BOOST_AUTO_TEST_CASE(shards_without_a_waiter_are_not_told) {
    ReplicaWorld world(3);
    world.must_open();
    world.must_create("t");
    Partition& partition = *world.find("t");
    BOOST_TEST(partition.fetch_interest().load() == 0u);
    const Wait wait(world, 2, partition);
    BOOST_TEST(partition.fetch_interest().load() == 4u);
    BOOST_REQUIRE(world.append("t", {"a"}).has_value());
    BOOST_TEST(partition.fetch_interest().load() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
