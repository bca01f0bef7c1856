#include "collector/replica/replica_manager.h"

#include "tests/unit/collector/replica/agent_batch.h"
#include "tests/unit/collector/replica/replica_world.h"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

std::string first_segment(const std::string& partition_dir) {
    return partition_dir + "/" + storage::segment_file_name(Offset(0), storage::log_suffix);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replica_manager)

BOOST_AUTO_TEST_CASE(a_damaged_partition_is_not_served_and_the_others_are) {
    for (const std::size_t shard_count : {1u, 3u}) {
        ReplicaWorld world(shard_count);
        world.must_open();
        world.must_create("t", 4);
        for (std::int32_t i = 0; i < 4; ++i) {
            BOOST_REQUIRE(world.append("t", {"value"}, i).has_value());
        }
        world.machine.run_for(2s);  // the checkpoints
        const std::string damaged = first_segment(world.dir_of("t", 2));
        world.kill();
        world.machine.flip_bit(damaged, 70, 1);
        world.must_open();
        BOOST_TEST(world.replicas().faulty_count() == 1u);
        BOOST_TEST(world.machine.has_logged("partition is not served"));
        BOOST_TEST(world.find("t", 2) == nullptr);
        BOOST_TEST(!world.replicas().has_all(*world.store().image()->find("t")));
        for (const std::int32_t i : {0, 1, 3}) {
            BOOST_TEST(world.append("t", {"more"}, i)->base_offset.value == 1);
        }
        world.reopen();  // what is damaged stays so after a clean stop
        BOOST_TEST(world.replicas().faulty_count() == 1u);
        BOOST_TEST(world.find("t", 1)->recovery().was_clean);
    }
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_given_up_is_refused_at_the_next_start) {
    ReplicaWorld world;
    world.must_open();
    world.must_create("t");
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.append("t", {"a"}).code() == ErrorCode::storage_failed));
    BOOST_TEST(world.replicas().has_storage_failed());
    world.machine.disk().options().faults.sync_error = 0;
    world.machine.run_for(1s);
    world.machine.run(world.replicas().stop());
    BOOST_TEST(!world.machine.exists(ReplicaWorld::log_dir + "/clean"));
    world.kill();
    BOOST_TEST((world.open().code() == ErrorCode::storage_failed));
    BOOST_TEST(world.machine.has_logged("check the disk, then remove the marker"));
}

BOOST_AUTO_TEST_CASE(a_topic_that_found_no_room_is_opened_by_a_later_call) {
    ReplicaWorld world(2);
    world.must_open();
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? ENOSPC : sim::OpGate::passes;
    });
    const Result<metadata::ImagePtr> created =
        world.machine.run(world.topics().create(world.machine.shard(), "t", 3));
    BOOST_TEST(!created.has_value());
    BOOST_TEST(world.machine.has_logged("partition cannot be opened and is not served"));
    BOOST_TEST(world.find("t", 1) == nullptr);
    world.machine.judge_ops({});
    const metadata::ImagePtr image = world.store().image();
    BOOST_TEST(world.machine.run(world.replicas().open_topic(*image->find("t"))).has_value());
    BOOST_TEST(world.replicas().has_all(*image->find("t")));
    BOOST_TEST(world.append("t", {"a"}, 2)->base_offset.value == 0);
}

BOOST_AUTO_TEST_CASE(a_stop_before_anything_was_opened_is_none) {
    ReplicaWorld world;
    FetchHubs hubs(world.machine.shards());
    ReplicaManager manager(world.machine.shards(), ReplicaManagerOptions(), hubs);
    world.machine.run(manager.stop());
    BOOST_TEST(!manager.has_storage_failed());
}

BOOST_AUTO_TEST_CASE(partitions_are_spread_over_the_shards_and_stay_where_they_are) {
    ReplicaWorld world(4);
    world.must_open();
    world.must_create("t", 40);
    std::set<std::size_t> homes;
    std::vector<std::size_t> of_partition;
    for (std::int32_t i = 0; i < 40; ++i) {
        of_partition.push_back(world.replicas().home_of(*world.find("t", i)).index());
        homes.insert(of_partition.back());
    }
    BOOST_TEST(homes.size() == 4u);
    world.reopen();
    for (std::int32_t i = 0; i < 40; ++i) {
        const std::size_t home = world.replicas().home_of(*world.find("t", i)).index();
        BOOST_TEST(home == of_partition[static_cast<std::size_t>(i)]);
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_not_found) {
    ReplicaWorld world;
    world.must_open();
    world.must_create("t", 2);
    BOOST_TEST(world.find("t", 1) != nullptr);
    BOOST_TEST(world.find("t", 2) == nullptr);
    BOOST_TEST(world.find("t", -1) == nullptr);
    BOOST_TEST(world.replicas().find(id_of(0xee), PartitionIndex(0)) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_clean_stop_is_known_at_the_next_start_and_a_killed_one_is_not) {
    ReplicaWorld world(2);
    world.must_open();
    world.must_create("t", 3);
    BOOST_REQUIRE(world.append("t", {"a", "b"}, 1).has_value());
    world.reopen();
    for (std::int32_t i = 0; i < 3; ++i) {
        BOOST_TEST(world.find("t", i)->recovery().was_clean);
    }
    BOOST_TEST(world.find("t", 1)->high_watermark().value == 2);
    BOOST_TEST(!world.machine.exists(ReplicaWorld::log_dir + "/clean"));
    world.kill();
    world.must_open();
    BOOST_TEST(!world.find("t", 1)->recovery().was_clean);
    BOOST_TEST(world.find("t", 1)->high_watermark().value == 2);
}

BOOST_AUTO_TEST_CASE(with_another_number_of_shards_everything_is_served_and_known_to_be_synced) {
    ReplicaWorld world(3);
    world.must_open();
    world.must_create("t", 6);
    for (std::int32_t i = 0; i < 6; ++i) {
        BOOST_REQUIRE(world.append("t", {"value"}, i).has_value());
    }
    world.machine.run_for(2s);  // the checkpoints, one file of each shard
    world.kill();
    for (const std::size_t shard_count : {1u, 4u}) {
        world.machine.set_shard_count(shard_count);
        world.kill();
        const Result<storage::DirectoryStart> start = world.machine.run(
            storage::start_log_directory(world.machine.env(), ReplicaWorld::log_dir)
        );
        world.must_open();
        for (std::int32_t i = 0; i < 6; ++i) {
            const storage::PartitionKey key{world.id_of_topic("t"), PartitionIndex(i)};
            BOOST_TEST((start->synced_end_of(key) == world.find("t", i)->high_watermark()));
            BOOST_TEST(world.append("t", {"more"}, i).has_value());
        }
        world.machine.run_for(2s);
        world.kill();
    }
}

BOOST_AUTO_TEST_SUITE_END()
