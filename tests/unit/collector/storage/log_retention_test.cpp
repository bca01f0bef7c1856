#include "collector/storage/log.h"
#include "tests/unit/collector/storage/log_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

using Offsets = std::vector<std::int64_t>;

/// Two batches of one record each fill a segment.
constexpr std::size_t batch_bytes = 150;

LogWorldOptions keep_bytes(const std::int64_t bytes, const std::uint64_t seed = 1) {
    LogWorldOptions options;
    options.machine.seed = seed;
    options.segment_bytes = 2 * batch_bytes;
    options.retention_bytes = bytes;
    return options;
}

LogWorldOptions keep_time(const Nanos time) {
    LogWorldOptions options;
    options.segment_bytes = 2 * batch_bytes;
    options.retention_ms = std::chrono::duration_cast<Millis>(time).count();
    return options;
}

void append_batches(LogWorld& world, const int count) {
    for (int i = 0; i < count; ++i) {
        world.must_append(batch_of_size(batch_bytes));
    }
}

std::int64_t wall_ms(LogWorld& world) {
    return to_unix_ms(world.machine.env().clock.wall());
}

/// A batch whose record is of now and fills half a segment.
void append_now(LogWorld& world) {
    world.must_append(batch_at(wall_ms(world), {noise(70)}));
}

Offsets segments(LogWorld& world) {
    Offsets bases;
    for (const std::string& name : world.machine.names_in(partition_dir)) {
        const auto base = parse_segment_file_name(name, log_suffix);
        if (base) {
            bases.push_back(base->value);
        }
    }
    return bases;
}

/// Index files without a segment.
std::size_t orphans(LogWorld& world) {
    std::size_t count = 0;
    for (const std::string& name : world.machine.names_in(partition_dir)) {
        for (const std::string_view suffix : {offset_index_suffix, time_index_suffix}) {
            const auto base = parse_segment_file_name(name, suffix);
            const bool is_orphan = base && !world.machine.exists(segment_path(base->value));
            count += is_orphan ? 1u : 0u;
        }
    }
    return count;
}

/// The state that a log of one record a batch must have: every batch that there ever was.
std::set<std::int64_t> all_below(const std::int64_t end) {
    std::set<std::int64_t> offsets;
    for (std::int64_t i = 0; i < end; ++i) {
        offsets.insert(i);
    }
    return offsets;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_retention)

// --- Nothing is lost -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nothing_is_deleted_before_a_snapshot_of_it_is_on_disk) {
    LogWorld world(keep_bytes(2 * batch_bytes));
    world.must_open();
    bool is_refused = true;
    world.machine.judge_ops([&is_refused](const io::Op& op) {
        const bool names_state = op.kind == io::OpKind::rename
                              && std::string_view(op.path).ends_with(".state.tmp");
        return is_refused && names_state ? EIO : sim::OpGate::passes;
    });
    append_batches(world, 7);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 2, 4, 6}));
    BOOST_TEST(world.log().start_offset().value == 0);
    BOOST_TEST(world.told().started_at.empty());
    BOOST_TEST(world.machine.has_logged("old segments are not deleted"));
    BOOST_TEST(world.directory().metrics().failed_snapshots.value() > 0u);
    is_refused = false;
    world.retain();
    BOOST_TEST((segments(world) == Offsets{4, 6}));
    BOOST_TEST((world.told().started_at == Offsets{4}));
}

