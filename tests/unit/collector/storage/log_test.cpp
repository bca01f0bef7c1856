#define BOOST_TEST_MODULE collector_storage
#include "collector/storage/log.h"

#include "shared/base/limits.h"
#include "shared/base/rng.h"
#include "tests/unit/collector/storage/log_world.h"
#include "tests/unit/collector/storage/raw_batch.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

using Awaited = Log::Awaited;

bool is_sync(const io::Op& op) {
    return op.kind == io::OpKind::fdatasync || op.kind == io::OpKind::fsync;
}

/// Keeps every sync back.
sim::OpGate::Verdict hold_syncs(const io::Op& op) {
    return is_sync(op) ? sim::OpGate::held : sim::OpGate::passes;
}

LogWorldOptions with_segments_of(const std::uint64_t bytes) {
    LogWorldOptions options;
    options.segment_bytes = bytes;
    return options;
}

std::string durable(LogWorld& world, const std::int64_t base_offset = 0) {
    return world.machine.disk().durable_content(segment_path(base_offset));
}

bool is_all_zero(const std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

/// The error of an append that has ended.
ErrorCode code_of(const AppendPtr& append) {
    BOOST_REQUIRE(append->done.is_set());
    BOOST_REQUIRE(append->error.has_value());
    return append->error->code;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(partition_log)

// --- Syncs that fail -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_failed_fdatasync_gives_the_directory_up_and_nothing_is_acknowledged) {
    LogWorld world;
    world.must_open();
    world.must_append({"kept"});
    world.machine.disk().options().faults.sync_error = 1;
    const Result<AppendPtr> first = world.queue(plain_batch({"a"}));
    const Result<AppendPtr> second = world.queue(plain_batch({"b"}), Awaited::no);
    world.machine.run_until([&] { return (*first)->done.is_set() && (*second)->done.is_set(); });
    BOOST_TEST((code_of(*first) == ErrorCode::storage_failed));
    BOOST_TEST((code_of(*second) == ErrorCode::storage_failed));
    BOOST_TEST(world.directory().has_failed());
    BOOST_TEST(world.log().has_failed());
    BOOST_TEST(world.log().synced_end().value == 1);
    BOOST_TEST(world.told().synced.value == 1);
    BOOST_TEST((world.told().dropped == std::vector<std::int64_t>{1}));
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_given_up_is_not_written_read_or_synced_any_more) {
    LogWorld world;
    world.must_open();
    world.must_append({"kept"});
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.append(plain_batch({"a"})).code() == ErrorCode::storage_failed));
    world.machine.disk().options().faults.sync_error = 0;
    world.machine.run_for(1s);  // the mark for the next start
    int ops_of_files = 0;
    world.machine.judge_ops([&ops_of_files](const io::Op& op) {
        ops_of_files += is_sync(op) || op.kind == io::OpKind::writev ? 1 : 0;
        return sim::OpGate::passes;
    });
    BOOST_TEST((world.append(plain_batch({"b"})).code() == ErrorCode::storage_failed));
    BOOST_TEST((world.read(0).code() == ErrorCode::storage_failed));
    const Result<std::optional<FoundRecord>> found =
        world.machine.run(world.log().find_by_time(0, Offset(1)));
    BOOST_TEST((found.code() == ErrorCode::storage_failed));
    BOOST_TEST((world.machine.run(world.log().close()).code() == ErrorCode::storage_failed));
    world.machine.run(world.directory().stop());
    BOOST_TEST(ops_of_files == 0);
    world.end();
    BOOST_TEST((world.open().code() == ErrorCode::storage_failed));
}

BOOST_AUTO_TEST_CASE(a_failed_write_gives_the_directory_up) {
    LogWorld world;
    world.must_open();
    world.machine.disk().options().faults.write_error = 1;
    BOOST_TEST((world.append(plain_batch({"a"})).code() == ErrorCode::storage_failed));
    BOOST_TEST(world.directory().has_failed());
}

