#include "collector/storage/log.h"
#include "tests/unit/collector/storage/log_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

/// What the start of a directory finds when everything up to `synced_end` is known to be on disk.
DirectoryStart known_up_to(const std::int64_t synced_end) {
    DirectoryStart start;
    start.checkpoints[log_key].synced_end = Offset(synced_end);
    return start;
}

/// Writes a partition's directory as another program would.
void put_segment(LogWorld& world, const std::int64_t base_offset, const std::string& content) {
    static_cast<void>(world.machine.disk().make_dir(log_dir, 0750));
    static_cast<void>(world.machine.disk().make_dir(partition_dir, 0750));
    world.machine.set_content(segment_path(base_offset), content);
}

/// A batch of one record that ends in a byte that is no zero, so that each of its bytes is missed.
Buffer full_batch(const std::string& value) {
    record::RecordHeaders headers;
    headers.add("h", "v");
    record::BatchBuilder builder;
    builder.begin(headers);
    builder.append(1'700'000'000'000, as_bytes(value));
    Buffer out;
    static_cast<void>(builder.seal_without_cursor(out));
    return out;
}

/// The bytes of `values`, one such batch each, from an offset on.
std::string batches(
    const std::int64_t base_offset,
    const std::vector<std::string>& values,
    const std::int32_t epoch = 0
) {
    std::string bytes;
    std::int64_t next = base_offset;
    for (const std::string& value : values) {
        bytes += text_of(at_offset(full_batch(value), next++, epoch));
    }
    return bytes;
}

/// Bytes up to the last one that is no zero.
std::size_t data_bytes(const std::string& bytes) {
    const std::size_t last = bytes.find_last_not_of('\0');
    return last == std::string::npos ? 0 : last + 1;
}

/// A log of three closed segments and an open one, of which each closed one has its indexes. It is left
/// without state snapshots, so that all of it is read.
struct SegmentsWorld : LogWorld {
    static LogWorldOptions options() {
        LogWorldOptions made;
        made.segment_bytes = 300;
        return made;
    }

