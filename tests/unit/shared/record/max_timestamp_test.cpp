#include "shared/record/max_timestamp.h"

#include "shared/record/batch.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::record;
using namespace logboom::tests;

namespace {

constexpr std::int64_t first_ms = 1'700'000'000'000;

/// A batch of records with these times, as a producer sends it that leaves the largest one out.
Buffer batch_without_max(const std::vector<std::int64_t>& times_ms) {
    BatchBuilder builder;
    builder.begin(RecordHeaders());
    for (const std::int64_t time_ms : times_ms) {
        builder.append(time_ms, as_bytes("value"));
    }
    Buffer out;
    static_cast<void>(builder.seal_without_cursor(out));
    codec::store_be(out.data() + 35, std::int64_t{-1});
    renew_crc(out);
    return out;
}

std::int64_t filled(Buffer& batch, const std::int64_t max_ms = INT64_MAX) {
    fill_max_timestamp(batch.mutable_view(), first_ms + 1234, max_ms);
    const Result<BatchView> view = BatchView::parse(batch.view());
    BOOST_REQUIRE(view.has_value());
    BOOST_TEST(view->check_crc().has_value());
    return view->header().max_timestamp_ms;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(max_timestamp)

BOOST_AUTO_TEST_CASE(records_that_do_not_decode_leave_the_batch_as_it_is) {
    Buffer batch = batch_without_max({first_ms});
    for (std::byte& byte : batch.mutable_view().subspan(limits::batch_header_bytes)) {
        byte = std::byte{0xff};
    }
    renew_crc(batch);
    const Buffer before = copy_of(batch.view());
    BOOST_TEST(filled(batch) == -1);
    BOOST_TEST((as_text(batch.view()) == as_text(before.view())));
}

BOOST_AUTO_TEST_CASE(a_largest_time_that_is_there_is_left_alone) {
    Buffer batch = plain_batch({"a"});
    codec::store_be(batch.data() + 35, std::int64_t{5});
    renew_crc(batch);
    BOOST_TEST(filled(batch) == 5);
}

BOOST_AUTO_TEST_CASE(records_without_times_stay_without) {
    Buffer batch = batch_without_max({-1, -1});
    BOOST_TEST(filled(batch) == -1);
}

BOOST_AUTO_TEST_CASE(the_largest_time_of_the_records_is_filled_in_wherever_it_stands) {
    Buffer batch = batch_without_max({first_ms + 5, first_ms + 9, first_ms, first_ms + 7});
    BOOST_TEST(filled(batch) == first_ms + 9);
    BOOST_TEST(values_of(batch.view()).size() == 4u);
}

BOOST_AUTO_TEST_CASE(packed_records_are_as_old_as_the_clock_says_and_are_not_unpacked) {
    Buffer batch = batch_without_max(std::vector<std::int64_t>(500, first_ms));
    const Result<BatchView> packed = BatchView::parse(batch.view());
    BOOST_REQUIRE(packed.has_value());
    BOOST_REQUIRE((packed->codec_id() == codec::CodecId::lz4));
    for (std::byte& byte : batch.mutable_view().subspan(limits::batch_header_bytes)) {
        byte = std::byte{0xff};
    }
    renew_crc(batch);
    BOOST_TEST(filled(batch) == first_ms + 1234);
}

BOOST_AUTO_TEST_CASE(a_time_after_what_is_taken_counts_as_that) {
    Buffer batch = batch_without_max({first_ms, first_ms + 1'000'000});
    BOOST_TEST(filled(batch, first_ms + 500) == first_ms + 500);
}

BOOST_AUTO_TEST_SUITE_END()