BOOST_AUTO_TEST_CASE(whatever_a_power_loss_leaves_of_a_deletion_state_and_records_are_whole) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            LogWorld world(keep_bytes(2 * batch_bytes, seed));
            std::int64_t start_seen = 0;
            std::int64_t end_seen = 0;
            for (int life = 0; life < 4; ++life) {
                world.must_open();
                BOOST_REQUIRE(world.log().start_offset().value >= start_seen);
                BOOST_REQUIRE(world.log().end_offset().value >= end_seen);
                BOOST_REQUIRE((world.told().known == all_below(world.log().end_offset().value)));
                BOOST_REQUIRE(orphans(world) == 0u);
                append_batches(world, static_cast<int>(world.machine.rng().below(8)));
                end_seen = world.log().synced_end().value;
                // Somewhere in the middle of a pass.
                int left = static_cast<int>(world.machine.rng().below(25));
                world.machine.judge_ops([&left](const io::Op&) {
                    return --left < 0 ? sim::OpGate::held : sim::OpGate::passes;
                });
                auto pass = world.begin_pass();
                world.machine.run_for(1s);
                world.machine.judge_ops({});
                start_seen = world.log().start_offset().value;
                if (world.machine.rng().chance(0.3)) {
                    world.kill();
                } else {
                    world.lose_power();
                }
            }
            world.must_open();
            const auto records = static_cast<std::size_t>(
                world.log().end_offset().value - world.log().start_offset().value
            );
            BOOST_REQUIRE(world.values().size() == records);
        }
    }
}

