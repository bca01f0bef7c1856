#define BOOST_TEST_MODULE collector_ingest
#include "collector/ingest/agent_registry.h"

#include "collector/ingest/agent_list.h"
#include "shared/json/json_value.h"
#include "tests/sim/sim_machine.h"
#include "tests/support/real_loop.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;

namespace {

constexpr record::Id128 agent{std::byte{1}};

ingest::AgentFacts of_machine(std::string machine_id) {
    return {std::move(machine_id), "web01", "1.2.3"};
}

Task<void> claim_from_two_machines(Shard& shard) {
    ingest::AgentRegistry registry(shard);
    const bool first = co_await registry.claim(shard, agent, of_machine("machine-a"));
    BOOST_TEST(first);
    const bool same = co_await registry.claim(shard, agent, of_machine("machine-a"));
    BOOST_TEST(same);
    const bool other = co_await registry.claim(shard, agent, of_machine("machine-b"));
    BOOST_TEST(!other);
    co_await registry.release(shard, agent);
    const bool still_held = co_await registry.claim(shard, agent, of_machine("machine-b"));
    BOOST_TEST(!still_held);
    co_await registry.release(shard, agent);
    const bool now_free = co_await registry.claim(shard, agent, of_machine("machine-b"));
    BOOST_TEST(now_free);
}

struct RegistryWorld {
    RegistryWorld()
        : machine(two_shards())
        , registry(machine.make<ingest::AgentRegistry>(machine.shard(0), std::size_t{2})) {}
    static sim::SimMachineOptions two_shards() {
        sim::SimMachineOptions options;
        options.shard_count = 2;
        return options;
    }

    bool claim(const std::string& machine_id, const std::size_t from = 0) {
        return claim_as(agent, machine_id, from);
    }
    bool claim_as(
        const record::Id128 id, const std::string& machine_id, const std::size_t from = 0
    ) {
        return machine.run(registry.claim(machine.shard(from), id, of_machine(machine_id)), from);
    }
    void release(const std::size_t from = 0) { release_as(agent, from); }
    void release_as(const record::Id128 id, const std::size_t from = 0) {
        machine.run(registry.release(machine.shard(from), id), from);
    }
    std::vector<ingest::KnownAgent> list(const std::size_t from = 0) {
        return machine.run(registry.list(machine.shard(from)), from);
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

BOOST_AUTO_TEST_CASE(an_agent_is_known_while_it_is_here_and_after_it_has_gone) {
    RegistryWorld world;
    BOOST_TEST(world.list().empty());
    BOOST_TEST(world.claim("machine-a", 1));
    BOOST_TEST(world.claim("machine-a", 0));
    BOOST_REQUIRE(world.list(1).size() == 1u);
    BOOST_TEST(world.list(1).front().connections == 2u);
    BOOST_TEST(world.list(1).front().facts.host == "web01");
    world.release(0);
    world.release(1);
    const WallTime left = world.machine.shard(0).env().clock.wall();
    BOOST_REQUIRE(world.list().size() == 1u);
    BOOST_TEST(world.list().front().connections == 0u);
    BOOST_TEST((left - world.list().front().last_seen < 1s));
}

BOOST_AUTO_TEST_CASE(of_those_that_have_gone_the_first_are_forgotten) {
    RegistryWorld world;
    const auto numbered = [](const int number) { return record::Id128{std::byte(number)}; };
    for (const int number : {1, 2, 3, 4}) {
        BOOST_TEST(world.claim_as(numbered(number), "machine"));
    }
    for (const int number : {3, 1, 4}) {
        world.release_as(numbered(number));
    }
    std::vector<record::Id128> ids;
    for (const ingest::KnownAgent& known : world.list()) {
        ids.push_back(known.id);
    }
    BOOST_TEST((ids == std::vector{numbered(1), numbered(2), numbered(4)}));
    BOOST_TEST(world.claim_as(numbered(1), "machine"));  // back again
    world.release_as(numbered(2));
    BOOST_TEST(world.list().size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_list_is_an_array_of_objects) {
    const WallTime seen{std::chrono::seconds(1'795'341'600) + 123ms};
    const ingest::KnownAgent here{agent, {"machine", "web\"01", "1.2.3"}, 2, seen};
    const ingest::KnownAgent gone{
        record::Id128{std::byte{2}}, {"machine", "caf\xe9\n", ""}, 0, seen};
    const auto parsed = json::parse_json(ingest::agents_as_json({here, gone}));
    BOOST_REQUIRE(parsed.has_value());
    const json::JsonValue& first = parsed->array()->at(0);
    BOOST_TEST(first.text("agent") == "01000000000000000000000000000000");
    BOOST_TEST(first.text("host") == "web\"01");
    BOOST_TEST(first.text("state") == "ok");
    BOOST_TEST(first.number("connections").value() == 2);
    BOOST_TEST(first.text("last_seen") == "2026-11-22T10:00:00.123Z");
    const json::JsonValue& second = parsed->array()->at(1);
    BOOST_TEST(second.text("host") == "caf\\xe9\\x0a");
    BOOST_TEST(second.text("state") == "offline");
    BOOST_TEST(second.text("reason") == "not connected since 2026-11-22T10:00:00.123Z");
    BOOST_TEST(ingest::agents_as_json({}) == "[]");
}

BOOST_AUTO_TEST_SUITE_END()
