#include "collector/storage/log.h"
#include "tests/unit/collector/storage/log_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

using Offsets = std::vector<std::int64_t>;

constexpr std::size_t batch_bytes = 150;

/// Two batches of one record each fill a segment.
LogWorldOptions small_segments(const std::uint64_t seed = 1) {
    LogWorldOptions options;
    options.machine.seed = seed;
    options.segment_bytes = 2 * batch_bytes;
    return options;
}

void append_batches(LogWorld& world, const int count) {
    for (int i = 0; i < count; ++i) {
        world.must_append(batch_of_size(batch_bytes));
    }
    world.machine.run_for(10ms);  // snapshots are written beside the appends
}

std::set<std::int64_t> all_below(const std::int64_t end) {
    std::set<std::int64_t> offsets;
    for (std::int64_t i = 0; i < end; ++i) {
        offsets.insert(i);
    }
    return offsets;
}

std::string state_path(const std::int64_t offset) {
    return segment_path(offset, state_suffix);
}

/// A log of nine batches of which only those from 6 on are left, killed. Snapshots are at 6 and 8.
struct CutWorld : LogWorld {
    static LogWorldOptions options() {
        LogWorldOptions made = small_segments();
        made.retention_bytes = 3 * batch_bytes;
        return made;
    }

    CutWorld() : LogWorld(options()) {
        must_open();
        append_batches(*this, 9);
        retain();
        BOOST_REQUIRE(log().start_offset().value == 6);
        machine.run_for(2s);
        kill();
        BOOST_REQUIRE((snapshots() == Offsets{4, 6, 8}));
        machine.remove(state_path(4));
    }
    void damage(const std::int64_t offset) { machine.flip_bit(state_path(offset), 20, 3); }
};

