#define BOOST_TEST_MODULE collector_ingest
#include "collector/ingest/agent_registry.h"

#include "tests/sim/sim_machine.h"
#include "tests/support/real_loop.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;

namespace {

constexpr record::Id128 agent{std::byte{1}};

Task<void> claim_from_two_machines(Shard& shard) {
    ingest::AgentRegistry registry(shard);
    const bool first = co_await registry.claim(shard, agent, "machine-a");
    BOOST_TEST(first);
    const bool same = co_await registry.claim(shard, agent, "machine-a");
    BOOST_TEST(same);
    const bool other = co_await registry.claim(shard, agent, "machine-b");
    BOOST_TEST(!other);
    co_await registry.release(shard, agent);
    const bool still_held = co_await registry.claim(shard, agent, "machine-b");
    BOOST_TEST(!still_held);
    co_await registry.release(shard, agent);
    const bool now_free = co_await registry.claim(shard, agent, "machine-b");
    BOOST_TEST(now_free);
}

struct RegistryWorld {
    RegistryWorld()
        : machine(two_shards())
        , registry(machine.make<ingest::AgentRegistry>(machine.shard(0))) {}
    static sim::SimMachineOptions two_shards() {
        sim::SimMachineOptions options;
        options.shard_count = 2;
        return options;
    }

    bool claim(const std::string& machine_id, const std::size_t from = 0) {
        return machine.run(registry.claim(machine.shard(from), agent, machine_id), from);
    }
    void release(const std::size_t from = 0) {
        machine.run(registry.release(machine.shard(from), agent), from);
    }

    sim::SimMachine machine;
    ingest::AgentRegistry& registry;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_registry)

BOOST_AUTO_TEST_CASE(an_agent_id_belongs_to_one_machine_while_it_is_connected) {
    test::run_on_loop(claim_from_two_machines);
}

BOOST_AUTO_TEST_CASE(a_claim_that_failed_holds_nothing) {
    RegistryWorld world;
    BOOST_TEST(world.claim("machine-a"));
    BOOST_TEST(!world.claim("machine-b"));
    world.release();
    BOOST_TEST(world.claim("machine-b"));
}

BOOST_AUTO_TEST_CASE(connections_on_other_shards_count_as_well) {
    RegistryWorld world;
    BOOST_TEST(world.claim("machine-a", 1));
    BOOST_TEST(!world.claim("machine-b", 0));
    BOOST_TEST(world.claim("machine-a", 0));
    world.release(1);
    BOOST_TEST(!world.claim("machine-b", 1));
    world.release(0);
    BOOST_TEST(world.claim("machine-b", 1));
}

BOOST_AUTO_TEST_SUITE_END()
