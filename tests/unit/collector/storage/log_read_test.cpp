#include "collector/storage/log.h"
#include "tests/unit/collector/storage/log_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

constexpr std::int64_t start_ms = 1'700'000'000'000;

LogWorldOptions read_from_disk(const std::uint64_t segment_bytes = limits::segment_bytes_default) {
    LogWorldOptions options;
    options.segment_bytes = segment_bytes;
    options.tail_cache_bytes = 0;
    return options;
}

std::vector<std::int64_t> base_offsets(const Result<std::vector<Slice>>& read) {
    std::vector<std::int64_t> bases;
    BOOST_REQUIRE(read.has_value());
    for (const Slice& batch : *read) {
        bases.push_back(record::decode_batch_header(batch.view()).base_offset.value);
    }
    return bases;
}

using Offsets = std::vector<std::int64_t>;

std::optional<FoundRecord> find(
    LogWorld& world, const std::int64_t timestamp_ms, const Offset end
) {
    const Result<std::optional<FoundRecord>> found =
        world.machine.run(world.log().find_by_time(timestamp_ms, end));
    BOOST_REQUIRE(found.has_value());
    return *found;
}

/// Five batches of two records and 300 bytes or more each.
void append_five(LogWorld& world) {
    world.must_open();
    for (std::int64_t i = 0; i < 5; ++i) {
        world.must_append(batch_at(start_ms + i, {std::string(100, 'a'), std::string(200, 'b')}));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_read)

BOOST_AUTO_TEST_CASE(an_offset_outside_the_log_is_out_of_range) {
    LogWorld world;
    append_five(world);
    BOOST_TEST((world.read(-1).code() == ErrorCode::out_of_range));
    BOOST_TEST((world.read(11).code() == ErrorCode::out_of_range));
    BOOST_TEST(world.read(10)->empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_returned_of_a_damaged_range_and_the_place_is_told) {
    LogWorld world(read_from_disk());
    append_five(world);
    const std::size_t batch_bytes = world.read(0, 1)->front().size();
    world.machine.flip_bit(segment_path(0), 2 * batch_bytes + 100, 3);
    BOOST_TEST((base_offsets(world.read(0)) == Offsets{0, 2}));
    BOOST_TEST((world.read(4).code() == ErrorCode::corrupt));
    BOOST_TEST((world.read(5).code() == ErrorCode::corrupt));
    BOOST_TEST(world.machine.has_logged("a batch of a log cannot be read"));
    BOOST_TEST(world.machine.has_logged("file=" + quoted(segment_path(0))));
    BOOST_TEST(world.machine.has_logged("position=" + std::to_string(2 * batch_bytes)));
    const Result<std::optional<FoundRecord>> found =
        world.machine.run(world.log().find_by_time(start_ms + 2, Offset(10)));
    BOOST_TEST((found.code() == ErrorCode::corrupt));
    BOOST_TEST(!world.directory().has_failed());
}

BOOST_AUTO_TEST_CASE(batches_that_are_not_the_ones_of_their_offsets_are_not_returned) {
    LogWorld world(read_from_disk());
    append_five(world);
    world.machine.flip_bit(segment_path(0), 7, 4);  // the first base offset: no checksum covers it
    BOOST_TEST((world.read(0).code() == ErrorCode::corrupt));
    BOOST_TEST((world.read(1).code() == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(a_read_error_is_told_and_passes) {
    LogWorld world(read_from_disk());
    append_five(world);
    world.machine.disk().options().faults.read_error = 1;
    BOOST_TEST((world.read(0).code() == ErrorCode::io));
    world.machine.disk().options().faults.read_error = 0;
    BOOST_TEST((base_offsets(world.read(0)) == Offsets{0, 2, 4, 6, 8}));
}

BOOST_AUTO_TEST_CASE(whole_batches_are_returned_from_the_one_that_holds_the_offset_on) {
    for (const std::uint64_t tail_cache_bytes :
         {std::uint64_t{0}, limits::tail_cache_bytes_default}) {
        LogWorldOptions options;
        options.tail_cache_bytes = tail_cache_bytes;
        LogWorld world(options);
        append_five(world);
        BOOST_TEST((base_offsets(world.read(0)) == Offsets{0, 2, 4, 6, 8}));
        BOOST_TEST((base_offsets(world.read(5)) == Offsets{4, 6, 8}));
        BOOST_TEST((base_offsets(world.read(9)) == Offsets{8}));
    }
}

BOOST_AUTO_TEST_CASE(one_batch_is_returned_whatever_its_size_and_then_no_more_than_asked_for) {
    for (const std::uint64_t tail_cache_bytes :
         {std::uint64_t{0}, limits::tail_cache_bytes_default}) {
        LogWorldOptions options;
        options.tail_cache_bytes = tail_cache_bytes;
        LogWorld world(options);
        append_five(world);
        const std::uint32_t batch_bytes = world.read(0, 1)->front().size();
        BOOST_TEST((base_offsets(world.read(0, 0)) == Offsets{0}));
        BOOST_TEST((base_offsets(world.read(0, 2 * batch_bytes - 1)) == Offsets{0}));
        BOOST_TEST((base_offsets(world.read(0, 2 * batch_bytes)) == Offsets{0, 2}));
    }
}

BOOST_AUTO_TEST_CASE(nothing_beyond_the_end_that_was_given_is_returned) {
    for (const std::uint64_t tail_cache_bytes :
         {std::uint64_t{0}, limits::tail_cache_bytes_default}) {
        LogWorldOptions options;
        options.tail_cache_bytes = tail_cache_bytes;
        LogWorld world(options);
        append_five(world);
        const auto read_to = [&world](const std::int64_t from, const std::int64_t end) {
            return base_offsets(
                world.machine.run(world.log().read(Offset(from), 1u << 20, Offset(end)))
            );
        };
        BOOST_TEST((read_to(0, 4) == Offsets{0, 2}));
        BOOST_TEST((read_to(4, 4) == Offsets{}));
        BOOST_TEST((read_to(6, 4) == Offsets{}));
    }
}

BOOST_AUTO_TEST_CASE(the_same_bytes_come_from_the_cache_and_from_the_disk) {
    LogWorld cached;
    append_five(cached);
    int reads = 0;
    cached.machine.judge_ops([&reads](const io::Op& op) {
        reads += op.kind == io::OpKind::read ? 1 : 0;
        return sim::OpGate::passes;
    });
    const Result<std::vector<Slice>> from_cache = cached.read(0);
    BOOST_TEST(reads == 0);
    LogWorld uncached(read_from_disk());
    append_five(uncached);
    const Result<std::vector<Slice>> from_disk = uncached.read(0);
    BOOST_REQUIRE(from_cache->size() == from_disk->size());
    for (std::size_t i = 0; i < from_disk->size(); ++i) {
        BOOST_TEST(as_text((*from_cache)[i].view()) == as_text((*from_disk)[i].view()));
    }
}

BOOST_AUTO_TEST_CASE(who_reads_on_does_not_ask_the_index_again) {
    LogWorld world(read_from_disk(20'000));
    world.must_open();
    for (std::uint64_t i = 0; world.log().segments_count() == 1; ++i) {
        world.must_append(plain_batch({noise(1000, i)}));
    }
    int index_reads = 0;
    world.machine.judge_ops([&index_reads](const io::Op& op) {
        const bool is_index = op.kind == io::OpKind::open
                           && std::string_view(op.path).ends_with(offset_index_suffix);
        index_reads += is_index ? 1 : 0;
        return sim::OpGate::passes;
    });
    BOOST_TEST(world.values().size() == static_cast<std::size_t>(world.log().end_offset().value));
    BOOST_TEST(index_reads == 1);
}

BOOST_AUTO_TEST_CASE(many_closed_segments_are_read_with_few_open_files) {
    LogWorldOptions options = read_from_disk(300);
    options.machine.seed = 7;
    LogWorld world(options);
    world.machine.backend_options().descriptors_max = 3 + 2 + limits::closed_segment_files_max + 4;
    world.kill();
    world.must_open();
    constexpr std::size_t segment_count = 30;
    for (std::size_t i = 0; i < segment_count; ++i) {
        world.must_append(batch_of_size(250));
    }
    for (int round = 0; round < 3; ++round) {
        BOOST_TEST(world.values().size() == segment_count);
    }
}

BOOST_AUTO_TEST_CASE(a_small_read_does_not_keep_a_large_block) {
    LogWorld world(read_from_disk());
    world.must_open();
    for (std::uint64_t i = 0; i < 300; ++i) {
        world.must_append(plain_batch({noise(1000, i)}));
    }
    const std::uint64_t before = world.machine.env().pool.bytes_in_use();
    std::vector<Slice> held;
    for (std::int64_t i = 0; i < 100; ++i) {
        held.push_back(world.read(i, 1)->front());
    }
    const std::uint64_t kept = world.machine.env().pool.bytes_in_use() - before;
    BOOST_TEST(kept <= 100 * (16u << 10));  // and not 100 blocks of 256 KiB
}

// --- By time -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_time_after_the_last_record_and_an_empty_log_find_nothing) {
    LogWorld world;
    world.must_open();
    BOOST_TEST(!find(world, 0, Offset(0)).has_value());
    BOOST_TEST(world.log().largest_timestamp().timestamp_ms == -1);
    world.must_append(batch_at(start_ms, {"one"}));
    BOOST_TEST(!find(world, start_ms + 1, Offset(1)).has_value());
}

BOOST_AUTO_TEST_CASE(a_record_that_is_not_below_the_end_is_not_found) {
    LogWorld world;
    append_five(world);
    BOOST_TEST(find(world, start_ms + 2, Offset(6))->offset.value == 4);
    BOOST_TEST(!find(world, start_ms + 2, Offset(4)).has_value());
    BOOST_TEST(!find(world, start_ms + 2, Offset(5)).has_value());
}

BOOST_AUTO_TEST_CASE(the_first_record_of_that_time_or_a_later_one_is_found_inside_its_batch) {
    LogWorld world;
    world.must_open();
    record::BatchBuilder builder;
    builder.begin(record::RecordHeaders());
    for (const std::int64_t time : {5, 3, 9, 7}) {
        builder.append(start_ms + time, as_bytes("x"));
    }
    Buffer batch;
    static_cast<void>(builder.seal_without_cursor(batch));
    world.must_append(batch);
    const auto offset_of = [&world](const std::int64_t time) {
        const std::optional<FoundRecord> found = find(world, start_ms + time, Offset(4));
        return std::pair(found->offset.value, found->timestamp_ms - start_ms);
    };
    BOOST_TEST((offset_of(4) == std::pair<std::int64_t, std::int64_t>(0, 5)));
    BOOST_TEST((offset_of(5) == std::pair<std::int64_t, std::int64_t>(0, 5)));
    BOOST_TEST((offset_of(6) == std::pair<std::int64_t, std::int64_t>(2, 9)));
    BOOST_TEST((offset_of(9) == std::pair<std::int64_t, std::int64_t>(2, 9)));
}

BOOST_AUTO_TEST_CASE(with_append_time_a_batch_has_one_time) {
    LogWorld world;
    world.must_open();
    Buffer batch = batch_at(start_ms, {"one", "two"});
    record::patch_append_time(batch.mutable_view(), start_ms + 100);
    world.must_append(batch);
    BOOST_TEST(find(world, start_ms + 50, Offset(2))->offset.value == 0);
    BOOST_TEST(find(world, start_ms + 50, Offset(2))->timestamp_ms == start_ms + 100);
}

BOOST_AUTO_TEST_CASE(a_batch_whose_records_do_not_decode_is_found_as_a_whole) {
    LogWorld world;
    world.must_open();
    Buffer batch = batch_at(start_ms, {"one", "two"});
    for (std::byte& byte : batch.mutable_view().subspan(limits::batch_header_bytes)) {
        byte = std::byte{0xff};
    }
    renew_crc(batch);
    world.must_append(batch);
    BOOST_TEST(find(world, start_ms, Offset(2))->offset.value == 0);
}

BOOST_AUTO_TEST_CASE(the_largest_timestamp_is_known_over_all_segments_and_after_a_restart) {
    LogWorld world(read_from_disk(300));
    world.must_open();
    for (const std::int64_t time : {1, 9, 3, 9, 2}) {
        world.must_append(batch_at(start_ms + time, {std::string(150, 'x')}));
    }
    const auto check = [&world] {
        BOOST_TEST(world.log().largest_timestamp().timestamp_ms == start_ms + 9);
        BOOST_TEST(world.log().largest_timestamp().base_offset.value == 1);
    };
    check();
    world.kill();
    world.must_open();
    check();
}

BOOST_AUTO_TEST_SUITE_END()