    /// The leader epoch grows, as at each start of the program: by two, so that an epoch between
    /// those of two batches would be in order.
    SegmentsWorld() : LogWorld(options()) {
        must_open();
        for (std::int32_t i = 0; i < 4; ++i) {
            must_append(batch_of_size(140), 4 * i);
            must_append(batch_of_size(160), 4 * i + 2);
        }
        BOOST_REQUIRE(log().segments_count() == 4u);
        machine.run_for(2s);  // the checkpoint
        kill();
        remove_snapshots();
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(log_recovery)

// --- What is only torn ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_torn_last_batch_is_cut_off_and_counted_at_each_possible_byte) {
    const std::string whole = batches(0, {"one", "two"});
    const std::string torn = batches(2, {"three"});
    for (const std::size_t zeros : {std::size_t{0}, std::size_t{1000}}) {
        for (std::size_t size = 0; size < torn.size(); ++size) {
            LogWorld world;
            const std::string left = torn.substr(0, size);
            put_segment(world, 0, whole + left + std::string(zeros, '\0'));
            BOOST_REQUIRE(world.open_as(known_up_to(2)).has_value());
            BOOST_REQUIRE(world.log().recovery().dropped_bytes == data_bytes(left));
            BOOST_REQUIRE(world.log().recovery().log_end.value == 2);
            BOOST_REQUIRE(world.machine.content(segment_path(0)) == whole);
            BOOST_REQUIRE(world.machine.has_logged("torn tail") == (data_bytes(left) != 0));
            world.must_append({"again"});
            const std::vector<std::string> expected{"one", "two", "again"};
            BOOST_REQUIRE(world.values() == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_last_batch_that_lost_any_of_its_sectors_is_cut_off) {
    const std::string whole = batches(0, {"one"});
    const std::string last = text_of(at_offset(full_batch(noise(1500)), 1));
    constexpr std::size_t piece_bytes = 512;
    for (std::size_t at = 0; at < last.size(); at += piece_bytes) {
        LogWorld world;
        std::string left = last;
        const std::size_t size = std::min(piece_bytes, last.size() - at);
        left.replace(at, size, size, '\0');
        put_segment(world, 0, whole + left + std::string(1000, '\0'));
        BOOST_REQUIRE(world.open_as(known_up_to(1)).has_value());
        BOOST_REQUIRE(world.log().end_offset().value == 1);
        BOOST_REQUIRE(world.log().recovery().dropped_bytes == data_bytes(left));
    }
}

BOOST_AUTO_TEST_CASE(what_follows_a_torn_batch_is_cut_off_with_it_although_it_looks_whole) {
    LogWorld world;
    const std::string whole = batches(0, {"one"});
    std::string torn = batches(1, {"two"});
    torn.back() = static_cast<char>(torn.back() ^ 1);
    const std::string behind = batches(2, {"three"});
    put_segment(world, 0, whole + torn + behind);
    BOOST_REQUIRE(world.open_as(known_up_to(1)).has_value());
    BOOST_TEST(world.log().end_offset().value == 1);
    BOOST_TEST(world.log().recovery().dropped_bytes == torn.size() + behind.size());
    BOOST_TEST(world.machine.content(segment_path(0)) == whole);
}

BOOST_AUTO_TEST_CASE(a_whole_batch_that_does_not_continue_the_log_ends_it) {
    const std::string whole = batches(0, {"one", "two"}, 5);
    for (const std::string& stray :
         {batches(3, {"a hole before it"}, 5),
          batches(1, {"an offset that was given out"}, 5),
          batches(2, {"an older leader"}, 4)}) {
        LogWorld world;
        put_segment(world, 0, whole + stray);
        BOOST_REQUIRE(world.open_as(known_up_to(2)).has_value());
        BOOST_TEST(world.log().end_offset().value == 2);
        BOOST_TEST(world.log().recovery().dropped_bytes == stray.size());
    }
}

BOOST_AUTO_TEST_CASE(zeros_behind_the_last_batch_are_room_and_no_damage) {
    LogWorld world;
    put_segment(world, 0, batches(0, {"one"}) + std::string(5000, '\0'));
    BOOST_REQUIRE(world.open_as(known_up_to(1)).has_value());
    BOOST_TEST(world.log().recovery().dropped_bytes == 0u);
    BOOST_TEST(!world.machine.has_logged("torn tail"));
    BOOST_TEST(world.machine.content(segment_path(0)) == batches(0, {"one"}));
}

BOOST_AUTO_TEST_CASE(a_segment_that_was_being_made_counts_for_nothing) {
    LogWorld world;
    put_segment(world, 0, batches(0, {"one"}));
    world.machine.set_content(segment_path(1) + ".tmp", batches(1, {"two"}));
    world.machine.set_content(partition_dir + "/notes.txt", "of the operator");
    BOOST_REQUIRE(world.open_as(known_up_to(1)).has_value());
    BOOST_TEST(world.log().end_offset().value == 1);
    BOOST_TEST(!world.machine.exists(segment_path(1) + ".tmp"));
    BOOST_TEST(world.machine.content(partition_dir + "/notes.txt") == "of the operator");
}

BOOST_AUTO_TEST_CASE(what_was_found_is_on_disk_before_it_is_served) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        options.segment_bytes = 300;
        LogWorld world(options);
        world.must_open();
        world.machine.judge_ops([](const io::Op& op) {
            return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
        });
        static_cast<void>(world.queue(plain_batch({"written, never synced"})));
        world.machine.run_for(10ms);
        world.machine.judge_ops({});
        world.kill();  // the machine and its page cache live on
        world.must_open();
        BOOST_REQUIRE(world.log().synced_end().value == 1);
        world.lose_power();
        world.must_open();
        BOOST_REQUIRE(world.values() == std::vector<std::string>{"written, never synced"});
    }
}

// A sync that has failed leaves what it should have written in the page cache, as if it were on disk.
BOOST_AUTO_TEST_CASE(what_a_failed_sync_left_in_memory_only_is_on_disk_before_it_is_served) {
    int kept = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        LogWorld world(options);
        world.must_open();
        world.machine.disk().options().faults.sync_error = 1;
        static_cast<void>(world.queue(plain_batch({noise(5000)})));
        world.machine.run_for(1s);
        world.machine.disk().options().faults.sync_error = 0;
        world.kill();
        world.machine.remove(log_dir + "/" + std::string(storage::failed_marker_name));
        world.must_open();
        const std::vector<std::string> served = world.values();
        kept += served.empty() ? 0 : 1;
        world.lose_power();
        world.must_open();
        BOOST_REQUIRE_MESSAGE(world.values() == served, "seed " << seed);
    }
    BOOST_TEST(kept >= 10);  // else nothing was tried
}

BOOST_AUTO_TEST_CASE(a_log_opens_on_a_file_system_that_has_no_room_to_write_its_end_once_more) {
    LogWorld world;
    world.must_open();
    world.must_append({"one"});
    world.kill();
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    world.must_open();
    BOOST_TEST(world.values() == std::vector<std::string>{"one"});
    BOOST_TEST(world.machine.has_logged("no room to write the end of a log once more"));
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_at_the_start_gives_the_directory_up) {
    LogWorld world;
    put_segment(world, 0, batches(0, {"one"}));
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fsync ? EIO : sim::OpGate::passes;
    });
    BOOST_TEST((world.open_as(known_up_to(0)).code() == ErrorCode::io));
    BOOST_TEST(world.directory().has_failed());
}

