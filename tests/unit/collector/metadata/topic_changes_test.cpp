// What becomes of topics in the local store: settings, more partitions, deletion; and producer ids.
#include "collector/metadata/producer_ids.h"
#include "shared/base/limits.h"
#include "tests/unit/collector/metadata/store_world.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>

using namespace logboom;
using namespace logboom::metadata;
using namespace logboom::tests;

namespace {

const std::string journal_path = StoreWorld::dir + "/journal";

std::size_t partitions_of(StoreWorld& world, const std::string& name) {
    const ImagePtr image = world.store->image();
    return image->find(name)->partitions.size();
}

Result<ImagePtr> grow(StoreWorld& world, const std::string& name, const std::int32_t count) {
    return world.machine.run(world.store->add_partitions(world.id_of(name), count));
}

ProducerIdBlock must_take(StoreWorld& world) {
    const Result<ProducerIdBlock> block = world.machine.run(world.store->take_producer_ids());
    BOOST_REQUIRE(block.has_value());
    return *block;
}

/// Operations of this kind fail with it.
void refuse(StoreWorld& world, const io::OpKind kind, const std::int32_t sys_errno) {
    world.machine.judge_ops([kind, sys_errno](const io::Op& op) {
        return op.kind == kind ? sys_errno : sim::OpGate::passes;
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(topic_changes)

// --- What is refused

BOOST_AUTO_TEST_CASE(a_topic_that_is_not_there_is_neither_deleted_nor_grown) {
    StoreWorld world;
    world.must_open();
    const Id128 unknown{std::byte{1}};
    BOOST_TEST(
        (world.machine.run(world.store->delete_topic(unknown)).code() == ErrorCode::not_found)
    );
    const auto grown = world.machine.run(world.store->add_partitions(unknown, 5));
    BOOST_TEST((grown.code() == ErrorCode::not_found));
}

BOOST_AUTO_TEST_CASE(the_number_of_partitions_only_grows_and_is_bounded) {
    StoreWorld world;
    world.must_open();
    world.must_create("a", 3);
    for (const std::int32_t count : {3, 2, 0, -1, limits::partitions_per_topic_max + 1}) {
        BOOST_TEST((grow(world, "a", count).code() == ErrorCode::invalid_argument));
    }
    BOOST_TEST(partitions_of(world, "a") == 3u);
    constexpr std::uint32_t full_topics = limits::partitions_per_node_max
                                        / limits::partitions_per_topic_max;
    for (std::uint32_t i = 1; i < full_topics; ++i) {
        world.must_create("t" + std::to_string(i), limits::partitions_per_topic_max);
    }
    BOOST_TEST((grow(world, "a", limits::partitions_per_topic_max).has_value()));
    world.must_open();
}

BOOST_AUTO_TEST_CASE(partitions_of_all_topics_together_are_bounded_when_one_grows) {
    StoreWorld world;
    world.must_open();
    world.must_create("a");
    constexpr std::uint32_t full_topics = limits::partitions_per_node_max
                                        / limits::partitions_per_topic_max;
    for (std::uint32_t i = 1; i < full_topics; ++i) {
        world.must_create("t" + std::to_string(i), limits::partitions_per_topic_max);
    }
    world.must_create("b");
    const auto grown = grow(world, "a", limits::partitions_per_topic_max);
    BOOST_TEST((grown.code() == ErrorCode::busy));
}

BOOST_AUTO_TEST_CASE(a_name_like_another_one_is_refused) {
    StoreWorld world;
    world.must_open();
    world.must_create("a.b");
    BOOST_TEST((world.create("a_b").code() == ErrorCode::invalid_argument));
    world.must_create("a-b");
}

BOOST_AUTO_TEST_CASE(settings_of_all_topics_together_are_bounded) {
    StoreWorld world;
    world.must_open();
    const TopicSetting longest{std::string(4000, 'n'), std::string(4000, 'v')};
    const TopicSettings most(1000, longest);
    const TopicSettings some(100, longest);
    BOOST_TEST(world.machine.run(world.store->create_topic(NewTopic("a", 1, most))).has_value());
    const auto second = world.machine.run(world.store->create_topic(NewTopic("b", 1, some)));
    BOOST_TEST((second.code() == ErrorCode::busy));
    world.must_create("b");
}

BOOST_AUTO_TEST_CASE(a_full_disk_changes_nothing) {
    StoreWorld world;
    world.must_open();
    world.must_create("a");
    refuse(world, io::OpKind::writev, ENOSPC);
    BOOST_TEST((world.remove("a").code() == ErrorCode::no_space));
    BOOST_TEST((grow(world, "a", 2).code() == ErrorCode::no_space));
    const auto block = world.machine.run(world.store->take_producer_ids());
    BOOST_TEST((block.code() == ErrorCode::no_space));
    BOOST_TEST(partitions_of(world, "a") == 1u);
    BOOST_TEST(world.store->deleted_topics().empty());
    world.machine.judge_ops({});
    BOOST_TEST(must_take(world).first.value == 0);
}

// --- Topics

BOOST_AUTO_TEST_CASE(a_deleted_topic_is_gone_and_remembered_until_its_files_are) {
    StoreWorld world;
    world.must_open();
    world.must_create("a", 3);
    world.must_create("b");
    const Id128 id = world.id_of("a");
    const Result<ImagePtr> after = world.remove("a");
    BOOST_REQUIRE(after.has_value());
    BOOST_TEST((*after)->find("a") == nullptr);
    BOOST_TEST((*after)->find("b") != nullptr);
    for (int life = 0; life < 3; ++life) {
        BOOST_TEST(world.store->image()->find(id) == nullptr);
        const std::vector<DeletedTopic> left{{id, 3}};
        BOOST_TEST((world.store->deleted_topics() == left));
        life == 0 ? world.lose_power() : world.kill();
        world.must_open();
    }
    BOOST_TEST(world.machine.run(world.store->files_removed(id)).has_value());
    BOOST_TEST(world.store->deleted_topics().empty());
    world.lose_power();
    world.must_open();
    BOOST_TEST(world.store->deleted_topics().empty());
}

BOOST_AUTO_TEST_CASE(a_name_may_be_used_again_and_has_another_id_and_epochs_of_its_own) {
    StoreWorld world;
    world.must_open();
    world.must_create("a");
    world.reopen();
    const Id128 old_id = world.id_of("a");
    BOOST_REQUIRE(world.remove("a").has_value());
    world.must_create("a");
    BOOST_TEST((world.id_of("a") != old_id));
    BOOST_TEST(world.epoch_of("a") == 0);
    world.reopen();
    BOOST_TEST(world.epoch_of("a") == 1);
    BOOST_TEST(world.store->deleted_topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(more_partitions_and_settings_stay_over_restarts) {
    StoreWorld world;
    world.must_open();
    const TopicSettings settings{{"retention.ms", "1000"}};
    const auto created = world.machine.run(world.store->create_topic(NewTopic("a", 1, settings)));
    BOOST_REQUIRE(created.has_value());
    const Result<ImagePtr> grown = grow(world, "a", 4);
    BOOST_REQUIRE(grown.has_value());
    BOOST_TEST((*grown)->find("a")->partitions.size() == 4u);
    for (int life = 0; life < 3; ++life) {
        BOOST_TEST(partitions_of(world, "a") == 4u);
        const ImagePtr image = world.store->image();
        BOOST_TEST((image->find("a")->settings == settings));
        world.lose_power();
        world.must_open();
    }
}

BOOST_AUTO_TEST_CASE(a_long_run_does_not_make_the_journal_long_and_nothing_of_it_is_lost) {
    StoreWorld world;
    world.must_open();
    world.must_create("kept", 2);
    std::size_t size_max = 0;
    for (int i = 0; i < 700; ++i) {
        world.must_create("x");
        BOOST_REQUIRE(world.remove("x").has_value());
        if (i % 100 == 0) {
            must_take(world);
            size_max = std::max(size_max, world.machine.content(journal_path).size());
        }
    }
    BOOST_TEST(size_max < 100'000u);
    BOOST_TEST(world.machine.content(journal_path).size() < size_max);
    BOOST_TEST(world.store->deleted_topics().size() == 700u);
    const Id128 id = world.id_of("kept");
    world.lose_power();
    world.must_open();
    BOOST_TEST((world.id_of("kept") == id));
    BOOST_TEST(world.store->deleted_topics().size() == 700u);
    BOOST_TEST(must_take(world).first.value == 7 * limits::producer_id_block);
}

BOOST_AUTO_TEST_CASE(a_journal_that_cannot_be_made_anew_goes_on_unless_its_name_is_another_files) {
    for (const bool is_renamed : {false, true}) {
        StoreWorld world;
        world.must_open();
        refuse(world, is_renamed ? io::OpKind::fsync : io::OpKind::rename, EIO);
        int taken = 0;
        while (!world.machine.has_logged("could not be made anew")) {
            must_take(world);
            BOOST_REQUIRE(++taken < 1500);
        }
        const Result<ProducerIdBlock> next = world.machine.run(world.store->take_producer_ids());
        BOOST_TEST(next.has_value() == !is_renamed);
        taken += next ? 1 : 0;
        world.machine.judge_ops({});
        world.lose_power();
        world.must_open();
        BOOST_TEST(must_take(world).first.value == taken * limits::producer_id_block);
    }
}

BOOST_AUTO_TEST_CASE(whatever_a_power_loss_leaves_answered_changes_hold) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            StoreWorld world(seed);
            Rng& rng = world.machine.rng();
            std::map<std::string, std::size_t> topics;  // answered, with their partitions
            ProducerId ids_end(0);
            for (int life = 0; life < 6; ++life) {
                world.must_open();
                const ImagePtr image = world.store->image();
                for (const auto& [name, partitions] : topics) {
                    BOOST_REQUIRE(image->find(name) != nullptr);
                    BOOST_REQUIRE(image->find(name)->partitions.size() == partitions);
                }
                const std::size_t torn = image->find("torn") == nullptr ? 0 : 1;
                BOOST_REQUIRE(image->topics().size() == topics.size() + torn);
                for (std::uint64_t n = rng.below(6); n != 0; --n) {
                    const std::string name = "t" + std::to_string(rng.below(4));
                    if (!topics.contains(name)) {
                        world.must_create(name);
                        topics[name] = 1;
                    } else if (rng.chance(0.5)) {
                        BOOST_REQUIRE(world.remove(name).has_value());
                        topics.erase(name);
                    } else {
                        const auto count = static_cast<std::int32_t>(++topics[name]);
                        BOOST_REQUIRE(grow(world, name, count).has_value());
                    }
                }
                const ProducerIdBlock block = must_take(world);
                BOOST_REQUIRE((block.first >= ids_end));
                ids_end = block.end;
                auto unanswered =
                    torn == 0 ? world.machine.begin(world.store->create_topic(NewTopic("torn", 1)))
                              : world.machine.begin(world.store->delete_topic(world.id_of("torn")));
                world.machine.run_for(Nanos(static_cast<std::int64_t>(rng.below(4'000'000))));
                rng.chance(0.3) ? world.kill() : world.lose_power();
            }
        }
    }
}

// --- Producer ids

BOOST_AUTO_TEST_CASE(no_producer_id_is_given_twice_by_any_shard_over_kills) {
    std::set<ProducerId> given;
    StoreWorld world;
    for (int life = 0; life < 4; ++life) {
        world.must_open();
        ProducerIds& ids = world.machine.make<ProducerIds>(*world.store, world.machine.shard());
        std::vector<sim::Outcome<Result<ProducerId>>> outcomes;
        for (int i = 0; i < 1500; ++i) {
            outcomes.push_back(world.machine.begin(ids.next(world.machine.shard())));
        }
        world.machine.run_until([&outcomes] {
            return std::ranges::all_of(outcomes, [](const auto& one) { return one.is_there(); });
        });
        for (auto& outcome : outcomes) {
            BOOST_REQUIRE(outcome.value().has_value());
            BOOST_REQUIRE(outcome.value()->value >= 0);
            BOOST_REQUIRE(given.insert(*outcome.value()).second);
        }
        life % 2 == 0 ? world.kill() : world.lose_power();
    }
}

BOOST_AUTO_TEST_CASE(a_block_of_producer_ids_is_on_disk_before_one_of_them_is_given) {
    StoreWorld world;
    world.must_open();
    ProducerIds& ids = world.machine.make<ProducerIds>(*world.store, world.machine.shard());
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto id = world.machine.begin(ids.next(world.machine.shard()));
    world.machine.run_for(5s);
    BOOST_TEST(!id.is_there());
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&id] { return id.is_there(); });
    BOOST_TEST(id.value()->value == 0);
}

BOOST_AUTO_TEST_CASE(without_room_for_a_block_there_is_no_id_and_later_there_is) {
    StoreWorld world;
    world.must_open();
    ProducerIds& ids = world.machine.make<ProducerIds>(*world.store, world.machine.shard());
    refuse(world, io::OpKind::writev, ENOSPC);
    const auto none = world.machine.run(ids.next(world.machine.shard()));
    BOOST_TEST((none.code() == ErrorCode::no_space));
    world.machine.judge_ops({});
    BOOST_TEST(world.machine.run(ids.next(world.machine.shard())).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