BOOST_AUTO_TEST_CASE(at_each_operation_of_a_deletion_a_crash_leaves_state_and_records_whole) {
    for (const bool loses_power : {false, true}) {
        bool was_reached = true;
        for (int failing = 0; was_reached; ++failing) {
            BOOST_TEST_CONTEXT("operation " << failing << ", power lost " << loses_power) {
                LogWorld world(keep_bytes(0, static_cast<std::uint64_t>(failing) + 1));
                world.must_open();
                append_batches(world, 5);
                int count = 0;
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ >= failing ? sim::OpGate::held : sim::OpGate::passes;
                });
                auto pass = world.begin_pass();
                world.machine.run_for(3s);
                was_reached = count > failing;
                world.machine.judge_ops({});
                const std::int64_t start_seen = world.log().start_offset().value;
                if (loses_power) {
                    world.lose_power();
                } else {
                    world.kill();
                }
                world.must_open();
                BOOST_REQUIRE((world.told().known == all_below(5)));
                BOOST_REQUIRE(world.log().end_offset().value == 5);
                BOOST_REQUIRE(world.log().start_offset().value >= start_seen);
                BOOST_REQUIRE(orphans(world) == 0u);
                append_batches(world, 1);
                world.retain();
                BOOST_REQUIRE(world.log().start_offset().value == 6);
                world.kill();
                world.must_open();
                BOOST_REQUIRE((world.told().known == all_below(6)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(at_each_operation_of_a_deletion_an_error_leaves_state_and_records_whole) {
    for (const int sys_errno : {EIO, ENOSPC}) {
        bool was_reached = true;
        for (int failing = 0; was_reached; ++failing) {
            BOOST_TEST_CONTEXT("errno " << sys_errno << ", operation " << failing) {
                LogWorld world(keep_bytes(0));
                world.must_open();
                append_batches(world, 5);
                int count = 0;
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ == failing ? sys_errno : sim::OpGate::passes;
                });
                world.retain();
                was_reached = count > failing;
                world.machine.judge_ops({});
                world.lose_power();
                if (world.machine.exists(log_dir + "/storage-failed")) {
                    world.machine.remove(log_dir + "/storage-failed");
                }
                world.must_open();
                BOOST_REQUIRE((world.told().known == all_below(5)));
                BOOST_REQUIRE(world.log().end_offset().value == 5);
                world.retain();
                BOOST_REQUIRE(world.log().start_offset().value == 5);
                BOOST_REQUIRE(world.log().segments_count() == 1u);
                BOOST_REQUIRE(orphans(world) == 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(deleted_records_do_not_come_back_after_a_power_loss) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorld world(keep_bytes(2 * batch_bytes, seed));
        world.must_open();
        append_batches(world, 7);
        world.retain();
        BOOST_REQUIRE(world.log().start_offset().value == 4);
        world.lose_power();
        world.must_open();
        BOOST_REQUIRE(world.log().start_offset().value == 4);
        BOOST_REQUIRE((segments(world) == Offsets{4, 6}));
        BOOST_REQUIRE((world.read(3).code() == ErrorCode::out_of_range));
        BOOST_REQUIRE(world.values().size() == 3u);
    }
}

BOOST_AUTO_TEST_CASE(a_segment_that_retention_has_not_deleted_is_missed_wherever_it_was) {
    LogWorld world(keep_bytes(4 * batch_bytes));
    world.must_open();
    append_batches(world, 9);
    world.retain();
    BOOST_REQUIRE((segments(world) == Offsets{4, 6, 8}));
    world.machine.run_for(2s);
    world.kill();
    world.machine.remove(segment_path(4));
    BOOST_TEST((world.open().code() == ErrorCode::corrupt));
    BOOST_TEST(world.machine.has_logged("the first segment is missing"));
}

BOOST_AUTO_TEST_CASE(a_log_whose_checkpoint_is_lost_begins_at_its_first_segment) {
    LogWorld world(keep_bytes(2 * batch_bytes));
    world.must_open();
    append_batches(world, 7);
    world.retain();
    world.machine.run_for(2s);
    world.kill();
    world.machine.set_content(log_dir + "/checkpoint-0", "noise");
    world.must_open();
    BOOST_TEST(world.machine.has_logged("it is taken to begin at its first segment"));
    BOOST_TEST(world.log().start_offset().value == 4);
    BOOST_TEST((world.told().known == all_below(7)));
    world.machine.run_for(2s);
    world.kill();
    world.must_open();
    BOOST_TEST(world.log().start_offset().value == 4);
}

// --- Readers -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_reader_that_holds_a_segment_reads_on_while_it_is_deleted) {
    LogWorldOptions options = keep_bytes(0);
    options.tail_cache_bytes = 0;
    LogWorld world(options);
    world.must_open();
    append_batches(world, 5);
    world.machine.judge_ops([](const io::Op& op) {  // of the segment, not of its indexes
        const bool reads_segment = op.kind == io::OpKind::read && op.len == 2 * batch_bytes;
        return reads_segment ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto read = world.machine.begin(world.log().read(Offset(0), 1u << 20, world.log().synced_end())
    );
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    world.retain();
    BOOST_TEST(!world.machine.exists(segment_path(0)));
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return read.is_there(); });
    BOOST_REQUIRE(read.value().has_value());
    BOOST_TEST(read.value()->size() == 2u);
    BOOST_TEST((world.read(2).code() == ErrorCode::out_of_range));
    append_batches(world, 3);
    BOOST_TEST(world.values().size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_had_not_opened_the_segment_yet_is_out_of_range) {
    LogWorldOptions options = keep_bytes(0);
    options.tail_cache_bytes = 0;
    LogWorld world(options);
    world.must_open();
    append_batches(world, 3 + 2 * static_cast<int>(limits::closed_segment_files_max));
    world.machine.judge_ops([](const io::Op& op) {
        const bool opens_log = op.kind == io::OpKind::open
                            && std::string_view(op.path).ends_with(log_suffix);
        return opens_log ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto read = world.machine.begin(world.log().read(Offset(0), 1u << 20, world.log().synced_end())
    );
    auto by_time = world.machine.begin(world.log().find_by_time(0, world.log().synced_end()));
    world.machine.run_until([&] { return world.machine.held_ops() == 2; });
    world.retain();
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return read.is_there() && by_time.is_there(); });
    BOOST_TEST((read.value().code() == ErrorCode::out_of_range));
    BOOST_REQUIRE(by_time.value().has_value());
    BOOST_TEST(!by_time.value()->has_value());
    BOOST_TEST(!world.machine.has_logged("cannot be read"));
    BOOST_TEST(world.directory().metrics().read_errors.value() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_deleted_is_not_served_from_the_cache_either) {
    LogWorld world(keep_bytes(0));
    world.must_open();
    append_batches(world, 3);
    BOOST_TEST(world.read(0)->size() == 3u);
    world.retain();
    BOOST_TEST((world.read(0).code() == ErrorCode::out_of_range));
    BOOST_TEST((world.read(2).code() == ErrorCode::out_of_range));
    BOOST_TEST(world.read(3)->empty());
}

BOOST_AUTO_TEST_CASE(a_log_that_is_closed_while_a_pass_runs_waits_for_it) {
    LogWorld world(keep_bytes(0));
    world.must_open();
    append_batches(world, 3);
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::unlink ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto pass = world.begin_pass();
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    auto closed = world.machine.begin(world.log().close());
    world.machine.run_for(1s);
    BOOST_TEST(!closed.is_there());
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return closed.is_there(); });
    BOOST_TEST(closed.value()->log_end.value == 3);
}

// --- By size -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_oldest_segments_are_deleted_until_the_size_is_met_but_not_the_last_one) {
    LogWorld world(keep_bytes(4 * batch_bytes));
    world.must_open();
    append_batches(world, 4);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 2}));
    append_batches(world, 2);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{2, 4}));
    append_batches(world, 5);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{6, 8, 10}));
    BOOST_TEST(world.log().start_offset().value == 6);
    BOOST_TEST((world.told().started_at == Offsets{2, 6}));
    BOOST_TEST(world.values().size() == 5u);
    BOOST_TEST(world.directory().metrics().deleted_segments.value() == 3u);
    BOOST_TEST(world.directory().metrics().deleted_bytes.value() == 6 * batch_bytes);
    BOOST_TEST(world.machine.has_logged("old segments deleted"));
    BOOST_TEST(orphans(world) == 0u);
    world.retain();
    BOOST_TEST((world.told().started_at == Offsets{2, 6}));
}

