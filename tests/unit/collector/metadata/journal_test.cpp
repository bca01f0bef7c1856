#include "collector/metadata/journal.h"

#include "shared/base/limits.h"
#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::metadata;

namespace {

const std::string path = "/meta/journal";

JournalRecord start_record(const std::uint64_t sequence) {
    return JournalRecord{sequence, StartRecord{static_cast<std::uint32_t>(sequence)}};
}

JournalRecord topic_record(const std::uint64_t sequence) {
    TopicRecord topic;
    topic.name = "topic-" + std::to_string(sequence);
    topic.id.fill(static_cast<std::byte>(sequence));
    topic.partitions = 3;
    topic.created_in_start = 1;
    return JournalRecord{sequence, topic};
}

struct JournalWorld {
    explicit JournalWorld(const std::uint64_t seed = 1) : machine(options_of(seed)) {
        BOOST_REQUIRE(machine.run(machine.env().fs.make_dirs("/meta")).has_value());
    }
    static sim::SimMachineOptions options_of(const std::uint64_t seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        return options;
    }

    Result<std::vector<JournalRecord>> open() {
        journal = &machine.make<Journal>(machine.env(), path);
        return machine.run(journal->open());
    }
    std::vector<JournalRecord> must_open() {
        Result<std::vector<JournalRecord>> records = open();
        BOOST_REQUIRE(records.has_value());
        return std::move(*records);
    }
    Result<Ok> append(const JournalRecord& record) { return machine.run(journal->append(record)); }
    void must_append(const JournalRecord& record) { BOOST_REQUIRE(append(record).has_value()); }
    void kill() { machine.restart_after(sim::CrashKind::killed); }
    void lose_power() { machine.restart_after(sim::CrashKind::power_loss); }

    sim::SimMachine machine;
    Journal* journal = nullptr;
};

/// A journal of some records, closed.
struct WrittenJournal : JournalWorld {
    WrittenJournal() {
        must_open();
        for (std::uint64_t i = 1; i <= 3; ++i) {
            sizes.push_back(journal->size_bytes());
            records.push_back(topic_record(i));
            must_append(records.back());
        }
        kill();
        bytes = machine.content(path);
    }