/// Bytes that were read of log files.
class ReadCounter {
public:
    explicit ReadCounter(LogWorld& world) : world_(world) {
        world.machine.judge_ops([this](const io::Op& op) {
            bytes_ += op.kind == io::OpKind::read ? op.len : 0;
            return sim::OpGate::passes;
        });
    }
    ReadCounter(const ReadCounter&) = delete;
    ReadCounter& operator=(const ReadCounter&) = delete;
    ~ReadCounter() { world_.machine.judge_ops({}); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    LogWorld& world_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(log_state)

// --- Damage --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_damaged_snapshot_gives_way_to_the_one_before_and_goes_with_the_next) {
    CutWorld world;
    world.damage(8);
    world.must_open();
    BOOST_TEST(world.machine.has_logged("a state snapshot is of no use"));
    BOOST_TEST(world.machine.has_logged(state_path(8)));
    BOOST_TEST((world.told().known == all_below(9)));
    BOOST_TEST((world.told().recovered == Offsets{6, 7, 8}));
    append_batches(world, 2);
    BOOST_TEST((world.snapshots() == Offsets{6, 10}));
}

BOOST_AUTO_TEST_CASE(a_snapshot_whose_sections_are_refused_gives_way_to_the_one_before) {
    CutWorld world;
    // The test's own section has 8 bytes an entry.
    StateSections sections;
    sections.add(StateSectionId::agents).append("not eight");
    Buffer file;
    encode_state_snapshot(Offset(8), sections, file);
    world.machine.set_content(state_path(8), text_of(file));
    world.must_open();
    BOOST_TEST((world.told().known == all_below(9)));
    BOOST_TEST(world.machine.has_logged("a state snapshot is of no use"));
}

BOOST_AUTO_TEST_CASE(without_a_snapshot_of_use_a_log_that_begins_at_0_is_read_whole) {
    for (const bool is_missing : {true, false}) {
        LogWorld world(small_segments());
        world.must_open();
        append_batches(world, 5);
        world.kill();
        BOOST_REQUIRE((world.snapshots() == Offsets{2, 4}));
        for (const std::int64_t offset : {2, 4}) {
            if (is_missing) {
                world.machine.remove(state_path(offset));
            } else {
                world.machine.set_content(state_path(offset), "noise");
            }
        }
        world.must_open();
        BOOST_TEST((world.told().recovered == Offsets{0, 1, 2, 3, 4}));
        BOOST_TEST((world.told().known == all_below(5)));
        BOOST_TEST(world.log().recovery().segments_read == 3u);
        world.machine.run_for(1s);
        BOOST_TEST((world.snapshots() == (is_missing ? Offsets{} : Offsets{5})));
    }
}

BOOST_AUTO_TEST_CASE(without_a_snapshot_of_use_a_log_that_was_cut_is_not_served_and_says_what_to_do
) {
    for (const bool is_missing : {true, false}) {
        CutWorld world;
        for (const std::int64_t offset : {6, 8}) {
            if (is_missing) {
                world.machine.remove(state_path(offset));
            } else {
                world.damage(offset);
            }
        }
        BOOST_TEST((world.open().code() == ErrorCode::corrupt));
        BOOST_TEST(world.machine.has_logged("partition is not served"));
        BOOST_TEST(world.machine.has_logged("accept-lost-state"));
        BOOST_TEST(world.machine.has_logged("log_start=6"));
        world.end();
        BOOST_TEST((world.open().code() == ErrorCode::corrupt));  // nothing has changed
        world.end();

        world.machine.set_content(partition_dir + "/accept-lost-state", "");
        world.must_open();
        BOOST_TEST(world.machine.has_logged("what its agents and producers had done is lost"));
        BOOST_TEST((world.told().known == std::set<std::int64_t>{6, 7, 8}));
        BOOST_TEST(world.values().size() == 3u);
        world.machine.run_for(1s);
        BOOST_TEST((world.snapshots() == Offsets{9}));
        BOOST_TEST(!world.machine.exists(partition_dir + "/accept-lost-state"));
        world.kill();
        world.must_open();
        BOOST_TEST((world.told().known == std::set<std::int64_t>{6, 7, 8}));
    }
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_the_disk_cannot_read_is_no_reason_to_say_that_it_is_lost) {
    for (const int sys_errno : {EIO, EMFILE}) {
        CutWorld world;
        world.machine.judge_ops([sys_errno](const io::Op& op) {
            const bool opens_state = op.kind == io::OpKind::open
                                  && std::string_view(op.path).ends_with(state_suffix);
            return opens_state ? sys_errno : sim::OpGate::passes;
        });
        BOOST_TEST((world.open().code() == ErrorCode::io));
        BOOST_TEST(!world.machine.has_logged("accept-lost-state"));
        world.machine.judge_ops({});
        world.end();
        world.must_open();
        BOOST_TEST((world.told().known == all_below(9)));
    }
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_another_version_is_refused_and_stays) {
    CutWorld world;
    std::string other = world.machine.content(state_path(8));
    other[4] = 7;
    world.machine.set_content(state_path(8), other);
    BOOST_TEST((world.open().code() == ErrorCode::unsupported));
    BOOST_TEST(world.machine.has_logged("version=7"));
    BOOST_TEST(world.machine.has_logged("supported=1"));
    BOOST_TEST((world.machine.content(state_path(8)) == other));
}

BOOST_AUTO_TEST_CASE(a_snapshot_ahead_of_the_log_is_of_no_use_and_does_not_come_back) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        LogWorld world(small_segments(seed));
        world.must_open();
        append_batches(world, 5);
        world.machine.disk().sync_all();
        world.kill();
        // As if a log directory had been put together of two backups.
        world.machine.remove(segment_path(4));
        world.machine.set_content(log_dir + "/checkpoint-0", "noise");
        world.machine.truncate(segment_path(2), batch_bytes);
        world.must_open();
        BOOST_REQUIRE(world.log().end_offset().value == 3);
        BOOST_REQUIRE((world.told().known == all_below(3)));
        BOOST_REQUIRE((world.snapshots() == Offsets{2}));
        world.must_append(batch_of_size(batch_bytes));
        world.must_append(batch_of_size(batch_bytes));
        world.machine.judge_ops([](const io::Op& op) {  // no new snapshot
            const bool names_state = op.kind == io::OpKind::rename
                                  && std::string_view(op.path).ends_with(".state.tmp");
            return names_state ? EIO : sim::OpGate::passes;
        });
        world.lose_power();
        world.machine.judge_ops({});
        BOOST_REQUIRE(!world.machine.exists(state_path(5)));
        world.must_open();
        BOOST_REQUIRE((world.told().known == all_below(5)));
    }
}

