// Topics that are deleted, whatever is going on in them, and topics that grow.
#include "collector/replica/topic_service.h"
#include "tests/unit/collector/replica/agent_batch.h"
#include "tests/unit/collector/replica/replica_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Changed = Result<metadata::ImagePtr>;

Changed remove(ReplicaWorld& world, const Id128& id) {
    return world.machine.run(world.topics().remove(world.machine.shard(), id));
}
Changed remove(ReplicaWorld& world, const std::string& name) {
    return remove(world, world.id_of_topic(name));
}
Changed grow(ReplicaWorld& world, const std::string& name, const std::int32_t count) {
    const Id128 id = world.id_of_topic(name);
    return world.machine.run(world.topics().add_partitions(world.machine.shard(), id, count));
}

/// Directories of partitions whose topic is of that id.
std::size_t directories_of(ReplicaWorld& world, const Id128& id) {
    const std::vector<std::string> names = world.machine.names_in(ReplicaWorld::log_dir);
    return static_cast<std::size_t>(std::ranges::count_if(names, [&id](const std::string& name) {
        return name.starts_with(to_hex(id) + "-");
    }));
}
/// Directories of partitions in all.
std::size_t directories(ReplicaWorld& world) {
    const std::vector<std::string> names = world.machine.names_in(ReplicaWorld::log_dir);
    return static_cast<std::size_t>(std::ranges::count_if(names, [](const std::string& name) {
        return name.size() > 32 && name[32] == '-';
    }));
}

/// Whether a checkpoint of the log directory still names the topic.
bool is_remembered(ReplicaWorld& world, const Id128& id) {
    const Result<storage::DirectoryStart> start =
        world.machine.run(storage::start_log_directory(world.machine.env(), ReplicaWorld::log_dir));
    BOOST_REQUIRE(start.has_value());
    return std::ranges::any_of(start->checkpoints, [&id](const auto& row) {
        return row.first.topic == id;
    });
}

