#include "collector/metadata/local_meta_store.h"

#include "shared/base/limits.h"
#include "shared/codec/crc_frame.h"
#include "tests/unit/collector/metadata/store_world.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::metadata;
using namespace logboom::tests;

namespace {

const std::string& dir = StoreWorld::dir;

TopicRecord topic_record(
    const std::string& name, const std::uint8_t id, const std::uint32_t start
) {
    TopicRecord topic;
    topic.name = name;
    topic.id.fill(std::byte{id});
    topic.partitions = 1;
    topic.created_in_start = start;
    return topic;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_meta_store)

// --- What is refused

BOOST_AUTO_TEST_CASE(the_directory_of_another_node_is_refused_and_both_ids_are_named) {
    StoreWorld world;
    BOOST_REQUIRE(world.open(BrokerId(7)).has_value());
    BOOST_TEST(world.store->node_id().value == 7);
    world.kill();
    BOOST_TEST((world.open(BrokerId(8)).code() == ErrorCode::invalid_argument));
    BOOST_TEST(world.machine.has_logged("kept=7 configured=8"));
    world.kill();
    BOOST_REQUIRE(world.open().has_value());
    BOOST_TEST(world.store->node_id().value == 7);
}

BOOST_AUTO_TEST_CASE(a_node_without_its_identity_beside_a_journal_is_refused) {
    StoreWorld world;
    world.must_open();
    world.must_create("a");
    world.kill();
    const std::string journal = world.machine.content(dir + "/journal");
    world.machine.remove(dir + "/node.meta");
    BOOST_TEST((world.open().code() == ErrorCode::corrupt));
    BOOST_TEST(world.machine.has_logged("restore it from a backup"));
    BOOST_TEST(!world.machine.exists(dir + "/node.meta"));
    BOOST_TEST(world.machine.content(dir + "/journal") == journal);
}

BOOST_AUTO_TEST_CASE(an_identity_that_is_damaged_is_refused_and_stays) {
    StoreWorld world;
    world.must_open();
    world.kill();
    const std::string good = world.machine.content(dir + "/node.meta");
    for (std::size_t at = 0; at < good.size(); ++at) {
        if (at >= 4 && at < 8) {
            continue;  // the version, and three bytes that say nothing
        }
        world.machine.flip_bit(dir + "/node.meta", at, static_cast<unsigned>(at % 8));
        const std::string bad = world.machine.content(dir + "/node.meta");
        const Result<Ok> opened = world.open();
        BOOST_REQUIRE(!opened.has_value());
        BOOST_REQUIRE(world.machine.has_logged("node.meta cannot be read"));
        BOOST_REQUIRE(world.machine.content(dir + "/node.meta") == bad);
        world.kill();
        world.machine.set_content(dir + "/node.meta", good);
    }
    for (const std::size_t size : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
        world.machine.set_content(dir + "/node.meta", good.substr(0, size));
        BOOST_REQUIRE(!world.open().has_value());
        world.kill();
    }
}

BOOST_AUTO_TEST_CASE(an_identity_of_another_version_is_refused_and_both_versions_are_named) {
    StoreWorld world;
    world.must_open();
    world.kill();
    std::string other = world.machine.content(dir + "/node.meta");
    other[4] = 2;
    world.machine.set_content(dir + "/node.meta", other);
    BOOST_TEST((world.open().code() == ErrorCode::unsupported));
    BOOST_TEST(world.machine.has_logged("file=" + quoted(dir + "/node.meta")));
    BOOST_TEST(world.machine.has_logged("version=2 supported=1"));
}

BOOST_AUTO_TEST_CASE(a_journal_that_contradicts_itself_is_refused_and_nothing_is_changed) {
    const std::vector<std::vector<JournalRecord>> bad{
        // a hole in the sequence, at the beginning and inside
        {JournalRecord{2, StartRecord{1}}},
        {JournalRecord{1, StartRecord{1}}, JournalRecord{3, StartRecord{2}}},
        {JournalRecord{1, StartRecord{1}}, JournalRecord{1, StartRecord{2}}},
        // a name or an id twice
        {JournalRecord{1, StartRecord{1}},
         JournalRecord{2, topic_record("a", 1, 1)},
         JournalRecord{3, topic_record("a", 2, 1)}},
        {JournalRecord{1, StartRecord{1}},
         JournalRecord{2, topic_record("a", 1, 1)},
         JournalRecord{3, topic_record("b", 1, 1)}},
        // made in a start that is yet to come
        {JournalRecord{1, StartRecord{1}}, JournalRecord{2, topic_record("a", 1, 2)}}};
    for (const std::vector<JournalRecord>& records : bad) {
        StoreWorld world;
        world.must_open();
        world.kill();
        world.put_journal(records);
        const std::string before = world.machine.content(dir + "/journal");
        BOOST_TEST((world.open().code() == ErrorCode::corrupt));
        BOOST_TEST(world.machine.has_logged("the metadata journal cannot be used"));
        BOOST_TEST(world.machine.content(dir + "/journal") == before);
    }
}

BOOST_AUTO_TEST_CASE(a_topic_that_cannot_be_is_refused_with_its_reason) {
    StoreWorld world;
    world.must_open();
    BOOST_TEST((world.create("a/b").code() == ErrorCode::invalid_argument));
    BOOST_TEST((world.create("").code() == ErrorCode::invalid_argument));
    BOOST_TEST((world.create("a", 0).code() == ErrorCode::invalid_argument));
    BOOST_TEST((world.create("a", -1).code() == ErrorCode::invalid_argument));
    const std::int32_t too_many = limits::partitions_per_topic_max + 1;
    BOOST_TEST((world.create("a", too_many).code() == ErrorCode::invalid_argument));
    world.must_create("a");
    BOOST_TEST((world.create("a").code() == ErrorCode::already_exists));
    BOOST_TEST(world.store->image()->topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_node_takes_a_bounded_number_of_partitions) {
    StoreWorld world;
    world.must_open();
    constexpr std::uint32_t full_topics = limits::partitions_per_node_max
                                        / limits::partitions_per_topic_max;
    for (std::uint32_t i = 0; i < full_topics; ++i) {
        world.must_create("t" + std::to_string(i), limits::partitions_per_topic_max);
    }
    BOOST_TEST((world.create("one-more").code() == ErrorCode::busy));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_retriable_and_changes_nothing) {
    StoreWorld world;
    world.must_open();
    const std::string journal = world.machine.content(dir + "/journal");
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    BOOST_TEST((world.create("a").code() == ErrorCode::no_space));
    BOOST_TEST(world.store->image()->topics().empty());
    BOOST_TEST(world.machine.content(dir + "/journal") == journal);
    world.machine.judge_ops({});
    world.must_create("a");
    world.kill();
    world.must_open();
    BOOST_TEST(world.store->image()->topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(after_a_failed_sync_no_topic_is_created_any_more_and_none_is_visible) {
    StoreWorld world;
    world.must_open();
    world.must_create("before");
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.create("a").code() == ErrorCode::storage_failed));
    world.machine.disk().options().faults.sync_error = 0;
    BOOST_TEST((world.create("b").code() == ErrorCode::storage_failed));
    BOOST_TEST(world.store->image()->topics().size() == 1u);
    BOOST_TEST(world.store->image()->find("before") != nullptr);
}

// --- What is kept

BOOST_AUTO_TEST_CASE(a_topic_is_on_disk_before_it_is_visible) {
    StoreWorld world;
    world.must_open();
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto created = world.machine.begin(world.store->create_topic(NewTopic("a", 2)));
    world.machine.run_for(10s);
    BOOST_TEST(!created.is_there());
    BOOST_TEST(world.store->image()->find("a") == nullptr);
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return created.is_there(); });
    BOOST_TEST(world.store->image()->find("a") != nullptr);
    world.lose_power();
    world.must_open();
    BOOST_TEST(world.store->image()->find("a")->partitions.size() == 2u);
}

