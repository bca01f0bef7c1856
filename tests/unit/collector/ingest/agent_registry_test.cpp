#define BOOST_TEST_MODULE collector_ingest
#include "collector/ingest/agent_registry.h"

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

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_registry)

BOOST_AUTO_TEST_CASE(an_agent_id_belongs_to_one_machine_while_it_is_connected) {
    test::run_on_loop(claim_from_two_machines);
}

BOOST_AUTO_TEST_SUITE_END()