void fill(ReplicaWorld& world, const std::string& name, const std::int32_t partitions) {
    for (std::int32_t i = 0; i < partitions; ++i) {
        for (int round = 0; round < 3; ++round) {  // two segments
            BOOST_REQUIRE(world.append(name, {std::string(9000, 'x')}, i).has_value());
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(topic_removal)

BOOST_AUTO_TEST_CASE(a_topic_that_is_not_there_is_neither_removed_nor_grown) {
    ReplicaWorld world;
    world.must_open();
    BOOST_TEST((remove(world, id_of(9)).code() == ErrorCode::not_found));
    const auto grown =
        world.machine.run(world.topics().add_partitions(world.machine.shard(), id_of(9), 3));
    BOOST_TEST((grown.code() == ErrorCode::not_found));
}

BOOST_AUTO_TEST_CASE(a_removed_topic_leaves_nothing_and_its_name_begins_anew) {
    for (const std::size_t shard_count : {1u, 3u}) {
        ReplicaWorld world(shard_count);
        world.must_open();
        world.must_create("t", 4);
        world.must_create("other", 2);
        fill(world, "t", 4);
        fill(world, "other", 2);
        world.machine.run_for(2s);  // the checkpoints
        const Id128 id = world.id_of_topic("t");
        BOOST_TEST(directories_of(world, id) == 4u);
        const Changed removed = remove(world, "t");
        BOOST_REQUIRE(removed.has_value());
        BOOST_TEST((*removed)->find("t") == nullptr);
        BOOST_TEST(world.replicas().find(id, PartitionIndex(0)) == nullptr);
        BOOST_TEST(directories_of(world, id) == 0u);
        BOOST_TEST(world.store().deleted_topics().empty());
        world.must_create("t", 1);
        BOOST_TEST(world.append("t", {"a"})->base_offset.value == 0);
        BOOST_TEST(world.append("other", {"a"}, 1)->base_offset.value == 3);
        world.machine.run_for(2s);
        world.reopen();
        BOOST_TEST(world.find("other", 1)->recovery().was_clean);
        BOOST_TEST(world.append("other", {"a"}, 1)->base_offset.value == 4);
        world.kill();
        BOOST_TEST(!is_remembered(world, id));
    }
}

BOOST_AUTO_TEST_CASE(a_partition_that_somebody_holds_has_ended_and_is_destroyed_when_it_is_let_go) {
    ReplicaWorld world(2);
    world.must_open();
    world.must_create("t");
    world.must_create("next");
    PartitionPtr held = world.find("t");
    const std::weak_ptr<Partition> watched = held;
    BOOST_REQUIRE(remove(world, "t").has_value());
    BOOST_TEST(held->has_ended());
    const std::size_t home = world.replicas().home_of(*held).index();
    const auto read = world.machine.run(held->read(Offset(0), 100), home);
    BOOST_TEST((read.code() == ErrorCode::not_found));
    held.reset();
    BOOST_REQUIRE(remove(world, "next").has_value());
    BOOST_TEST(watched.expired());
}

BOOST_AUTO_TEST_CASE(what_is_being_appended_is_finished_or_refused_and_the_topic_goes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        ReplicaWorld world(2, seed);
        world.must_open();
        world.must_create("t", 2);
        const Id128 id = world.id_of_topic("t");
        std::vector<PartitionPtr> partitions{world.find("t", 0), world.find("t", 1)};
        std::vector<sim::Outcome<Result<AppendedAt>>> appends;
        auto removed = world.machine.begin(world.topics().remove(world.machine.shard(), id));
        for (int i = 0; i < 40; ++i) {
            Partition& partition = *partitions[static_cast<std::size_t>(i % 2)];
            const std::size_t home = world.replicas().home_of(partition).index();
            Slice batch = world.machine.env(home).pool.copy_of(plain_batch({"x"}).view());
            appends.push_back(
                world.machine.begin(partition.append_as_leader(std::move(batch), Acks::all), home)
            );
            world.machine.run_for(std::chrono::microseconds(world.machine.rng().below(300)));
        }
        world.machine.run_until([&] {
            return removed.is_there()
                && std::ranges::all_of(appends, [](const auto& one) { return one.is_there(); });
        });
        BOOST_REQUIRE(removed.value().has_value());
        for (auto& append : appends) {
            const bool is_refused = !append.value().has_value()
                                 && append.value().code() == ErrorCode::not_found;
            BOOST_REQUIRE((append.value().has_value() || is_refused));
        }
        BOOST_REQUIRE(directories_of(world, id) == 0u);
        partitions.clear();
    }
}

BOOST_AUTO_TEST_CASE(killed_at_any_operation_a_topic_is_whole_or_gone) {
    bool was_reached = true;
    for (int last = 0; was_reached; ++last) {
        for (const bool is_power_loss : {false, true}) {
            ReplicaWorld world(1, static_cast<std::uint64_t>(last + 1));
            world.must_open();
            world.must_create("t", 2);
            fill(world, "t", 2);
            const Id128 id = world.id_of_topic("t");
            int count = 0;
            world.machine.judge_ops([&count, last](const io::Op&) {
                return count++ >= last ? sim::OpGate::held : sim::OpGate::passes;
            });
            auto removed = world.machine.begin(world.topics().remove(world.machine.shard(), id));
            world.machine.run_for(1s);
            was_reached = !removed.is_there();
            world.machine.judge_ops({});
            world.machine.restart_after(
                is_power_loss ? sim::CrashKind::power_loss : sim::CrashKind::killed
            );
            BOOST_TEST_CONTEXT("last operation " << last << ", power loss " << is_power_loss) {
                world.must_open();
                const metadata::ImagePtr image = world.store().image();
                if (image->find("t") != nullptr) {
                    BOOST_REQUIRE(was_reached);
                    for (std::int32_t i = 0; i < 2; ++i) {
                        BOOST_REQUIRE(world.find("t", i)->high_watermark().value == 3);
                    }
                } else {
                    BOOST_REQUIRE(directories(world) == 0u);
                    BOOST_REQUIRE(world.store().deleted_topics().empty());
                }
                BOOST_REQUIRE(world.replicas().faulty_count() == 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(what_was_answered_as_removed_does_not_come_back_with_a_power_loss) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        ReplicaWorld world(2, seed);
        world.must_open();
        world.must_create("t", 3);
        world.must_create("other");
        BOOST_REQUIRE(remove(world, "t").has_value());
        world.machine.restart_after(sim::CrashKind::power_loss);
        world.must_open();
        BOOST_REQUIRE_MESSAGE(directories(world) == 1u, "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_removed_are_logged_and_removed_by_the_next_start) {
    ReplicaWorld world(2);
    world.must_open();
    world.must_create("t", 3);
    fill(world, "t", 3);
    const Id128 id = world.id_of_topic("t");
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::unlink ? EPERM : sim::OpGate::passes;
    });
    BOOST_TEST(remove(world, "t").has_value());
    BOOST_TEST(world.machine.has_logged("files of a deleted topic could not be removed"));
    BOOST_TEST(directories_of(world, id) == 3u);
    BOOST_TEST(world.replicas().find(id, PartitionIndex(0)) == nullptr);
    world.must_create("t", 1);  // which is another one
    BOOST_TEST(world.append("t", {"a"})->base_offset.value == 0);
    world.machine.judge_ops({});
    world.kill();
    world.must_open();
    BOOST_TEST(directories_of(world, id) == 0u);
    BOOST_TEST(world.store().deleted_topics().empty());
    BOOST_TEST(world.append("t", {"a"})->base_offset.value == 1);
}

BOOST_AUTO_TEST_CASE(a_topic_with_a_damaged_partition_can_be_removed) {
    ReplicaWorld world;
    world.must_open();
    world.must_create("t", 2);
    fill(world, "t", 2);
    world.machine.run_for(2s);
    const std::string path = world.dir_of("t", 1) + "/00000000000000000000.log";
    world.kill();
    world.machine.flip_bit(path, 70, 1);
    world.must_open();
    BOOST_REQUIRE(world.replicas().faulty_count() == 1u);
    BOOST_TEST(remove(world, "t").has_value());
    BOOST_TEST(world.replicas().faulty_count() == 0u);
    BOOST_TEST(directories(world) == 0u);
}

BOOST_AUTO_TEST_CASE(no_topic_comes_back_from_those_who_open_it_while_it_is_removed) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        ReplicaWorld world(2, seed);
        world.must_open();
        world.must_create("t", 3);
        const Id128 id = world.id_of_topic("t");
        Shard& shard = world.machine.shard();
        std::vector<sim::Outcome<Changed>> outcomes;
        for (int i = 0; i < 6; ++i) {
            outcomes.push_back(world.machine.begin(world.topics().ensure(shard, "t", 3)));
            if (i == 2) {
                outcomes.push_back(world.machine.begin(world.topics().remove(shard, id)));
            }
        }
        world.machine.run_until([&outcomes] {
            return std::ranges::all_of(outcomes, [](const auto& one) { return one.is_there(); });
        });
        BOOST_REQUIRE(directories_of(world, id) == 0u);
        const metadata::ImagePtr image = world.store().image();
        BOOST_REQUIRE(directories(world) == image->partitions_count());
        if (const metadata::TopicImage* const made = image->find("t")) {
            BOOST_REQUIRE(world.replicas().has_all(*made));
        }
    }
}

BOOST_AUTO_TEST_CASE(new_partitions_of_a_topic_can_be_written_to_and_stay) {
    ReplicaWorld world(2);
    world.must_open();
    world.must_create("t", 2);
    fill(world, "t", 2);
    BOOST_TEST((grow(world, "t", 2).code() == ErrorCode::invalid_argument));
    BOOST_REQUIRE(grow(world, "t", 5).has_value());
    for (std::int32_t i = 2; i < 5; ++i) {
        BOOST_TEST(world.append("t", {"a"}, i)->base_offset.value == 0);
    }
    BOOST_TEST(world.append("t", {"a"}, 0)->base_offset.value == 3);
    world.reopen();
    BOOST_TEST(world.append("t", {"a"}, 4)->base_offset.value == 1);
}

BOOST_AUTO_TEST_CASE(a_partition_goes_by_the_settings_of_its_topic_over_those_of_the_node) {
    ReplicaWorld world;
    world.must_open();
    const metadata::TopicSettings settings{
        {"message.timestamp.type", "LogAppendTime"}, {"retention.ms", "77"}};
    const auto made =
        world.machine.run(world.topics().create(world.machine.shard(), "t", 1, settings));
    BOOST_REQUIRE(made.has_value());
    for (int life = 0; life < 2; ++life) {
        const metadata::TopicConfig& config = world.find("t")->config();
        BOOST_TEST((config.timestamp_type == metadata::TimestampType::log_append_time));
        BOOST_TEST(config.retention_ms == 77);
        BOOST_TEST(config.segment_bytes == 20'000);
        world.reopen();
    }
}

BOOST_AUTO_TEST_SUITE_END()