BOOST_AUTO_TEST_CASE(topics_created_at_once_are_created_one_after_the_other) {
    StoreWorld world;
    world.must_open();
    std::vector<sim::Outcome<Result<ImagePtr>>> outcomes;
    for (const char* const name : {"a", "b", "a", "c", "a"}) {
        outcomes.push_back(world.machine.begin(world.store->create_topic(NewTopic(name, 1))));
    }
    world.machine.run_until([&] {
        return std::ranges::all_of(outcomes, [](const auto& one) { return one.is_there(); });
    });
    int created = 0;
    for (auto& outcome : outcomes) {
        created += outcome.value().has_value() ? 1 : 0;
        const bool is_known = outcome.value().has_value()
                           || outcome.value().code() == ErrorCode::already_exists;
        BOOST_TEST(is_known);
    }
    BOOST_TEST(created == 3);
    world.reopen();
    BOOST_TEST(world.store->image()->topics().size() == 3u);
}

BOOST_AUTO_TEST_CASE(who_this_node_is_and_what_its_topics_are_stays_over_restarts) {
    StoreWorld world;
    world.must_open();
    const std::string cluster_id = world.store->cluster_id();
    BOOST_TEST(cluster_id.size() == 22u);
    BOOST_TEST(world.store->node_id().value == 1);
    world.must_create("a", 3);
    world.must_create("b");
    const Id128 id = world.store->image()->find("a")->id;
    world.reopen();
    BOOST_TEST(world.store->cluster_id() == cluster_id);
    BOOST_TEST((world.store->image()->find("a")->id == id));
    BOOST_TEST((world.store->image()->find(id)->partitions.size() == 3u));
    BOOST_TEST((world.store->image()->find("b")->id != id));
    StoreWorld other(2);
    other.must_open();
    BOOST_TEST(other.store->cluster_id() != cluster_id);
}