BOOST_AUTO_TEST_CASE(a_log_whose_directory_failed_on_another_shard_takes_nothing) {
    LogWorld world;
    world.must_open();
    world.must_append({"kept"});
    world.directory().give_up(Error{ErrorCode::io, EIO, "elsewhere"}, "another file");
    BOOST_TEST((world.queue(plain_batch({"a"})).code() == ErrorCode::storage_failed));
    BOOST_TEST((world.read(0).code() == ErrorCode::storage_failed));
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_while_the_segment_is_rolled_gives_the_directory_up) {
    LogWorld world(with_segments_of(300));
    world.must_open();
    world.must_append(batch_of_size(250));
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.append(batch_of_size(250)).code() == ErrorCode::storage_failed));
    BOOST_TEST(world.directory().has_failed());
    BOOST_TEST(world.log().segments_count() == 1u);
}

// --- A full disk ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_full_disk_is_retriable_and_offsets_are_given_anew) {
    LogWorld world;
    world.must_open();
    world.must_append({"one"});
    io::SimDiskOptions& disk = world.machine.disk().options();
    disk.capacity_bytes = limits::segment_step_bytes_min + 4096;
    const std::string value = noise(2u << 20);
    const Result<AppendPtr> large = world.queue(plain_batch({value}));
    const Result<AppendPtr> behind = world.queue(plain_batch({"behind"}));
    BOOST_TEST((*large)->base_offset.value == 1);
    BOOST_TEST((*behind)->base_offset.value == 2);
    world.machine.run_until([&] { return (*behind)->done.is_set(); });
    BOOST_TEST((code_of(*large) == ErrorCode::no_space));
    BOOST_TEST((code_of(*behind) == ErrorCode::no_space));
    BOOST_TEST((world.told().dropped == std::vector<std::int64_t>{1}));
    BOOST_TEST(world.log().queued_bytes() == 0u);
    BOOST_TEST(!world.directory().has_failed());
    BOOST_TEST(world.machine.has_logged("log directory is full"));

    const Result<AppendPtr> small = world.queue(plain_batch({"two"}));  // this one fits
    BOOST_TEST((*small)->base_offset.value == 1);
    BOOST_TEST(world.machine.run(Log::wait(*small)).has_value());
    disk.capacity_bytes = 1u << 30;
    world.must_append({value});
    const std::vector<std::string> expected{"one", "two", value};
    BOOST_TEST((world.values() == expected));
    world.kill();
    world.must_open();
    BOOST_TEST((world.values() == expected));
    BOOST_TEST(world.log().recovery().dropped_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(nothing_of_a_batch_that_found_no_room_is_left_in_the_file) {
    LogWorld world;
    world.must_open();
    world.must_append({"one"});
    const std::string before = world.machine.content(segment_path(0)).substr(0, 200);
    // Room for a part of the write only. The file system gives none ahead: the write itself fails.
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? EOPNOTSUPP : sim::OpGate::passes;
    });
    world.machine.disk().options().capacity_bytes = limits::segment_step_bytes_min + 200'000;
    const Result<Ok> appended = world.append(plain_batch({noise(1'300'000)}));
    BOOST_TEST((appended.code() == ErrorCode::no_space));
    world.machine.run_for(10ms);
    const std::string after = world.machine.content(segment_path(0));
    BOOST_TEST(after.size() < 200u);
    BOOST_TEST(after == before.substr(0, after.size()));
    world.must_append({"two"});
    BOOST_TEST(world.values() == (std::vector<std::string>{"one", "two"}));
}

BOOST_AUTO_TEST_CASE(a_full_disk_whose_file_cannot_be_cut_back_is_given_up) {
    LogWorld world;
    world.must_open();
    world.must_append({"one"});
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev    ? ENOSPC
             : op.kind == io::OpKind::ftruncate ? EIO
                                                : sim::OpGate::passes;
    });
    const Result<AppendPtr> queued = world.queue(plain_batch({"two"}));
    world.machine.run_until([&] { return world.directory().has_failed(); });
    BOOST_TEST((code_of(*queued) == ErrorCode::no_space));
    BOOST_TEST((world.queue(plain_batch({"three"})).code() == ErrorCode::storage_failed));
}

