#include "collector/storage/segment.h"

#include "tests/unit/collector/storage/raw_batch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

void add(Segment& segment, const std::int64_t timestamp_ms, const std::size_t size_bytes = 100) {
    RawBatch batch;
    batch.base_offset = segment.end_offset().value;
    batch.max_timestamp_ms = timestamp_ms;
    batch.size_bytes = size_bytes;
    const Buffer bytes = batch.bytes();
    segment.add(view_of(bytes));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(segment)

BOOST_AUTO_TEST_CASE(an_empty_segment_takes_a_batch_of_any_size) {
    const Segment segment(Offset(5));
    BOOST_TEST(!segment.should_roll(1'000'000, Offset(5), 100));
    BOOST_TEST(!segment.should_roll(100, Offset(6'000'000'000), 1000));
}

BOOST_AUTO_TEST_CASE(a_segment_rolls_at_its_size_and_not_a_byte_before) {
    Segment segment(Offset(0));
    add(segment, 1, 600);
    BOOST_TEST(!segment.should_roll(400, Offset(1), 1000));
    BOOST_TEST(segment.should_roll(401, Offset(1), 1000));
}

BOOST_AUTO_TEST_CASE(a_segment_rolls_before_an_offset_that_its_indexes_cannot_hold) {
    Segment segment(Offset(10));
    add(segment, 1);
    BOOST_TEST(!segment.should_roll(100, Offset(10) + INT32_MAX, 1000));
    BOOST_TEST(segment.should_roll(100, Offset(11) + INT32_MAX, 1000));
}

BOOST_AUTO_TEST_CASE(the_first_batch_with_the_largest_timestamp_is_known) {
    Segment segment(Offset(0));
    BOOST_TEST(segment.largest_timestamp().timestamp_ms == -1);
    add(segment, -1);  // a client that does not fill it in
    BOOST_TEST(segment.largest_timestamp().timestamp_ms == -1);
    add(segment, 5);
    add(segment, 7);
    add(segment, 7);
    add(segment, 6);
    BOOST_TEST(segment.largest_timestamp().timestamp_ms == 7);
    BOOST_TEST(segment.largest_timestamp().base_offset.value == 2);
}

BOOST_AUTO_TEST_CASE(finished_indexes_end_with_the_largest_timestamp_and_the_last_batch) {
    Segment segment(Offset(0));
    segment.finish_indexes();
    BOOST_TEST(segment.time_index().entries().empty());
    BOOST_TEST(segment.offset_index().entries().empty());
    add(segment, 9);
    add(segment, 8);
    BOOST_TEST(segment.time_index().entries().empty());  // none before the first 4096 bytes
    segment.finish_indexes();
    BOOST_REQUIRE(segment.offset_index().entries().size() == 1u);
    BOOST_TEST(segment.offset_index().entries()[0].last_offset_delta == 1);
    BOOST_REQUIRE(segment.time_index().entries().size() == 1u);
    BOOST_TEST(segment.time_index().entries()[0].timestamp_ms == 9);
    BOOST_TEST(segment.time_index().entries()[0].last_offset_delta == 0);
}

BOOST_AUTO_TEST_CASE(a_time_is_noted_together_with_each_entry_of_the_offset_index) {
    Segment segment(Offset(0));
    for (std::int64_t i = 0; i < 10; ++i) {
        add(segment, 100 + i, 2048);
    }
    BOOST_TEST(segment.offset_index().entries().size() == 4u);
    BOOST_REQUIRE(segment.time_index().entries().size() == 4u);
    BOOST_TEST(segment.time_index().entries()[0].timestamp_ms == 102);
    BOOST_TEST(segment.time_index().entries()[0].last_offset_delta == 2);
}

BOOST_AUTO_TEST_CASE(forgotten_indexes_leave_size_end_and_time) {
    Segment segment(Offset(0));
    for (std::int64_t i = 0; i < 10; ++i) {
        add(segment, 100 + i, 2048);
    }
    segment.forget_indexes();
    BOOST_TEST(!segment.has_indexes());
    BOOST_TEST(segment.offset_index().entries().empty());
    BOOST_TEST(segment.size_bytes() == 20480u);
    BOOST_TEST(segment.end_offset().value == 10);
    BOOST_TEST(segment.largest_timestamp().timestamp_ms == 109);
}

BOOST_AUTO_TEST_SUITE_END()