BOOST_AUTO_TEST_CASE(the_leader_epoch_counts_the_starts_since_the_topic_was_made) {
    StoreWorld world;
    world.must_open();
    world.must_create("old");
    BOOST_TEST(world.epoch_of("old") == 0);
    world.reopen();
    world.must_create("new");
    BOOST_TEST(world.epoch_of("old") == 1);
    BOOST_TEST(world.epoch_of("new") == 0);
    world.kill();
    world.must_open();
    BOOST_TEST(world.epoch_of("old") == 2);
    BOOST_TEST(world.epoch_of("new") == 1);
}

BOOST_AUTO_TEST_CASE(a_journal_of_many_starts_is_made_anew_and_loses_nothing) {
    StoreWorld world;
    world.must_open();
    world.must_create("old");
    std::size_t size_max = 0;
    constexpr int starts = 200;
    for (int i = 1; i <= starts; ++i) {
        world.reopen();
        BOOST_REQUIRE(world.epoch_of("old") == i);
        size_max = std::max(size_max, world.machine.content(dir + "/journal").size());
        if (i % 50 == 0) {
            world.must_create("t" + std::to_string(i));
        }
    }
    BOOST_TEST(size_max < 70u * 16 + 500);
    BOOST_TEST(world.store->image()->topics().size() == 5u);
    BOOST_TEST(world.epoch_of("t100") == 100);
}