BOOST_AUTO_TEST_CASE(a_full_disk_at_a_roll_leaves_the_old_segment_and_no_half_made_one) {
    LogWorld world(with_segments_of(300));
    world.must_open();
    world.must_append(batch_of_size(250));
    world.machine.disk().options().capacity_bytes = 400;
    BOOST_TEST((world.append(batch_of_size(250)).code() == ErrorCode::no_space));
    BOOST_TEST(!world.machine.exists(segment_path(1) + ".tmp"));
    BOOST_TEST(world.log().segments_count() == 1u);
    world.machine.disk().options().capacity_bytes = 1u << 20;
    world.must_append(batch_of_size(250));
    BOOST_TEST(world.log().segments_count() == 2u);
    BOOST_TEST(world.values().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_made_is_retriable) {
    LogWorld world(with_segments_of(300));
    world.must_open();
    world.must_append(batch_of_size(250));
    bool is_refused = true;
    world.machine.judge_ops([&is_refused](const io::Op& op) {
        const bool makes_file = op.kind == io::OpKind::open && (op.flags & O_CREAT) != 0;
        return makes_file && is_refused ? EMFILE : sim::OpGate::passes;
    });
    BOOST_TEST((world.append(batch_of_size(250)).code() == ErrorCode::io));
    BOOST_TEST(!world.directory().has_failed());
    is_refused = false;
    world.must_append(batch_of_size(250));
    BOOST_TEST(world.log().end_offset().value == 2);
}

// --- Queues --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_queue_that_is_full_says_so_and_takes_more_once_it_is_shorter) {
    LogWorld world;
    world.must_open();
    world.machine.disk().options().capacity_bytes = 4u << 20;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? sim::OpGate::held : sim::OpGate::passes;
    });
    // None of them is ever written, so that they may share their bytes.
    RawBatch raw;
    raw.size_bytes = 7u << 20;
    const Slice batch = world.machine.env().pool.copy_of(raw.bytes().view());
    std::uint64_t queued_bytes = 0;
    Result<AppendPtr> last = world.log().append(batch, LeaderEpoch(0), Awaited::no);
    AppendPtr first = *last;
    while (last) {
        queued_bytes += batch.size();
        BOOST_REQUIRE(world.log().queued_bytes() == queued_bytes);
        last = world.log().append(batch, LeaderEpoch(0), Awaited::no);
    }
    BOOST_TEST((last.code() == ErrorCode::busy));
    BOOST_TEST(queued_bytes <= limits::log_pending_bytes_max);
    BOOST_TEST(queued_bytes + batch.size() > limits::log_pending_bytes_max);
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    world.machine.judge_ops({});
    world.machine.release_ops();  // into a full disk
    world.machine.run_until([&] { return first->done.is_set(); });
    BOOST_TEST(world.log().queued_bytes() == 0u);
    BOOST_TEST(world.append(plain_batch({"one"})).has_value());
}

BOOST_AUTO_TEST_CASE(a_log_that_is_closing_takes_nothing_more_and_syncs_what_it_took) {
    LogWorld world;
    world.must_open();
    const Result<AppendPtr> queued = world.queue(plain_batch({"one"}), Awaited::no);
    auto closed = world.machine.begin(world.log().close());
    world.machine.run_for(Nanos::zero());
    BOOST_TEST((world.queue(plain_batch({"two"})).code() == ErrorCode::closed));
    world.machine.run_until([&] { return closed.is_there(); });
    BOOST_TEST((*queued)->done.is_set());
    BOOST_TEST(!(*queued)->error.has_value());
    BOOST_TEST(closed.value()->log_end.value == 1);
    const std::string on_disk = durable(world);
    BOOST_TEST(closed.value()->segment_bytes == on_disk.size());
    BOOST_TEST(values_in(as_bytes(on_disk)) == std::vector<std::string>{"one"});
}