// --- By age --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(segments_are_deleted_once_their_newest_record_is_old_over_restarts_too) {
    LogWorld world(keep_time(1h));
    world.must_open();
    for (int i = 0; i < 6; ++i) {
        append_now(world);
        world.machine.run_for(10min);
    }
    BOOST_REQUIRE((segments(world) == Offsets{0, 2, 4}));
    const std::int64_t stopped_ms = wall_ms(world);
    static_cast<void>(world.close());
    world.must_open();  // which reads no closed segment
    BOOST_TEST(world.log().recovery().segments_read == 0u);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 2, 4}));
    world.machine.run_for(Nanos(Millis(stopped_ms + Millis(11min).count() - wall_ms(world))));
    world.retain();
    BOOST_TEST((segments(world) == Offsets{2, 4}));
    world.kill();
    world.must_open();
    BOOST_TEST(world.log().recovery().segments_read == 1u);
    world.machine.run_for(21min);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{4}));
}

BOOST_AUTO_TEST_CASE(when_all_of_it_is_old_a_new_segment_begins_and_the_rest_goes) {
    LogWorld world(keep_time(1h));
    world.must_open();
    append_now(world);
    append_now(world);
    append_now(world);
    world.machine.run_for(59min);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 2}));
    world.machine.run_for(2min);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{3}));
    BOOST_TEST(world.log().start_offset().value == 3);
    BOOST_TEST(world.log().end_offset().value == 3);
    world.machine.run_for(24h);
    world.retain();  // an empty segment does not grow old
    BOOST_TEST((segments(world) == Offsets{3}));
    world.lose_power();
    world.must_open();
    BOOST_TEST(world.log().start_offset().value == 3);
    BOOST_TEST((world.told().known == all_below(3)));
    append_now(world);
    BOOST_TEST(world.values().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_log_that_was_written_in_the_future_is_kept_and_told_once) {
    LogWorld world(keep_time(1h));
    world.must_open();
    append_now(world);
    append_now(world);
    append_now(world);
    world.machine.run_for(1s);
    world.machine.disk().set_wall_offset(-Nanos(25h));
    world.machine.run_for(2h);
    world.machine.disk().set_wall_offset(-Nanos(48h));
    world.retain();
    world.retain();
    BOOST_TEST(world.log().start_offset().value == 0);
    const std::string& text = world.machine.log_text();
    const std::size_t told = text.find("at a time far ahead of the clock");
    BOOST_REQUIRE(told != std::string::npos);
    BOOST_TEST(text.find("at a time far ahead of the clock", told + 1) == std::string::npos);
}

