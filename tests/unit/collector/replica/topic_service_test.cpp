#include "collector/replica/topic_service.h"

#include "tests/unit/collector/replica/replica_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Created = Result<metadata::ImagePtr>;

Created create(ReplicaWorld& world, const std::string& name, const std::int32_t partitions = 1) {
    return world.machine.run(world.topics().create(world.machine.shard(), name, partitions));
}

Created ensure(ReplicaWorld& world, const std::string& name) {
    return world.machine.run(world.topics().ensure(world.machine.shard(), name, 1));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(topic_service)

BOOST_AUTO_TEST_CASE(what_the_store_refuses_is_refused) {
    ReplicaWorld world;
    world.must_open();
    BOOST_TEST((create(world, "a/b").code() == ErrorCode::invalid_argument));
    BOOST_TEST((ensure(world, "").code() == ErrorCode::invalid_argument));
    BOOST_TEST((create(world, "a", 0).code() == ErrorCode::invalid_argument));
    BOOST_TEST(create(world, "a").has_value());
    BOOST_TEST((create(world, "a").code() == ErrorCode::already_exists));
    BOOST_TEST(world.topics().image()->topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_topic_whose_partitions_could_not_be_opened_is_an_error_and_tried_again) {
    ReplicaWorld world(2);
    world.must_open();
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? ENOSPC : sim::OpGate::passes;
    });
    BOOST_TEST(!create(world, "t", 2).has_value());
    BOOST_TEST(!ensure(world, "t").has_value());
    BOOST_TEST(world.find("t", 0) == nullptr);
    world.machine.judge_ops({});
    BOOST_TEST(!ensure(world, "t").has_value());  // who asks many times a second costs little
    world.machine.run_for(1s);
    BOOST_TEST((create(world, "t", 2).code() == ErrorCode::already_exists));
    BOOST_TEST(ensure(world, "t").has_value());
    BOOST_TEST(world.append("t", {"a"}, 0).has_value());
    BOOST_TEST(world.append("t", {"a"}, 1).has_value());
}

BOOST_AUTO_TEST_CASE(a_topic_can_be_written_to_when_its_creation_is_answered) {
    ReplicaWorld world(2);
    world.must_open();
    const Created created = create(world, "t", 5);
    BOOST_REQUIRE(created.has_value());
    BOOST_TEST((*created)->find("t")->partitions.size() == 5u);
    for (std::int32_t i = 0; i < 5; ++i) {
        BOOST_TEST(world.append("t", {"a"}, i)->base_offset.value == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_there_is_ensured_without_asking_the_store) {
    ReplicaWorld world;
    world.must_open();
    BOOST_REQUIRE(ensure(world, "t").has_value());
    int ops = 0;
    world.machine.judge_ops([&ops](const io::Op&) {
        ++ops;
        return sim::OpGate::passes;
    });
    const Created again = ensure(world, "t");
    BOOST_TEST((*again)->find("t") != nullptr);
    BOOST_TEST(ops == 0);
}

BOOST_AUTO_TEST_CASE(those_who_ensure_one_topic_at_once_all_get_it_open) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        ReplicaWorld world(3, seed);
        world.must_open();
        std::vector<sim::Outcome<Created>> outcomes;
        for (std::size_t i = 0; i < 9; ++i) {
            Shard& from = world.machine.shard(i % 3);
            outcomes.push_back(world.machine.begin(world.topics().ensure(from, "t", 4), i % 3));
        }
        world.machine.run_until([&] {
            return std::ranges::all_of(outcomes, [](const auto& one) { return one.is_there(); });
        });
        for (auto& outcome : outcomes) {
            BOOST_REQUIRE(outcome.value().has_value());
            BOOST_REQUIRE(world.replicas().has_all(*(*outcome.value())->find("t")));
        }
        BOOST_REQUIRE(world.topics().image()->topics().size() == 1u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