// --- Group commit --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_before_it_is_on_disk) {
    LogWorld world;
    world.must_open();
    world.machine.judge_ops(hold_syncs);
    const Result<AppendPtr> queued = world.queue(plain_batch({"one"}));
    world.machine.run_for(10s);
    BOOST_TEST(world.log().end_offset().value == 1);  // written
    BOOST_TEST(world.told().written.value == 1);
    BOOST_TEST(!(*queued)->done.is_set());
    BOOST_TEST(world.log().synced_end().value == 0);
    BOOST_TEST(world.told().synced.value == 0);
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return (*queued)->done.is_set(); });
    BOOST_TEST(!(*queued)->error.has_value());
    const std::string batch = text_of(at_offset(plain_batch({"one"}), 0));
    BOOST_TEST(durable(world).starts_with(batch));
}

BOOST_AUTO_TEST_CASE(at_each_acknowledgement_the_batch_is_on_disk_whatever_the_timing) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        LogWorldOptions options = with_segments_of(2000);
        options.machine.seed = seed;
        LogWorld world(options);
        world.must_open();
        std::vector<AppendPtr> waiting;
        std::vector<std::string> batches;
        for (int i = 0; i < 40; ++i) {
            const std::vector<std::string> values{"value " + std::to_string(i), "another"};
            const Awaited awaited = world.machine.rng().chance(0.5) ? Awaited::yes : Awaited::no;
            Result<AppendPtr> queued = world.queue(plain_batch(values), awaited);
            BOOST_REQUIRE(queued.has_value());
            const std::int64_t base = (*queued)->base_offset.value;
            batches.push_back(text_of(at_offset(plain_batch(values), base)));
            waiting.push_back(std::move(*queued));
            const std::uint64_t pause = world.machine.rng().below(400'000);
            world.machine.run_for(Nanos(static_cast<std::int64_t>(pause)));
            std::string on_disk;
            for (const std::string& name : world.machine.names_in(partition_dir)) {
                if (name.ends_with(log_suffix)) {
                    on_disk += world.machine.disk().durable_content(partition_dir + "/" + name);
                }
            }
            for (std::size_t k = 0; k < waiting.size(); ++k) {
                const bool is_durable = on_disk.find(batches[k]) != std::string::npos;
                BOOST_REQUIRE((is_durable || !waiting[k]->done.is_set()));
            }
        }
        world.machine.run_until([&] { return waiting.back()->done.is_set(); });
    }
}

BOOST_AUTO_TEST_CASE(appends_that_wait_together_share_one_write_and_one_sync) {
    LogWorld world;
    world.must_open();
    world.must_append({"first"});
    int writes = 0;
    int syncs = 0;
    world.machine.judge_ops([&](const io::Op& op) {
        writes += op.kind == io::OpKind::writev ? 1 : 0;
        syncs += op.kind == io::OpKind::fdatasync ? 1 : 0;
        return sim::OpGate::passes;
    });
    std::vector<AppendPtr> appends;
    for (int i = 0; i < 50; ++i) {
        appends.push_back(*world.queue(plain_batch({std::to_string(i)})));
    }
    world.machine.run_until([&] { return appends.back()->done.is_set(); });
    BOOST_TEST(writes == 1);
    BOOST_TEST(syncs == 1);
    for (const AppendPtr& append : appends) {
        BOOST_TEST(append->done.is_set());
    }
}

BOOST_AUTO_TEST_CASE(appends_that_come_during_a_sync_are_written_at_once_behind_it) {
    LogWorld world;
    world.must_open();
    std::vector<std::uint32_t> pieces_of_writes;
    world.machine.judge_ops([&pieces_of_writes](const io::Op& op) {
        if (op.kind == io::OpKind::writev) {
            pieces_of_writes.push_back(op.iov_count);
        }
        return hold_syncs(op);
    });
    const Result<AppendPtr> first = world.queue(plain_batch({"first"}));
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    const Result<AppendPtr> second = world.queue(plain_batch({"second"}));
    const Result<AppendPtr> third = world.queue(plain_batch({"third"}));
    world.machine.run_for(1s);
    BOOST_TEST(world.log().end_offset().value == 1);
    world.machine.release_ops();
    world.machine.run_until([&] { return world.log().end_offset() == Offset(3); });
    BOOST_TEST((*first)->done.is_set());
    BOOST_TEST(std::ranges::count(pieces_of_writes, 2u) == 1);
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return (*second)->done.is_set() && (*third)->done.is_set(); });
}