// --- When they are made --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_snapshot_is_made_of_the_end_of_each_closed_segment_and_the_newest_are_kept) {
    LogWorld world(small_segments());
    world.must_open();
    append_batches(world, 1);
    BOOST_TEST(world.snapshots().empty());
    append_batches(world, 2);
    BOOST_TEST((world.snapshots() == Offsets{2}));
    append_batches(world, 8);
    BOOST_TEST((world.snapshots() == Offsets{6, 8, 10}));
    static_cast<void>(world.close());
    BOOST_TEST((world.snapshots() == Offsets{8, 10, 11}));
    world.must_open();
    static_cast<void>(world.close());
    BOOST_TEST((world.snapshots() == Offsets{8, 10, 11}));
}

BOOST_AUTO_TEST_CASE(a_snapshot_knows_nothing_of_what_is_queued_behind_its_end) {
    LogWorld world(small_segments());
    world.must_open();
    std::vector<AppendPtr> appends;
    for (int i = 0; i < 7; ++i) {
        appends.push_back(*world.queue(batch_of_size(batch_bytes)));
    }
    BOOST_TEST((world.told().known == all_below(7)));
    world.machine.run_until([&] { return appends.back()->done.is_set(); });
    world.machine.run_for(10ms);
    for (const std::int64_t offset : world.snapshots()) {
        const std::string file = world.machine.content(state_path(offset));
        const Result<StateSections> sections =
            decode_state_snapshot(as_bytes(file), Offset(offset));
        BOOST_REQUIRE(sections.has_value());
        const std::size_t entries = sections->bytes_of(StateSectionId::agents).size() / 8;
        BOOST_TEST(entries == static_cast<std::size_t>(offset));
    }
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_written_after_what_it_speaks_of_and_before_older_ones_go) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorld world(small_segments(seed));
        world.must_open();
        append_batches(world, 11);
        world.lose_power();
        const Offsets left = world.snapshots();
        BOOST_REQUIRE(!left.empty());
        world.must_open();
        BOOST_REQUIRE((world.told().known == all_below(11)));
        BOOST_REQUIRE(!world.machine.has_logged("of no use"));
    }
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_cannot_be_written_is_told_counted_and_missed_by_nobody) {
    LogWorld world(small_segments());
    world.must_open();
    append_batches(world, 3);
    world.machine.judge_ops([](const io::Op& op) {
        const bool makes_state = op.kind == io::OpKind::open
                              && std::string_view(op.path).ends_with(".state.tmp");
        return makes_state ? EMFILE : sim::OpGate::passes;
    });
    append_batches(world, 4);
    BOOST_TEST(world.machine.has_logged("a state snapshot could not be written"));
    BOOST_TEST(world.directory().metrics().failed_snapshots.value() == 2u);
    BOOST_TEST(!world.directory().has_failed());
    BOOST_TEST((world.snapshots() == Offsets{2}));
    world.machine.judge_ops({});
    world.kill();
    world.must_open();
    BOOST_TEST((world.told().known == all_below(7)));
    BOOST_TEST((world.told().recovered == Offsets{2, 3, 4, 5, 6}));
}

