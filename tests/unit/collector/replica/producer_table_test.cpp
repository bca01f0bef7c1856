#include "collector/replica/producer_table.h"

#include "shared/base/rng.h"
#include "shared/codec/crc_frame.h"
#include "tests/unit/collector/replica/producer_header.h"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Verdict = ProducerTable::Verdict;

constexpr std::int32_t sequence_max = std::numeric_limits<std::int32_t>::max();

/// A table, and the log whose batches it knows.
struct TableWorld {
    explicit TableWorld(const ProducerTableOptions& options = ProducerTableOptions())
        : table(options) {}

    [[nodiscard]] ProducerTable::Judgement judge(const record::BatchHeader& header) const {
        return table.judge(header, now_ms);
    }
    [[nodiscard]] Verdict verdict_on(const record::BatchHeader& header) const {
        return judge(header).verdict;
    }
    /// Judges the batch and appends it if it is good.
    Verdict append(record::BatchHeader header) {
        const Verdict verdict = verdict_on(header);
        if (verdict == Verdict::append) {
            header.base_offset = end;
            end = header.end_offset();
            table.advance(header, now_ms);
        }
        return verdict;
    }
    void must_append(const record::BatchHeader& header) {
        BOOST_REQUIRE((append(header) == Verdict::append));
    }
    [[nodiscard]] std::string encoded() const {
        Buffer out;
        table.encode(out);
        return std::string(as_text(out.view()));
    }
    [[nodiscard]] ProducerTable again() const {
        Result<ProducerTable> decoded = ProducerTable::decode(as_bytes(encoded()));
        BOOST_REQUIRE(decoded.has_value());
        return std::move(*decoded);
    }

    ProducerTable table;
    Offset end{0};
    std::int64_t now_ms = 1'700'000'000'000;
};

ErrorCode code_of(const std::string& bytes) {
    return ProducerTable::decode(as_bytes(bytes)).code();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(producer_table)

// --- What is refused -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_batch_that_leaves_a_gap_is_out_of_order_and_changes_nothing) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    BOOST_TEST((world.append(header_of(7, 0, 11, 1)) == Verdict::out_of_order));
    BOOST_TEST((world.append(header_of(7, 0, 9, 1)) == Verdict::out_of_order));
    BOOST_TEST((world.append(header_of(7, 0, 10, 1)) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(a_batch_cut_otherwise_than_the_one_that_is_known_is_out_of_order) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 0, 9)) == Verdict::out_of_order));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 1, 9)) == Verdict::out_of_order));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 0, 11)) == Verdict::out_of_order));
}