BOOST_AUTO_TEST_CASE(appends_that_fill_a_write_during_a_sync_are_served_by_the_next_one) {
    LogWorld world;
    world.must_open();
    world.machine.judge_ops(hold_syncs);
    const Result<AppendPtr> first = world.queue(plain_batch({"first"}));
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    std::string noise(limits::log_write_bytes_max, '\0');  // which does not pack
    Rng rng(1);
    for (char& byte : noise) {
        byte = static_cast<char>(rng.below(256));
    }
    const Result<AppendPtr> second = world.queue(plain_batch({noise}));
    world.machine.run_until([&] { return world.log().end_offset() == Offset(2); });
    world.machine.release_ops();
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    BOOST_TEST((*first)->done.is_set());
    BOOST_TEST(!(*second)->done.is_set());  // the sync that ended was begun before it was written
    BOOST_TEST(world.log().synced_end().value == 1);
    world.machine.release_ops();
    world.machine.run_until([&] { return (*second)->done.is_set(); });
}

BOOST_AUTO_TEST_CASE(what_nobody_waits_for_is_synced_all_the_same) {
    LogWorld world;
    world.must_open();
    const Result<AppendPtr> queued = world.queue(plain_batch({"one"}), Awaited::no);
    world.machine.run_for(1s);
    BOOST_TEST((*queued)->done.is_set());
    BOOST_TEST(world.log().synced_end().value == 1);
}

BOOST_AUTO_TEST_CASE(an_offset_can_be_waited_for_by_whoever_knows_it) {
    LogWorld world;
    world.must_open();
    BOOST_TEST(
        (world.machine.run(world.log().wait_synced(Offset(0))).code() == ErrorCode::out_of_range)
    );
    const Result<AppendPtr> queued = world.queue(plain_batch({"a", "b", "c"}));
    auto waits = world.machine.begin(world.log().wait_synced(Offset(1)));
    world.machine.run_until([&] { return waits.is_there(); });
    BOOST_TEST(waits.value().has_value());
    BOOST_TEST(world.log().synced_end().value == 3);
    BOOST_TEST(world.machine.run(world.log().wait_synced(Offset(2))).has_value());
    BOOST_TEST(
        (world.machine.run(world.log().wait_synced(Offset(3))).code() == ErrorCode::out_of_range)
    );
}

BOOST_AUTO_TEST_CASE(whoever_waits_for_an_offset_that_is_dropped_learns_it) {
    LogWorld world;
    world.must_open();
    world.must_append({"one"});
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    const Result<AppendPtr> queued = world.queue(plain_batch({"two"}));
    const Result<Ok> waited = world.machine.run(world.log().wait_synced(Offset(1)));
    BOOST_TEST((waited.code() == ErrorCode::no_space));
}

// --- Segments ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_segment_is_closed_at_its_size_and_at_rest_is_its_batches_and_nothing_else) {
    LogWorld world(with_segments_of(600));
    world.must_open();
    std::string expected;
    for (std::int64_t i = 0; i < 5; ++i) {
        const Buffer batch = batch_of_size(300);
        world.must_append(batch);
        expected += text_of(at_offset(batch_of_size(300), i));
    }
    BOOST_TEST(world.log().segments_count() == 3u);
    BOOST_TEST(world.machine.content(segment_path(0)) == expected.substr(0, 600));
    BOOST_TEST(world.machine.content(segment_path(2)) == expected.substr(600, 600));
    const std::string active = world.machine.content(segment_path(4));
    BOOST_TEST(active.size() == 600u);  // room ahead of the data
    BOOST_TEST(active.substr(0, 300) == expected.substr(1200));
    BOOST_TEST(is_all_zero(active.substr(300)));
    // Three segments, and for each closed one two indexes and the state snapshot of its end.
    world.machine.run_for(1s);
    BOOST_TEST(world.machine.names_in(partition_dir).size() == 9u);
    static_cast<void>(world.close());
    BOOST_TEST(world.machine.content(segment_path(4)) == expected.substr(1200));
}