BOOST_AUTO_TEST_CASE(whatever_a_power_loss_leaves_answered_topics_are_there_and_epochs_never_go_back
) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            StoreWorld world(seed);
            std::map<std::string, Id128> answered;
            std::string cluster_id;
            std::int32_t epoch = -1;
            for (int life = 0; life < 4; ++life) {
                world.must_open();
                BOOST_REQUIRE((cluster_id.empty() || world.store->cluster_id() == cluster_id));
                cluster_id = world.store->cluster_id();
                const ImagePtr image = world.store->image();
                for (const auto& [name, id] : answered) {
                    BOOST_REQUIRE(image->find(name) != nullptr);
                    BOOST_REQUIRE((image->find(name)->id == id));
                }
                if (answered.contains("first")) {
                    BOOST_REQUIRE(world.epoch_of("first") > epoch);
                    epoch = world.epoch_of("first");
                } else {
                    world.must_create("first");
                    answered["first"] = world.store->image()->find("first")->id;
                    epoch = 0;
                }
                for (std::uint64_t n = world.machine.rng().below(3); n != 0; --n) {
                    const std::string name = std::to_string(world.machine.rng().next());
                    world.must_create(name);
                    answered[name] = world.store->image()->find(name)->id;
                }
                auto unanswered = world.machine.begin(world.store->create_topic(NewTopic("torn", 1))
                );
                const std::uint64_t pause = world.machine.rng().below(4'000'000);
                world.machine.run_for(Nanos(static_cast<std::int64_t>(pause)));
                const bool was_answered = unanswered.is_there() && unanswered.value().has_value();
                if (was_answered) {
                    answered["torn"] = world.store->image()->find("torn")->id;
                }
                if (world.machine.rng().chance(0.3)) {
                    world.kill();
                } else {
                    world.lose_power();
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(files_whose_names_were_not_on_disk_when_the_program_was_killed_do_not_vanish) {
    // The first start is killed at each of its operations; then the machine loses its power.
    bool was_reached = true;
    for (int last = 0; was_reached; ++last) {
        for (std::uint64_t seed = 1; seed <= 6; ++seed) {
            StoreWorld world(seed);
            static_cast<void>(world.machine.disk().make_dir("/data", 0750));
            world.machine.disk().sync_all();
            int count = 0;
            world.machine.judge_ops([&](const io::Op&) {
                return count++ >= last ? sim::OpGate::held : sim::OpGate::passes;
            });
            LocalMetaStoreOptions options;
            options.dir = dir;
            world.store = &world.machine.make<LocalMetaStore>(world.machine.env(), options);
            auto opened = world.machine.begin(world.store->open());
            world.machine.run_for(1s);
            was_reached = !opened.is_there();
            world.machine.judge_ops({});
            world.kill();
            world.must_open();
            const std::string cluster_id = world.store->cluster_id();
            world.must_create("answered");
            world.lose_power();
            BOOST_TEST_CONTEXT("seed " << seed << ", last operation " << last) {
                world.must_open();
                BOOST_REQUIRE(world.store->cluster_id() == cluster_id);
                BOOST_REQUIRE(world.store->image()->find("answered") != nullptr);
            }
        }
    }
}

// Made from the description in LAYOUT.md by a program that shares no code with ours.
BOOST_AUTO_TEST_CASE(the_identity_of_a_node_has_exactly_these_bytes) {
    StoreWorld world;
    world.must_open();
    world.kill();
    NodeMeta meta;
    for (std::size_t i = 0; i < meta.cluster_id.size(); ++i) {
        meta.cluster_id[i] = static_cast<std::byte>(i);
    }
    meta.node_id = BrokerId(300);
    Buffer payload;
    encode(meta, payload);
    Buffer file;
    codec::append_framed_file("LBNM", 1, payload.view(), file);
    BOOST_TEST(
        to_hex(file.view())
        == "4c424e4d01000000"
           "00000015a5ba9985"
           "0a10000102030405060708090a0b0c0d0e0f10ac02"
    );
    world.machine.set_content(dir + "/node.meta", as_text(file.view()));
    world.must_open();
    BOOST_TEST(world.store->node_id().value == 300);
    BOOST_TEST(world.store->cluster_id() == "AAECAwQFBgcICQoLDA0ODw");
}

BOOST_AUTO_TEST_SUITE_END()