BOOST_AUTO_TEST_CASE(names_that_were_not_on_disk_when_the_program_was_killed_are_before_it_serves) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        options.segment_bytes = 300;
        LogWorld world(options);
        world.must_open();
        world.must_append(batch_of_size(250));
        // Killed between the rename of the second segment and the sync of its directory.
        bool is_named = false;
        world.machine.judge_ops([&is_named](const io::Op& op) {
            is_named = is_named || op.kind == io::OpKind::rename;
            return is_named && op.kind == io::OpKind::fsync ? sim::OpGate::held
                                                            : sim::OpGate::passes;
        });
        static_cast<void>(world.queue(batch_of_size(250)));
        world.machine.run_until([&] { return world.machine.held_ops() == 1; });
        BOOST_REQUIRE(world.machine.exists(segment_path(1)));
        world.machine.judge_ops({});
        world.kill();
        world.must_open();
        world.must_append({"acknowledged"});
        world.lose_power();
        world.must_open();
        BOOST_REQUIRE(world.log().end_offset().value == 2);
    }
}

BOOST_AUTO_TEST_CASE(the_directory_of_a_partition_is_durable_before_it_serves) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        options.segment_bytes = 300;
        LogWorld world(options);
        bool is_made = false;
        world.machine.judge_ops([&is_made](const io::Op& op) {
            is_made = is_made || (op.kind == io::OpKind::mkdir && op.path == partition_dir);
            return is_made && op.kind == io::OpKind::fsync ? sim::OpGate::held
                                                           : sim::OpGate::passes;
        });
        const storage::DirectoryStart start =
            *world.machine.run(storage::start_log_directory(world.machine.env(), log_dir));
        auto opened = world.begin_open(start);
        world.machine.run_until([&] { return world.machine.held_ops() == 1; });
        BOOST_REQUIRE(!opened.is_there());
        world.machine.judge_ops({});
        world.kill();
        world.must_open();
        world.must_append({"acknowledged"});
        world.lose_power();
        world.must_open();
        BOOST_REQUIRE(world.log().end_offset().value == 1);
    }
}

// --- What is damaged -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(damage_below_the_checkpoint_is_refused_with_its_place_and_nothing_is_changed) {
    const std::string first = batches(0, {"one"});
    const std::string second = batches(1, {"two"});
    for (std::size_t at = 0; at < second.size(); ++at) {
        LogWorld world;
        std::string damaged = second;
        damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ 0x80u);
        const std::string content = first + damaged + batches(2, {"three"});
        put_segment(world, 0, content);
        BOOST_REQUIRE((world.open_as(known_up_to(3)).code() == ErrorCode::corrupt));
        BOOST_REQUIRE(world.machine.has_logged("synced data of its log is damaged"));
        BOOST_REQUIRE(world.machine.has_logged(segment_path(0)));
        // An epoch that was raised is seen by the next batch's, which is lower.
        const bool raises_epoch = at > 12 && at < 16;
        const std::size_t place = first.size() + (raises_epoch ? second.size() : 0);
        BOOST_REQUIRE(world.machine.has_logged("position=" + std::to_string(place) + " "));
        BOOST_REQUIRE(world.machine.has_logged(raises_epoch ? "offset=2 " : "offset=1 "));
        BOOST_REQUIRE(world.machine.has_logged("checkpoint=3"));
        BOOST_REQUIRE(world.machine.content(segment_path(0)) == content);
    }
}