BOOST_AUTO_TEST_CASE(a_closed_segment_is_on_disk_before_the_next_one_exists) {
    LogWorld world(with_segments_of(600));
    world.must_open();
    world.must_append(batch_of_size(300));
    // Written with nobody waiting: nothing but the roll itself makes it durable.
    world.machine.judge_ops([&](const io::Op& op) {
        const bool names_segment = op.kind == io::OpKind::rename
                                && std::string_view(op.path).ends_with(".log.tmp");
        if (names_segment) {
            BOOST_TEST(durable(world) == world.machine.content(segment_path(0)));
            BOOST_TEST(durable(world).size() == 600u);
        }
        return sim::OpGate::passes;
    });
    static_cast<void>(world.queue(batch_of_size(300), Awaited::no));
    const Result<AppendPtr> rolls = world.queue(batch_of_size(300), Awaited::no);
    world.machine.run_until([&] { return (*rolls)->done.is_set(); });
    BOOST_TEST(world.log().segments_count() == 2u);
}

BOOST_AUTO_TEST_CASE(a_new_segments_name_is_durable_before_the_first_acknowledgement_in_it) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options = with_segments_of(300);
        options.machine.seed = seed;
        LogWorld world(options);
        world.must_open();
        for (int i = 0; i < 3; ++i) {
            world.must_append(batch_of_size(250));
        }
        world.lose_power();
        world.must_open();
        BOOST_REQUIRE(world.log().end_offset().value == 3);
        BOOST_REQUIRE(world.log().segments_count() == 3u);
    }
}

BOOST_AUTO_TEST_CASE(a_batch_larger_than_a_segment_has_one_of_its_own) {
    LogWorld world(with_segments_of(200));
    world.must_open();
    world.must_append(batch_of_size(300));
    world.must_append({"small"});
    world.must_append(batch_of_size(300));
    BOOST_TEST(world.log().segments_count() == 3u);
    world.kill();
    world.must_open();
    BOOST_TEST(world.values().size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_segment_ends_before_an_offset_that_its_indexes_cannot_hold) {
    LogWorld world;
    world.must_open();
    // A batch that compaction has emptied: it covers many offsets and has no records.
    Buffer wide = plain_batch({"x"});
    wide.resize(limits::batch_header_bytes);
    codec::store_be(wide.data() + 8, std::int32_t{49});
    codec::store_be(wide.data() + 23, INT32_MAX - 2);
    codec::store_be(wide.data() + 57, std::int32_t{0});
    renew_crc(wide);
    world.must_append(wide);
    world.must_append({"last one that fits"});
    BOOST_TEST(world.log().segments_count() == 1u);
    const std::vector<std::string> values(3, "v");
    const Result<AppendPtr> next = world.queue(plain_batch(values));
    const Result<AppendPtr> behind = world.queue(plain_batch(values));
    world.machine.run_until([&] { return (*behind)->done.is_set(); });
    BOOST_TEST(world.log().segments_count() == 2u);
    BOOST_TEST(world.machine.exists(segment_path((*next)->base_offset.value)));
    const Offset end = world.log().end_offset();
    world.kill();
    world.must_open();
    BOOST_TEST((world.log().end_offset() == end));
}

BOOST_AUTO_TEST_CASE(the_offset_and_the_leader_epoch_are_filled_in_and_the_rest_stays) {
    LogWorld world;
    world.must_open();
    world.must_append({"a", "b"});
    const Buffer sent = plain_batch({"c"});
    world.must_append(sent, 7);
    const Result<std::vector<Slice>> read = world.read(2);
    BOOST_REQUIRE(read->size() == 1u);
    BOOST_TEST(as_text(read->front().view()) == text_of(at_offset(plain_batch({"c"}), 2, 7)));
    BOOST_TEST(as_text(read->front().view().subspan(16)) == as_text(sent.view().subspan(16)));
}

BOOST_AUTO_TEST_CASE(a_file_system_that_gives_no_room_ahead_is_written_to_all_the_same) {
    LogWorld world(with_segments_of(1000));
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? EOPNOTSUPP : sim::OpGate::passes;
    });
    world.must_open();
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
        expected.push_back("value " + std::to_string(i));
        world.must_append({expected.back()});
    }
    BOOST_TEST(world.log().segments_count() == 2u);
    world.lose_power();
    world.must_open();
    BOOST_TEST(world.values() == expected);
}