// --- Roll by age ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_segment_with_records_is_closed_at_its_age_and_an_empty_one_is_not) {
    LogWorldOptions options;
    options.segment_ms = Millis(1h).count();
    LogWorld world(options);
    world.must_open();
    world.machine.run_for(3h);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0}));
    append_batches(world, 1);
    world.machine.run_for(53min);  // a tenth of the age is up to chance
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0}));
    world.machine.run_for(8min);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 1}));
    world.machine.run_for(10ms);
    BOOST_TEST(world.snapshots() == Offsets{1});
    world.machine.run_for(3h);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 1}));
}

BOOST_AUTO_TEST_CASE(the_age_of_a_segment_goes_on_over_restarts) {
    for (const bool is_clean : {true, false}) {
        LogWorldOptions options;
        options.segment_ms = Millis(1h).count();
        LogWorld world(options);
        world.must_open();
        append_batches(world, 1);
        world.machine.run_for(40min);
        append_batches(world, 1);
        if (is_clean) {
            static_cast<void>(world.close());
        } else {
            world.kill();
        }
        world.must_open();
        world.retain();
        BOOST_TEST((segments(world) == Offsets{0}));
        world.machine.run_for(21min);
        world.retain();
        BOOST_TEST((segments(world) == Offsets{0, 2}));
    }
}

BOOST_AUTO_TEST_CASE(segments_that_were_begun_together_are_not_all_closed_together) {
    std::set<int> minutes;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        options.segment_ms = Millis(100min).count();
        LogWorld world(options);
        world.must_open();
        append_batches(world, 1);
        world.machine.run_for(89min);
        int minute = 89;
        while (segments(world).size() == 1) {
            BOOST_REQUIRE(minute <= 101);
            world.machine.run_for(1min);
            ++minute;
            world.retain();
        }
        minutes.insert(minute);
    }
    BOOST_TEST(minutes.size() >= 4u);
}

BOOST_AUTO_TEST_CASE(a_roll_by_age_that_finds_no_room_loses_nothing_and_is_tried_again) {
    LogWorldOptions options;
    options.segment_ms = Millis(1h).count();
    LogWorld world(options);
    world.must_open();
    append_batches(world, 1);
    world.machine.run_for(2h);
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? ENOSPC : sim::OpGate::passes;
    });
    world.retain();
    BOOST_TEST(world.machine.has_logged("a new segment could not be begun"));
    BOOST_TEST((segments(world) == Offsets{0}));
    world.machine.judge_ops({});
    append_batches(world, 1);
    world.retain();
    BOOST_TEST((segments(world) == Offsets{0, 2}));
    BOOST_TEST(world.values().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_log_is_appended_to_while_it_is_rolled_and_cut_by_retention) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options = keep_bytes(3 * batch_bytes, seed);
        options.segment_ms = 20;
        LogWorld world(options);
        world.must_open();
        std::vector<AppendPtr> appends;
        for (int i = 0; i < 40; ++i) {
            Result<AppendPtr> queued = world.queue(batch_of_size(batch_bytes));
            BOOST_REQUIRE(queued.has_value());
            appends.push_back(std::move(*queued));
            const std::uint64_t pause = world.machine.rng().below(3'000'000);
            auto pass = world.begin_pass();
            world.machine.run_for(Nanos(static_cast<std::int64_t>(pause)));
            world.machine.run_until([&] { return pass.is_there(); });
        }
        world.machine.run_until([&] { return appends.back()->done.is_set(); });
        for (const AppendPtr& append : appends) {
            BOOST_REQUIRE(!append->error.has_value());
        }
        world.retain();
        BOOST_REQUIRE(world.log().end_offset().value == 40);
        BOOST_REQUIRE(world.log().start_offset().value >= 30);
        world.kill();
        world.must_open();
        BOOST_REQUIRE((world.told().known == all_below(40)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