// --- What a start reads --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(after_a_crash_only_what_lies_behind_the_newest_snapshot_is_read) {
    LogWorld world(small_segments());
    world.must_open();
    append_batches(world, 9);
    world.kill();
    world.must_open();
    BOOST_TEST((world.told().recovered == Offsets{8}));
    BOOST_TEST((world.told().known == all_below(9)));
    BOOST_TEST(world.log().recovery().segments_read == 1u);
    BOOST_TEST(world.log().recovery().segments_count == 5u);
    BOOST_TEST(world.values().size() == 9u);
    BOOST_TEST(world.log().largest_timestamp().timestamp_ms == 1'700'000'000'000);
    BOOST_TEST(world.log().largest_timestamp().base_offset.value == 0);
}

BOOST_AUTO_TEST_CASE(after_a_clean_stop_a_log_is_opened_without_reading_it) {
    for (const std::uint64_t batches : {3u, 300u, 3000u}) {
        LogWorldOptions options;
        options.segment_bytes = 1u << 20;
        options.tail_cache_bytes = 0;
        LogWorld world(options);
        world.must_open();
        for (std::uint64_t i = 0; i < batches; ++i) {
            world.must_append(
                batch_at(1'700'000'000'000 + static_cast<std::int64_t>(i), {noise(1000, i)}), 7
            );
        }
        static_cast<void>(world.close());
        std::uint64_t log_bytes = 0;
        for (const std::string& name : world.machine.names_in(partition_dir)) {
            if (name.ends_with(log_suffix)) {
                log_bytes += world.machine.content(partition_dir + "/" + name).size();
            }
        }
        {
            const ReadCounter reads(world);
            world.must_open();
            // The snapshot, two index files of the last segment, and its end behind their last entry.
            BOOST_TEST(reads.bytes() < 100'000u);
        }
        BOOST_TEST(world.log().recovery().was_clean);
        BOOST_TEST(world.told().recovered.empty());
        BOOST_TEST((world.told().known == all_below(static_cast<std::int64_t>(batches))));
        BOOST_TEST((log_bytes > 1'000 * batches));
        // And it goes on as if it had never stopped: the same indexes, epochs in order.
        for (std::uint64_t i = batches; i < batches + 1200; ++i) {
            world.must_append(
                batch_at(1'700'000'000'000 + static_cast<std::int64_t>(i), {noise(1000, i)}), 7
            );
        }
        BOOST_TEST(world.values().size() == batches + 1200);
        world.kill();
        world.remove_snapshots();
        world.must_open();
        BOOST_TEST(world.log().recovery().indexes_rebuilt == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_clean_stop_of_a_log_that_nobody_wrote_to_writes_nothing) {
    LogWorld world(small_segments());
    world.must_open();
    append_batches(world, 3);
    static_cast<void>(world.close());
    world.must_open();
    int writes = 0;
    world.machine.judge_ops([&writes](const io::Op& op) {
        const bool is_of_partition = op.path != nullptr
                                  && std::string_view(op.path).starts_with(partition_dir);
        const bool is_open = op.kind == io::OpKind::open && (op.flags & O_CREAT) != 0;
        writes += is_of_partition && (is_open || op.kind == io::OpKind::rename) ? 1 : 0;
        return sim::OpGate::passes;
    });
    const CleanLog clean = world.close();
    BOOST_TEST(writes == 0);
    BOOST_TEST(clean.log_end.value == 3);
    BOOST_TEST(clean.segment_bytes == batch_bytes);
    world.must_open();
    BOOST_TEST(world.log().recovery().was_clean);
    BOOST_TEST(world.log().recovery().segments_read == 0u);
}

BOOST_AUTO_TEST_CASE(after_a_clean_stop_index_files_that_a_power_loss_tore_are_not_believed) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        options.segment_bytes = 40'000;
        options.tail_cache_bytes = 0;
        LogWorld world(options);
        world.must_open();
        for (std::uint64_t i = 0; i < 60; ++i) {
            world.must_append(
                batch_at(1'700'000'000'000 + static_cast<std::int64_t>(i), {noise(1000, i)})
            );
        }
        world.machine.run_for(10ms);
        BOOST_REQUIRE(world.log().segments_count() == 2u);
        const Result<CleanLog> closed = world.machine.run(world.log().close());
        world.machine.run(world.directory().stop());
        const Result<Ok> marked =
            world.machine.run(write_clean_marker(world.machine.env(), log_dir, {*closed}));
        BOOST_REQUIRE(marked.has_value());
        world.lose_power();  // index files are never synced
        world.must_open();
        BOOST_REQUIRE(world.log().recovery().was_clean);
        BOOST_REQUIRE(world.values().size() == 60u);
        for (std::int64_t i = 0; i < 60; i += 7) {
            const auto found = world.machine.run(
                world.log().find_by_time(1'700'000'000'000 + i, world.log().synced_end())
            );
            BOOST_REQUIRE(found.has_value());
            BOOST_REQUIRE((*found)->offset.value == i);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_closed_segment_that_is_not_as_the_snapshot_says_is_read_and_judged) {
    LogWorld world(small_segments());
    world.must_open();
    append_batches(world, 9);
    world.machine.run_for(2s);
    world.kill();
    const std::string good = world.machine.content(segment_path(2));
    world.machine.truncate(segment_path(2), batch_bytes);
    BOOST_TEST((world.open().code() == ErrorCode::corrupt));
    world.end();
    world.machine.set_content(segment_path(2), good + "x");
    BOOST_TEST((world.open().code() == ErrorCode::corrupt));
    world.end();
    world.machine.set_content(segment_path(2), good);
    world.must_open();
    BOOST_TEST(world.values().size() == 9u);
}

BOOST_AUTO_TEST_CASE(whichever_operation_of_a_start_with_snapshots_fails_the_next_one_finds_all) {
    for (const int sys_errno : {EIO, ENOSPC, EMFILE}) {
        bool was_reached = true;
        for (int failing = 0; was_reached; ++failing) {
            BOOST_TEST_CONTEXT("errno " << sys_errno << ", operation " << failing) {
                CutWorld world;
                int count = 0;
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ == failing ? sys_errno : sim::OpGate::passes;
                });
                const Result<Ok> opened = world.open();
                if (opened) {
                    BOOST_REQUIRE((world.told().known == all_below(9)));
                } else {
                    BOOST_REQUIRE((opened.code() != ErrorCode::corrupt));
                }
                was_reached = count > failing;
                world.machine.judge_ops({});
                world.kill();
                if (world.machine.exists(log_dir + "/storage-failed")) {
                    world.machine.remove(log_dir + "/storage-failed");
                }
                world.must_open();
                BOOST_REQUIRE((world.told().known == all_below(9)));
            }
        }
    }
}

// --- Small mercies of the same files -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_roll_that_finds_no_descriptor_is_retriable_and_leaves_no_half_made_segment) {
    for (int failing = 0; failing < 2; ++failing) {
        LogWorld world(small_segments());
        world.must_open();
        append_batches(world, 2);
        int opens = 0;
        world.machine.judge_ops([&](const io::Op& op) {
            return op.kind == io::OpKind::open && opens++ == failing ? EMFILE : sim::OpGate::passes;
        });
        BOOST_TEST((world.append(batch_of_size(batch_bytes)).code() == ErrorCode::io));
        BOOST_TEST(!world.directory().has_failed());
        BOOST_TEST(!world.machine.exists(segment_path(2)));
        world.machine.judge_ops({});
        append_batches(world, 2);
        BOOST_TEST(world.log().end_offset().value == 4);
        world.kill();
        world.must_open();
        BOOST_TEST(world.values().size() == 4u);
    }
}

BOOST_AUTO_TEST_CASE(a_last_sync_that_fails_leaves_no_indexes_and_no_snapshot) {
    LogWorld world(small_segments());
    world.must_open();
    append_batches(world, 1);
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.machine.run(world.log().close()).code() == ErrorCode::io));
    BOOST_TEST(!world.machine.exists(segment_path(0, offset_index_suffix)));
    BOOST_TEST(!world.machine.exists(segment_path(0, time_index_suffix)));
    BOOST_TEST(world.snapshots().empty());
}

BOOST_AUTO_TEST_SUITE_END()