BOOST_AUTO_TEST_CASE(a_log_that_ends_below_its_checkpoint_is_refused) {
    LogWorld world;
    put_segment(world, 0, batches(0, {"one", "two"}) + std::string(500, '\0'));
    BOOST_TEST((world.open_as(known_up_to(3)).code() == ErrorCode::corrupt));
    BOOST_TEST(world.machine.has_logged("the log ends below its recovery checkpoint"));
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_in_any_closed_segment_is_refused_with_the_place) {
    SegmentsWorld world;
    for (const std::int64_t base : {0, 2, 4}) {
        const std::string file = "file=" + quoted(segment_path(base)) + " ";
        const std::size_t size = world.machine.content(segment_path(base)).size();
        for (std::size_t at = 0; at < size; ++at) {
            // Every byte of the heads, and all bits of the epoch in them, which nothing else
            // proves; of what a batch's own checksum covers some bytes.
            const std::size_t in_batch = at < 140 ? at : at - 140;
            if (in_batch > batch_head_bytes && in_batch % 4 != 0) {
                continue;
            }
            const bool is_epoch = in_batch >= 12 && in_batch < 16;
            const auto any_bit = static_cast<unsigned>(world.machine.rng().below(8));
            for (unsigned bit = is_epoch ? 0 : any_bit; bit <= (is_epoch ? 7 : any_bit); ++bit) {
                BOOST_TEST_CONTEXT("segment " << base << ", byte " << at << ", bit " << bit) {
                    world.machine.flip_bit(segment_path(base), at, bit);
                    BOOST_REQUIRE((world.open_as(known_up_to(8)).code() == ErrorCode::corrupt));
                    BOOST_REQUIRE(world.machine.has_logged("synced data of its log is damaged"));
                    BOOST_REQUIRE(world.machine.has_logged(file));
                    world.end();
                    world.machine.flip_bit(segment_path(base), at, bit);
                }
            }
        }
    }
    BOOST_TEST(world.open_as(known_up_to(8)).has_value());
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_batches_of_a_closed_segment_are_damage) {
    for (const std::string& extra :
         {std::string(1, '\0'), std::string(100, '\0'), batches(2, {"x"})}) {
        SegmentsWorld world;
        const std::string content = world.machine.content(segment_path(0)) + extra;
        world.machine.set_content(segment_path(0), content);
        BOOST_TEST((world.open_as(known_up_to(8)).code() == ErrorCode::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(a_missing_segment_is_damage_wherever_it_was) {
    for (const std::int64_t base : {0, 2, 4, 6}) {
        SegmentsWorld world;
        world.machine.remove(segment_path(base));
        BOOST_TEST((world.open().code() == ErrorCode::corrupt));
        BOOST_TEST(world.machine.has_logged("synced data of its log is damaged"));
    }
    SegmentsWorld all_gone;
    for (const std::int64_t base : {0, 2, 4, 6}) {
        all_gone.machine.remove(segment_path(base));
    }
    BOOST_TEST((all_gone.open().code() == ErrorCode::corrupt));
    BOOST_TEST(all_gone.machine.has_logged("all segments are missing"));
}

BOOST_AUTO_TEST_CASE(a_disk_that_cannot_be_read_is_an_error_and_no_damage) {
    SegmentsWorld world;
    const std::string content = world.machine.content(segment_path(6));
    world.machine.disk().options().faults.read_error = 1;
    BOOST_TEST((world.open_as(known_up_to(8)).code() == ErrorCode::io));
    BOOST_TEST(world.machine.content(segment_path(6)) == content);
}

// --- The mark of a clean stop --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_log_that_is_not_as_it_was_left_at_the_clean_stop_is_refused) {
    CleanLog clean;
    clean.key = log_key;
    clean.log_end = Offset(2);
    const std::string content = batches(0, {"one", "two"});
    clean.segment_bytes = content.size();
    const auto code_of = [&](const CleanLog& marked, const std::string& found) {
        LogWorld world;
        put_segment(world, 0, found);
        DirectoryStart start;
        start.clean[log_key] = marked;
        const Result<Ok> opened = world.open_as(std::move(start));
        BOOST_TEST((opened || world.machine.has_logged("not as it was left at the clean stop")));
        return opened ? ErrorCode{} : opened.code();
    };
    BOOST_TEST((code_of(clean, content) == ErrorCode{}));
    BOOST_TEST((code_of(clean, batches(0, {"one"})) == ErrorCode::corrupt));
    BOOST_TEST((code_of(clean, content + batches(2, {"more"})) == ErrorCode::corrupt));
    BOOST_TEST((code_of(clean, content + std::string(1, '\0')) == ErrorCode::corrupt));
    CleanLog other_end = clean;
    other_end.log_end = Offset(3);
    BOOST_TEST((code_of(other_end, content) == ErrorCode::corrupt));
    CleanLog other_segment = clean;
    other_segment.segment_base = Offset(1);
    BOOST_TEST((code_of(other_segment, content) == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(
    a_log_that_vanished_after_a_clean_stop_is_refused_and_an_empty_one_is_not_missed
) {
    DirectoryStart start;
    start.clean[log_key].key = log_key;
    start.clean[log_key].log_end = Offset(1);
    LogWorld vanished;
    static_cast<void>(vanished.machine.disk().make_dir(log_dir, 0750));
    BOOST_TEST((vanished.open_as(start).code() == ErrorCode::corrupt));
    start.clean[log_key].log_end = Offset(0);
    LogWorld empty;
    static_cast<void>(empty.machine.disk().make_dir(log_dir, 0750));
    BOOST_TEST(empty.open_as(start).has_value());
}

BOOST_AUTO_TEST_CASE(a_clean_stop_is_found_once_and_leaves_no_work) {
    SegmentsWorld world;
    world.must_open();
    BOOST_TEST(!world.log().recovery().was_clean);
    const CleanLog clean = world.close();
    BOOST_TEST(clean.log_end.value == 8);
    BOOST_TEST(clean.segment_base.value == 6);
    BOOST_TEST(clean.segment_bytes == 300u);
    world.must_open();
    BOOST_TEST(world.log().recovery().was_clean);
    BOOST_TEST(world.log().recovery().indexes_rebuilt == 0u);
    BOOST_TEST(world.log().recovery().segments_count == 4u);
    world.kill();
    world.must_open();
    BOOST_TEST(!world.log().recovery().was_clean);
    BOOST_TEST(world.log().end_offset().value == 8);
}

// --- Indexes -------------------------------------------------------------------------------------

namespace {

/// A closed segment of several index entries, and an open one.
struct IndexedWorld : LogWorld {
    static LogWorldOptions options() {
        LogWorldOptions made;
        made.segment_bytes = 20'000;
        made.tail_cache_bytes = 0;
        return made;
    }

    IndexedWorld() : LogWorld(options()) {
        must_open();
        for (std::int64_t i = 0; log().segments_count() == 1; ++i) {
            must_append(
                batch_at(1'700'000'000'000 + i, {noise(1000, static_cast<std::uint64_t>(i))})
            );
        }
        offsets = machine.content(segment_path(0, offset_index_suffix));
        times = machine.content(segment_path(0, time_index_suffix));
        kill();
        remove_snapshots();
    }

    void check_rebuilt() {
        must_open();
        BOOST_TEST(log().recovery().indexes_rebuilt == 1u);
        BOOST_TEST((machine.content(segment_path(0, offset_index_suffix)) == offsets));
        BOOST_TEST((machine.content(segment_path(0, time_index_suffix)) == times));
        kill();
        remove_snapshots();
        must_open();
        BOOST_TEST(log().recovery().indexes_rebuilt == 0u);
    }

    std::string offsets;
    std::string times;
};

}  // namespace

BOOST_AUTO_TEST_CASE(index_files_that_are_lost_are_made_anew_with_the_same_bytes) {
    IndexedWorld no_offsets;
    no_offsets.machine.remove(segment_path(0, offset_index_suffix));
    no_offsets.check_rebuilt();
    IndexedWorld no_times;
    no_times.machine.remove(segment_path(0, time_index_suffix));
    no_times.check_rebuilt();
}

BOOST_AUTO_TEST_CASE(index_files_that_are_damaged_are_made_anew_with_the_same_bytes) {
    IndexedWorld world;
    const auto check_with = [&world](const std::string_view suffix, const std::string& content) {
        world.machine.set_content(segment_path(0, suffix), content);
        world.check_rebuilt();
        world.kill();
    };
    std::string flipped = world.offsets;
    flipped[15] = static_cast<char>(flipped[15] ^ 1);
    check_with(offset_index_suffix, flipped);
    check_with(offset_index_suffix, world.offsets.substr(0, world.offsets.size() - 3));
    check_with(offset_index_suffix, world.offsets.substr(0, world.offsets.size() - 16));
    check_with(offset_index_suffix, std::string(world.offsets.size(), '\0'));
    check_with(offset_index_suffix, "");
    std::string other_time = world.times;
    other_time[7] = static_cast<char>(other_time[7] ^ 1);
    check_with(time_index_suffix, other_time);
    check_with(time_index_suffix, world.times.substr(0, world.times.size() - 5));
    check_with(time_index_suffix, world.times.substr(0, world.times.size() - 12));
    check_with(time_index_suffix, std::string(world.times.size(), '\0'));
    check_with(time_index_suffix, "");
}

BOOST_AUTO_TEST_CASE(an_intact_index_that_contradicts_the_log_means_that_the_log_is_damaged) {
    IndexedWorld world;
    // The epoch of a batch was raised: no checksum of its own covers it, its order allows it.
    const std::string good = world.machine.content(segment_path(0));
    std::string raised;
    for (ByteView rest = as_bytes(good); !rest.empty();) {
        const Result<record::BatchView> batch = record::BatchView::parse(rest);
        Buffer bytes = copy_of(batch->bytes());
        record::patch_base_offset(
            bytes.mutable_view(), batch->header().base_offset, LeaderEpoch(0)
        );
        if (batch->header().base_offset >= Offset(3)) {
            record::patch_base_offset(
                bytes.mutable_view(), batch->header().base_offset, LeaderEpoch(1)
            );
        }
        raised += text_of(bytes);
        rest = rest.subspan(batch->size());
    }
    world.machine.set_content(segment_path(0), raised);
    BOOST_TEST((world.open().code() == ErrorCode::corrupt));
    BOOST_TEST(
        world.machine.has_logged("an intact index entry contradicts the log behind this place")
    );
    BOOST_TEST(world.machine.has_logged(segment_path(0)));
}

BOOST_AUTO_TEST_CASE(an_index_of_another_version_is_refused_and_both_versions_are_named) {
    IndexedWorld world;
    std::string other = world.offsets;
    other[4] = 2;
    world.machine.set_content(segment_path(0, offset_index_suffix), other);
    BOOST_TEST((world.open().code() == ErrorCode::unsupported));
    BOOST_TEST(world.machine.has_logged(segment_path(0, offset_index_suffix)));
    BOOST_TEST(world.machine.has_logged("version=2"));
    BOOST_TEST(world.machine.has_logged("supported=1"));
    BOOST_TEST((world.machine.content(segment_path(0, offset_index_suffix)) == other));
}

BOOST_AUTO_TEST_CASE(an_index_that_cannot_be_written_is_told_and_missed_by_nobody) {
    IndexedWorld world;
    world.machine.remove(segment_path(0, offset_index_suffix));
    world.machine.judge_ops([](const io::Op& op) {
        const bool makes_file = op.kind == io::OpKind::open && (op.flags & O_CREAT) != 0;
        return makes_file ? EMFILE : sim::OpGate::passes;
    });
    world.must_open();
    BOOST_TEST(world.machine.has_logged("an index could not be written"));
    const auto last = static_cast<std::size_t>(world.log().end_offset().value - 1);
    BOOST_TEST(world.values().size() == last + 1);  // read from the disk, without the index
}

// --- Any operation of the start fails ------------------------------------------------------------

BOOST_AUTO_TEST_CASE(whichever_operation_of_the_start_fails_the_next_start_finds_everything) {
    for (const int sys_errno : {EIO, ENOSPC}) {
        SegmentsWorld world;
        // A torn tail, so that there is something to cut.
        const std::string content = world.machine.content(segment_path(6));
        world.machine.set_content(segment_path(6), content + "torn");
        bool was_reached = true;
        for (int failing = 0; was_reached; ++failing) {
            BOOST_TEST_CONTEXT("errno " << sys_errno << ", operation " << failing) {
                int count = 0;
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ == failing ? sys_errno : sim::OpGate::passes;
                });
                const Result<Ok> opened = world.open();
                if (opened) {
                    BOOST_REQUIRE(world.log().end_offset().value == 8);
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
                BOOST_REQUIRE(world.log().end_offset().value == 8);
                world.kill();
                world.machine.set_content(segment_path(6), content + "torn");
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