    std::vector<JournalRecord> records;
    std::vector<std::uint64_t> sizes;  // before each record
    std::string bytes;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(journal)

BOOST_AUTO_TEST_CASE(a_torn_last_record_is_cut_off_and_counted_at_each_possible_byte) {
    WrittenJournal world;
    const std::size_t last = world.sizes[2];
    for (const std::size_t zeros : {std::size_t{0}, std::size_t{100}}) {
        for (std::size_t size = last; size + 1 < world.bytes.size(); ++size) {
            const std::string left = world.bytes.substr(0, size);
            world.machine.set_content(path, left + std::string(zeros, '\0'));
            const std::vector<JournalRecord> records = world.must_open();
            BOOST_REQUIRE(records.size() == 2u);
            BOOST_REQUIRE((records[1] == world.records[1]));
            BOOST_REQUIRE(world.journal->dropped_bytes() == size - last + zeros);
            BOOST_REQUIRE(world.machine.content(path) == world.bytes.substr(0, last));
            world.must_append(topic_record(9));
            world.kill();
            BOOST_REQUIRE((world.must_open().back() == topic_record(9)));
            world.kill();
        }
    }
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_before_the_last_record_is_refused_and_nothing_is_changed) {
    WrittenJournal world;
    for (std::size_t at = 8; at < world.sizes[2]; ++at) {
        const auto bit = static_cast<unsigned>(world.machine.rng().below(8));
        world.machine.flip_bit(path, at, bit);
        const std::string damaged = world.machine.content(path);
        BOOST_REQUIRE((world.open().code() == ErrorCode::corrupt));
        BOOST_REQUIRE(world.machine.content(path) == damaged);
        world.machine.flip_bit(path, at, bit);
    }
    BOOST_TEST(world.must_open().size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_journal_of_another_version_is_refused_and_both_versions_are_named) {
    WrittenJournal world;
    world.bytes[4] = 3;
    world.machine.set_content(path, world.bytes);
    BOOST_TEST((world.open().code() == ErrorCode::unsupported));
    BOOST_TEST(world.machine.has_logged("file=" + quoted(path)));
    BOOST_TEST(world.machine.has_logged("version=3"));
    BOOST_TEST(world.machine.has_logged("supported=2"));
    BOOST_TEST(world.machine.content(path) == world.bytes);
}

BOOST_AUTO_TEST_CASE(what_is_no_journal_is_malformed_and_stays) {
    WrittenJournal world;
    for (const std::string& other : {std::string("noise"), std::string(), std::string(8, '\0')}) {
        world.machine.set_content(path, other);
        BOOST_TEST((world.open().code() == ErrorCode::malformed));
        BOOST_TEST(world.machine.content(path) == other);
    }
}

BOOST_AUTO_TEST_CASE(a_failed_sync_ends_the_journal_for_good) {
    JournalWorld world;
    world.must_open();
    world.must_append(start_record(1));
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.append(topic_record(2)).code() == ErrorCode::storage_failed));
    BOOST_TEST(world.machine.has_logged("metadata journal given up after an I/O error"));
    world.machine.disk().options().faults.sync_error = 0;
    int ops = 0;
    world.machine.judge_ops([&ops](const io::Op&) {
        ++ops;
        return sim::OpGate::passes;
    });
    BOOST_TEST((world.append(topic_record(2)).code() == ErrorCode::storage_failed));
    BOOST_TEST(ops == 0);
}

BOOST_AUTO_TEST_CASE(a_failed_write_ends_the_journal_for_good) {
    JournalWorld world;
    world.must_open();
    world.machine.disk().options().faults.write_error = 1;
    BOOST_TEST((world.append(start_record(1)).code() == ErrorCode::storage_failed));
    world.machine.disk().options().faults.write_error = 0;
    BOOST_TEST((world.append(start_record(1)).code() == ErrorCode::storage_failed));
    world.kill();
    BOOST_TEST(world.must_open().empty());
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_retriable_and_leaves_nothing_behind) {
    JournalWorld world;
    world.must_open();
    world.must_append(start_record(1));
    const std::string before = world.machine.content(path);
    world.machine.disk().options().capacity_bytes = before.size() + 10;
    BOOST_TEST((world.append(topic_record(2)).code() == ErrorCode::no_space));
    BOOST_TEST(world.machine.content(path) == before);
    world.machine.disk().options().capacity_bytes = 1u << 20;
    world.must_append(topic_record(2));
    world.lose_power();
    BOOST_TEST(world.must_open().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_whose_file_cannot_be_cut_back_ends_the_journal) {
    JournalWorld world;
    world.must_open();
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev    ? ENOSPC
             : op.kind == io::OpKind::ftruncate ? EIO
                                                : sim::OpGate::passes;
    });
    BOOST_TEST((world.append(start_record(1)).code() == ErrorCode::storage_failed));
    world.machine.judge_ops({});
    BOOST_TEST((world.append(start_record(1)).code() == ErrorCode::storage_failed));
}

BOOST_AUTO_TEST_CASE(a_record_that_no_frame_holds_is_too_large_and_changes_nothing) {
    JournalWorld world;
    world.must_open();
    ImageRecord image;
    TopicRecord topic = std::get<TopicRecord>(topic_record(1).kind);
    topic.name.assign(limits::topic_name_bytes_max, 'n');
    image.topics.assign(limits::crc_frame_bytes_max / 249, topic);
    const JournalRecord large{1, image};
    BOOST_TEST((world.append(large).code() == ErrorCode::too_large));
    BOOST_TEST((world.machine.run(world.journal->compact(large)).code() == ErrorCode::too_large));
    BOOST_TEST(world.machine.content(path).size() == 8u);
    world.must_append(start_record(1));
}

BOOST_AUTO_TEST_CASE(a_record_is_on_disk_before_it_is_answered) {
    JournalWorld world;
    world.must_open();
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    const JournalRecord record = topic_record(1);
    auto appended = world.machine.begin(world.journal->append(record));
    world.machine.run_for(10s);
    BOOST_TEST(!appended.is_there());
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return appended.is_there(); });
    BOOST_TEST(world.machine.disk().durable_content(path) == world.machine.content(path));
}