BOOST_AUTO_TEST_CASE(an_older_epoch_is_fenced_even_with_the_numbers_of_a_known_batch) {
    TableWorld world;
    world.must_append(header_of(7, 3, 0, 10));
    BOOST_TEST((world.append(header_of(7, 2, 0, 10)) == Verdict::fenced));
    BOOST_TEST((world.append(header_of(7, 2, 10, 1)) == Verdict::fenced));
    BOOST_TEST((world.append(header_of(7, 3, 10, 1)) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(a_newer_epoch_begins_with_0_and_forgets_the_batches_of_the_older_one) {
    TableWorld world;
    world.must_append(header_of(7, 3, 0, 10));
    BOOST_TEST((world.append(header_of(7, 4, 10, 1)) == Verdict::out_of_order));
    BOOST_TEST((world.append(header_of(7, 4, 0, 10)) == Verdict::append));
    const auto again = world.judge(header_of(7, 4, 0, 10));
    BOOST_TEST((again.verdict == Verdict::duplicate));
    BOOST_TEST((again.original.base_offset == Offset(10)));
    BOOST_TEST((world.append(header_of(7, 3, 10, 1)) == Verdict::fenced));
}

// --- Duplicates ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_of_the_last_five_batches_is_known_with_its_offsets_and_no_older_one) {
    TableWorld world;
    for (std::int32_t i = 0; i < 7; ++i) {
        world.must_append(header_of(7, 0, 10 * i, 10));
    }
    for (std::int32_t i = 0; i < 2; ++i) {
        BOOST_TEST((world.verdict_on(header_of(7, 0, 10 * i, 10)) == Verdict::out_of_order));
    }
    for (std::int32_t i = 2; i < 7; ++i) {
        const auto judgement = world.judge(header_of(7, 0, 10 * i, 10));
        BOOST_TEST((judgement.verdict == Verdict::duplicate));
        BOOST_TEST((judgement.original.base_offset == Offset(10 * i)));
        BOOST_TEST((judgement.original.last_offset() == Offset(10 * i + 9)));
    }
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_known_by_the_time_at_which_it_was_appended) {
    TableWorld world;
    record::BatchHeader header = header_of(7, 0, 0, 1);
    header.attributes = record::attribute_log_append_time;
    header.max_timestamp_ms = 4711;
    world.must_append(header);
    BOOST_TEST(world.judge(header_of(7, 0, 0, 1)).original.log_append_time_ms == 4711);
    world.must_append(header_of(7, 0, 1, 1));
    BOOST_TEST(world.judge(header_of(7, 0, 1, 1)).original.log_append_time_ms == -1);
}

BOOST_AUTO_TEST_CASE(producers_do_not_disturb_each_other) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    world.must_append(header_of(8, 5, 0, 10));
    world.must_append(header_of(7, 0, 10, 10));
    BOOST_TEST((world.judge(header_of(8, 5, 0, 10)).original.base_offset == Offset(10)));
    BOOST_TEST((world.judge(header_of(7, 0, 10, 10)).original.base_offset == Offset(20)));
}

BOOST_AUTO_TEST_CASE(sequence_numbers_go_on_with_0_behind_the_largest) {
    TableWorld world;
    world.must_append(header_of(7, 0, sequence_max - 2, 3));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 1, 1)) == Verdict::out_of_order));
    world.must_append(header_of(7, 0, 0, 1));
    TableWorld inside;
    inside.must_append(header_of(7, 0, sequence_max - 1, 5));  // ..., 0, 1, 2
    const auto again = inside.judge(header_of(7, 0, sequence_max - 1, 5));
    BOOST_TEST((again.verdict == Verdict::duplicate));
    BOOST_TEST((again.original.last_offset() == Offset(4)));
    inside.must_append(header_of(7, 0, 3, 1));
}

// --- Producers that are not known ----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_unknown_producer_may_begin_with_any_number) {
    TableWorld world;
    world.must_append(header_of(7, 3, 4711, 10));
    BOOST_TEST((world.append(header_of(7, 3, 0, 1)) == Verdict::out_of_order));
    world.must_append(header_of(7, 3, 4721, 1));
}

BOOST_AUTO_TEST_CASE(a_producer_that_was_silent_for_too_long_is_unknown_and_takes_no_room) {
    ProducerTableOptions options;
    options.expiration_ms = 1000;
    TableWorld world(options);
    world.must_append(header_of(7, 3, 0, 10));
    world.must_append(header_of(8, 0, 0, 10));
    world.now_ms += 999;
    BOOST_TEST((world.verdict_on(header_of(7, 3, 0, 10)) == Verdict::duplicate));
    world.must_append(header_of(8, 0, 10, 10));
    world.now_ms += 1;
    BOOST_TEST((world.verdict_on(header_of(7, 0, 5, 10)) == Verdict::append));
    BOOST_TEST((world.verdict_on(header_of(8, 0, 10, 10)) == Verdict::duplicate));
    world.must_append(header_of(9, 0, 0, 1));
    BOOST_TEST(world.table.size() == 2u);
    BOOST_TEST(world.table.find(ProducerId(7)) == nullptr);
}

BOOST_AUTO_TEST_CASE(above_the_bound_the_longest_silent_producer_is_forgotten) {
    ProducerTableOptions options;
    options.producers_max = 3;
    TableWorld world(options);
    for (const std::int64_t id : {1, 2, 3}) {
        world.must_append(header_of(id, 0, 0, 1));
    }
    world.must_append(header_of(1, 0, 1, 1));
    world.must_append(header_of(4, 0, 0, 1));
    BOOST_TEST(world.table.size() == 3u);
    BOOST_TEST(world.table.find(ProducerId(2)) == nullptr);
    BOOST_TEST((world.verdict_on(header_of(1, 0, 1, 1)) == Verdict::duplicate));
}

// --- Batches that are dropped or refused ---------------------------------------------------------