BOOST_AUTO_TEST_CASE(short_and_interrupted_writes_are_finished) {
    LogWorldOptions options = with_segments_of(2000);
    options.machine.disk.faults.short_write = 0.5;
    options.machine.disk.faults.interrupted = 0.3;
    options.machine.disk.faults.short_read = 0.3;
    LogWorld world(options);
    world.must_open();
    std::vector<std::string> expected;
    std::vector<AppendPtr> appends;
    for (int i = 0; i < 60; ++i) {
        expected.push_back("value " + std::to_string(i));
        appends.push_back(*world.queue(plain_batch({expected.back()})));
    }
    world.machine.run_until([&] { return appends.back()->done.is_set(); });
    BOOST_TEST(world.values() == expected);
    world.lose_power();
    world.must_open();
    BOOST_TEST(world.values() == expected);
}

// --- Any fault at any moment ---------------------------------------------------------------------

namespace {

/// What was sent and acknowledged, one record a batch, against what the log has.
struct History {
    void append(LogWorld& world, const Awaited awaited) {
        const std::string value = "value " + std::to_string(sent.size());
        Result<AppendPtr> queued = world.queue(plain_batch({value}), awaited);
        if (queued) {
            sent.insert(value);
            appends.emplace_back(std::move(*queued), value);
        }
    }

    /// A while of appending.
    void append_some(LogWorld& world, const int count) {
        for (int i = 0; i < count; ++i) {
            append(world, i % 3 == 0 ? Awaited::no : Awaited::yes);
            const std::uint64_t pause = world.machine.rng().below(1'500'000);
            world.machine.run_for(Nanos(static_cast<std::int64_t>(pause)));
        }
    }

    /// Every acknowledged record is at its offset, and nothing is there that was not sent.
    void check(const std::vector<std::string>& found) {
        std::erase_if(appends, [](const auto& append) {
            return !append.first->done.is_set() || append.first->error.has_value();
        });
        for (const auto& [append, value] : appends) {
            const auto at = static_cast<std::size_t>(append->base_offset.value);
            BOOST_REQUIRE(at < found.size());
            BOOST_REQUIRE(found[at] == value);
        }
        for (const std::string& value : found) {
            BOOST_REQUIRE(sent.count(value) == 1u);
        }
    }

    std::vector<std::pair<AppendPtr, std::string>> appends;
    std::set<std::string> sent;
};

}  // namespace

BOOST_AUTO_TEST_CASE(whatever_a_power_loss_leaves_no_acknowledged_record_is_lost) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            LogWorldOptions options = with_segments_of(700);
            options.machine.seed = seed;
            LogWorld world(options);
            History history;
            for (int life = 0; life < 3; ++life) {
                world.must_open();
                history.check(world.values());
                history.append_some(world, 12);
                if (world.machine.rng().chance(0.3)) {
                    world.kill();
                } else {
                    world.lose_power();
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(whichever_operation_fails_no_acknowledged_record_is_lost) {
    for (const int sys_errno : {EIO, ENOSPC}) {
        for (int failing = 0;; ++failing) {
            BOOST_TEST_CONTEXT("errno " << sys_errno << ", operation " << failing) {
                LogWorld world(with_segments_of(300));
                History history;
                int count = 0;
                world.must_open();
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ == failing ? sys_errno : sim::OpGate::passes;
                });
                history.append_some(world, 6);
                world.machine.run_for(3s);
                const bool was_reached = count > failing;
                for (const auto& [append, value] : history.appends) {
                    BOOST_REQUIRE(append->done.is_set());  // everybody is answered
                }
                if (!world.directory().has_failed()) {
                    history.check(world.values());
                }
                world.machine.judge_ops({});
                world.lose_power();
                if (world.machine.exists(log_dir + "/storage-failed")) {
                    world.machine.remove(log_dir + "/storage-failed");
                }
                world.must_open();
                history.check(world.values());
                if (!was_reached) {
                    break;
                }
            }
            if (failing > 500) {
                BOOST_FAIL("the operations do not end");
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