BOOST_AUTO_TEST_CASE(whatever_a_power_loss_leaves_answered_records_are_there_and_in_order) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            JournalWorld world(seed);
            std::vector<JournalRecord> answered;
            for (int life = 0; life < 3; ++life) {
                answered = [&] {
                    std::vector<JournalRecord> found = world.must_open();
                    BOOST_REQUIRE(found.size() >= answered.size());
                    BOOST_REQUIRE(found.size() <= answered.size() + 1);
                    for (std::size_t i = 0; i < answered.size(); ++i) {
                        BOOST_REQUIRE((found[i] == answered[i]));
                    }
                    return found;
                }();
                for (std::uint64_t n = world.machine.rng().below(4); n != 0; --n) {
                    answered.push_back(topic_record(answered.size() + 1));
                    world.must_append(answered.back());
                }
                const JournalRecord last = topic_record(answered.size() + 1);
                auto unanswered = world.machine.begin(world.journal->append(last));
                const std::uint64_t pause = world.machine.rng().below(3'000'000);
                world.machine.run_for(Nanos(static_cast<std::int64_t>(pause)));
                if (unanswered.is_there()) {
                    answered.push_back(last);
                }
                world.lose_power();
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(whichever_operation_fails_a_compaction_leaves_the_old_or_the_new_journal) {
    const JournalRecord image{10, ImageRecord{4, {std::get<TopicRecord>(topic_record(1).kind)}}};
    for (const int sys_errno : {EIO, ENOSPC}) {
        bool was_reached = true;
        for (int failing = 0; was_reached; ++failing) {
            BOOST_TEST_CONTEXT("errno " << sys_errno << ", operation " << failing) {
                WrittenJournal world;
                world.must_open();
                int count = 0;
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ == failing ? sys_errno : sim::OpGate::passes;
                });
                const Result<Ok> compacted = world.machine.run(world.journal->compact(image));
                was_reached = count > failing;
                world.machine.judge_ops({});
                world.kill();
                const std::vector<JournalRecord> found = world.must_open();
                const bool is_new = found.size() == 1 && found[0] == image;
                BOOST_REQUIRE((is_new || found == world.records));
                BOOST_REQUIRE((is_new || !compacted));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_power_loss_inside_a_compaction_leaves_the_old_or_the_new_journal) {
    const JournalRecord image{10, ImageRecord{4, {}}};
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        JournalWorld world(seed);
        world.must_open();
        world.must_append(start_record(1));
        auto compacted = world.machine.begin(world.journal->compact(image));
        const std::uint64_t pause = world.machine.rng().below(8'000'000);
        world.machine.run_for(Nanos(static_cast<std::int64_t>(pause)));
        const bool was_answered = compacted.is_there();
        world.lose_power();
        const std::vector<JournalRecord> found = world.must_open();
        BOOST_REQUIRE(found.size() == 1u);
        const bool is_new = found[0] == image;
        BOOST_REQUIRE((is_new || (!was_answered && found[0] == start_record(1))));
    }
}

BOOST_AUTO_TEST_CASE(a_compacted_journal_is_one_record_and_goes_on) {
    WrittenJournal world;
    world.must_open();
    const JournalRecord image{4, ImageRecord{2, {std::get<TopicRecord>(topic_record(1).kind)}}};
    BOOST_REQUIRE(world.machine.run(world.journal->compact(image)).has_value());
    world.must_append(topic_record(5));
    BOOST_TEST(world.machine.content(path).size() == world.journal->size_bytes());
    world.machine.run(world.journal->close());
    world.kill();
    BOOST_TEST((world.must_open() == std::vector<JournalRecord>{image, topic_record(5)}));
}

// Made from the description in LAYOUT.md by a program that shares no code with ours.
BOOST_AUTO_TEST_CASE(a_journal_has_exactly_these_bytes) {
    JournalWorld world;
    BOOST_TEST(world.must_open().empty());
    BOOST_TEST(to_hex(as_bytes(world.machine.content(path))) == "4c424d4a02000000");
    world.must_append(start_record(1));
    world.must_append(topic_record(2));
    ImageRecord image;
    image.start_count = 1;
    image.topics.push_back(std::get<TopicRecord>(topic_record(2).kind));
    world.must_append(JournalRecord{3, image});
    BOOST_TEST(
        to_hex(as_bytes(world.machine.content(path)))
        == "4c424d4a02000000"
           "00000006867e3e25"
           "080122020801"
           "0000002310352920"
           "08021a1f0a07746f7069632d3212100202020202020202020202020202020218"
           "032001"
           "00000027fb07c27b"
           "080312230801121f0a07746f7069632d32121002020202020202020202020202"
           "02020218032001"
    );
}

BOOST_AUTO_TEST_SUITE_END()