BOOST_AUTO_TEST_CASE(dropped_batches_are_expected_again_in_their_order) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    world.table.settle(Offset(10));
    world.must_append(header_of(7, 0, 10, 10));
    world.must_append(header_of(7, 0, 20, 10));
    world.table.roll_back(Offset(10));
    world.end = Offset(10);
    BOOST_TEST((world.append(header_of(7, 0, 30, 10)) == Verdict::out_of_order));
    BOOST_TEST((world.append(header_of(7, 0, 20, 10)) == Verdict::out_of_order));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 0, 10)) == Verdict::duplicate));
    world.must_append(header_of(7, 0, 10, 10));
    world.must_append(header_of(7, 0, 20, 10));
}

BOOST_AUTO_TEST_CASE(what_is_written_does_not_go_back) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    world.must_append(header_of(7, 0, 10, 10));
    world.table.settle(Offset(10));
    world.table.roll_back(Offset(0));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 0, 10)) == Verdict::duplicate));
    BOOST_TEST((world.verdict_on(header_of(7, 0, 10, 10)) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(a_new_producer_whose_first_batch_was_dropped_begins_with_that_one) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    world.table.roll_back(Offset(0));
    world.end = Offset(0);
    BOOST_TEST((world.append(header_of(7, 0, 10, 10)) == Verdict::out_of_order));
    BOOST_TEST((world.append(header_of(7, 0, 0, 10)) == Verdict::append));
    BOOST_TEST((world.append(header_of(7, 0, 10, 10)) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(a_new_producer_whose_first_batch_was_refused_begins_with_that_one) {
    TableWorld world;
    world.table.expect(header_of(7, 0, 5, 10), world.now_ms);
    BOOST_TEST((world.append(header_of(7, 0, 15, 10)) == Verdict::out_of_order));
    world.must_append(header_of(7, 0, 5, 10));
    // Of a producer that is known nothing changes.
    world.table.expect(header_of(7, 0, 99, 10), world.now_ms);
    world.must_append(header_of(7, 0, 15, 10));
}

BOOST_AUTO_TEST_CASE(a_dropped_first_batch_of_an_epoch_leaves_the_epoch_before) {
    TableWorld world;
    world.must_append(header_of(7, 3, 0, 10));
    world.table.settle(Offset(10));
    world.must_append(header_of(7, 4, 0, 10));
    world.table.roll_back(Offset(10));
    world.end = Offset(10);
    BOOST_TEST((world.append(header_of(7, 4, 10, 10)) == Verdict::out_of_order));
    BOOST_TEST((world.verdict_on(header_of(7, 3, 0, 10)) == Verdict::duplicate));
    world.must_append(header_of(7, 4, 0, 10));
}

// --- Its bytes -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_no_table_has_made_is_refused) {
    TableWorld world;
    for (std::int64_t id = 1; id < 4; ++id) {
        world.must_append(header_of(id, 2, 0, 5));
    }
    world.table.settle(world.end);
    const std::string good = world.encoded();
    BOOST_TEST((code_of("") == ErrorCode::malformed));
    BOOST_TEST((code_of("noise that is no table") == ErrorCode::malformed));
    std::string other_version = good;
    other_version[codec::framed_file_version_at] = 9;
    BOOST_TEST((code_of(other_version) == ErrorCode::unsupported));
    for (std::size_t size = 8; size < good.size(); ++size) {
        BOOST_REQUIRE((code_of(good.substr(0, size)) == ErrorCode::corrupt));
    }
    for (std::size_t at = 8; at < good.size(); ++at) {
        std::string flipped = good;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        BOOST_REQUIRE((code_of(flipped) == ErrorCode::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(values_without_a_meaning_are_corrupt_behind_a_good_checksum) {
    // Fields of a Producer: id 1, epoch 2, batch 4 with first and last sequence 1 and 2, base offset 3.
    const auto table_with = [](const std::string& producer) {
        std::string payload = "\x0a" + std::string(1, static_cast<char>(producer.size()))
                            + producer;
        payload += std::string("\x10\x01", 2);
        Buffer out;
        codec::append_framed_file("LBPT", 1, as_bytes(payload), out);
        return std::string(as_text(out.view()));
    };
    const std::string batch("\x22\x02\x18\x05", 4);
    const std::string id("\x08\x07", 2);
    BOOST_TEST(ProducerTable::decode(as_bytes(table_with(id + batch))).has_value());
    BOOST_TEST((code_of(table_with(id)) == ErrorCode::corrupt));                  // no batch
    BOOST_TEST((code_of(table_with(id + batch + batch)) == ErrorCode::corrupt));  // at one offset
    const std::string minus_one("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    BOOST_TEST((code_of(table_with("\x08" + minus_one + batch)) == ErrorCode::corrupt));
    BOOST_TEST((code_of(table_with(id + "\x10" + minus_one + batch)) == ErrorCode::corrupt));
    const std::string large_epoch("\x10\x80\x80\x02", 4);  // 32768
    BOOST_TEST((code_of(table_with(id + large_epoch + batch)) == ErrorCode::corrupt));
    const std::string no_sequence = std::string("\x22\x0d\x08", 3) + minus_one
                                  + std::string("\x18\x05", 2);
    BOOST_TEST((code_of(table_with(id + no_sequence)) == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(changed_bytes_never_crash_the_decoder) {
    TableWorld world;
    for (std::int64_t id = 1; id < 20; ++id) {
        world.must_append(header_of(id, 2, 0, 5));
    }
    Rng rng(1);
    const std::string good = world.encoded();
    for (int round = 0; round < 5000; ++round) {
        std::string payload = good.substr(16);
        for (std::uint64_t n = 1 + rng.below(4); n != 0 && !payload.empty(); --n) {
            payload[rng.below(payload.size())] = static_cast<char>(rng.next());
        }
        Buffer out;
        codec::append_framed_file("LBPT", 1, as_bytes(payload), out);
        static_cast<void>(ProducerTable::decode(out.view()));
    }
}

BOOST_AUTO_TEST_CASE(a_table_comes_back_as_it_was_written) {
    TableWorld world;
    for (std::int32_t i = 0; i < 8; ++i) {
        world.must_append(header_of(7, 2, 10 * i, 10));
    }
    record::BatchHeader stamped = header_of(8, 0, sequence_max, 3);
    stamped.attributes = record::attribute_log_append_time;
    stamped.max_timestamp_ms = 12;
    world.must_append(stamped);
    world.table.settle(world.end);
    const ProducerTable again = world.again();
    BOOST_REQUIRE(again.size() == 2u);
    for (const std::int64_t id : {7, 8}) {
        BOOST_TEST((*again.find(ProducerId(id)) == *world.table.find(ProducerId(id))));
    }
}

BOOST_AUTO_TEST_CASE(what_is_queued_and_not_written_is_no_part_of_a_snapshot) {
    TableWorld world;
    world.must_append(header_of(7, 0, 0, 10));
    world.table.settle(Offset(10));
    world.must_append(header_of(7, 0, 10, 10));
    world.must_append(header_of(7, 1, 0, 10));
    world.must_append(header_of(8, 0, 0, 10));
    const ProducerTable again = world.again();
    BOOST_TEST(again.size() == 1u);
    BOOST_TEST((again.judge(header_of(7, 0, 0, 10), world.now_ms).verdict == Verdict::duplicate));
    BOOST_TEST((again.judge(header_of(7, 0, 10, 10), world.now_ms).verdict == Verdict::append));
}

BOOST_AUTO_TEST_CASE(a_table_of_a_larger_bound_keeps_the_latest) {
    TableWorld world;
    for (std::int64_t id = 5; id > 0; --id) {
        world.must_append(header_of(id, 0, 0, 1));
    }
    ProducerTableOptions options;
    options.producers_max = 2;
    const auto smaller = ProducerTable::decode(as_bytes(world.encoded()), options);
    BOOST_TEST(world.encoded().size() != 0u);
    BOOST_REQUIRE(smaller.has_value());
    BOOST_TEST(smaller->size() == 0u);  // nothing of it is written yet
    world.table.settle(world.end);
    const auto latest = ProducerTable::decode(as_bytes(world.encoded()), options);
    BOOST_REQUIRE(latest.has_value());
    BOOST_TEST(latest->size() == 2u);
    BOOST_TEST(latest->find(ProducerId(1)) != nullptr);
    BOOST_TEST(latest->find(ProducerId(2)) != nullptr);
}

BOOST_AUTO_TEST_CASE(a_table_has_exactly_these_bytes) {
    TableWorld world;
    world.now_ms = 1000;
    world.must_append(header_of(7, 2, 3, 4));
    world.table.settle(world.end);
    BOOST_TEST(
        to_hex(as_bytes(world.encoded()))
        == "4c42505401000000"
           "00000013abff8a24"
           "0a0f0807100218d00f2206080310062001"
           "1001"
    );
}

BOOST_AUTO_TEST_SUITE_END()
