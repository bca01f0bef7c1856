#define BOOST_TEST_MODULE shared_record
#include "shared/record/batch.h"

#include "shared/record/record_iterator.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace logboom;
using namespace logboom::record;
using namespace logboom::tests;

BOOST_AUTO_TEST_SUITE(batch)

BOOST_AUTO_TEST_CASE(a_batch_that_is_cut_anywhere_is_malformed) {
    const Buffer batch = plain_batch({"one", "two"});
    for (std::size_t size = 0; size < batch.size(); ++size) {
        const auto view = BatchView::parse(batch.view().first(size));
        BOOST_REQUIRE((view.code() == ErrorCode::malformed));
    }
}

BOOST_AUTO_TEST_CASE(each_wrong_field_has_its_own_error) {
    const auto code_after = [](const std::size_t at, const auto value) {
        Buffer batch = plain_batch({"one", "two"});
        codec::store_be(batch.data() + at, value);
        return BatchView::parse(batch.view()).code();
    };
    BOOST_TEST((code_after(16, std::int8_t{1}) == ErrorCode::unsupported));
    BOOST_TEST((code_after(21, std::int16_t{5}) == ErrorCode::unsupported));
    BOOST_TEST((code_after(8, std::int32_t{48}) == ErrorCode::malformed));
    BOOST_TEST((code_after(8, std::int32_t{-1}) == ErrorCode::malformed));
    BOOST_TEST((code_after(8, std::numeric_limits<std::int32_t>::max()) == ErrorCode::malformed));
    BOOST_TEST((code_after(0, std::int64_t{-1}) == ErrorCode::malformed));
    BOOST_TEST((code_after(0, std::numeric_limits<std::int64_t>::max()) == ErrorCode::malformed));
    BOOST_TEST((code_after(23, std::int32_t{-1}) == ErrorCode::malformed));
    BOOST_TEST((code_after(57, std::int32_t{-1}) == ErrorCode::malformed));
    BOOST_TEST((code_after(57, std::int32_t{3}) == ErrorCode::malformed));
    const Buffer batch = plain_batch({"one"});
    BOOST_TEST((BatchView::parse(batch.view(), batch.size() - 1).code() == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(every_changed_byte_under_the_checksum_is_noticed) {
    const Buffer batch = plain_batch({"one", "two", "three"});
    for (std::size_t at = 17; at < batch.size(); ++at) {
        for (const int change : {0x01, 0x80, 0xff}) {
            Buffer bad = copy_of(batch.view());
            bad.mutable_view()[at] ^= static_cast<std::byte>(change);
            const auto view = BatchView::parse(bad.view());
            const bool is_noticed = !view.has_value() || !view->check_crc().has_value();
            BOOST_REQUIRE(is_noticed);
        }
    }
}

BOOST_AUTO_TEST_CASE(offset_and_leader_epoch_are_filled_in_without_touching_the_checksum) {
    Buffer batch = plain_batch({"one", "two", "three"});
    patch_base_offset(batch.mutable_view(), Offset(0x0102030405060708), LeaderEpoch(7));
    const auto view = BatchView::parse(batch.view());
    BOOST_REQUIRE(view.has_value());
    BOOST_TEST(view->check_crc().has_value());
    BOOST_TEST(view->header().base_offset.value == 0x0102030405060708);
    BOOST_TEST(view->header().leader_epoch.value == 7);
    BOOST_TEST(view->header().end_offset().value == 0x0102030405060708 + 3);
}

BOOST_AUTO_TEST_CASE(the_append_time_renews_the_checksum) {
    Buffer batch = plain_batch({"one", "two"});
    patch_append_time(batch.mutable_view(), 42);
    const auto view = BatchView::parse(batch.view());
    BOOST_REQUIRE(view.has_value());
    BOOST_TEST(view->check_crc().has_value());
    BOOST_TEST(view->header().has_log_append_time());
    BOOST_TEST(view->header().max_timestamp_ms == 42);
}

BOOST_AUTO_TEST_CASE(a_view_takes_the_first_of_several_batches) {
    Buffer batches = plain_batch({"one"});
    const std::size_t first_size = batches.size();
    batches.append(plain_batch({"two"}).view());
    BOOST_TEST(BatchView::parse(batches.view())->size() == first_size);
    BOOST_TEST(*claimed_batch_size(batches.view()) == first_size);
    BOOST_TEST(!claimed_batch_size(batches.view().first(11)).has_value());
}

BOOST_AUTO_TEST_CASE(a_batch_emptied_by_compaction_is_whole) {
    Buffer batch = plain_batch({"one"});
    batch.resize(limits::batch_header_bytes);
    codec::store_be(batch.data() + 8, std::int32_t{49});
    codec::store_be(batch.data() + 23, std::int32_t{9});
    codec::store_be(batch.data() + 57, std::int32_t{0});
    const auto view = BatchView::parse(batch.view());
    BOOST_REQUIRE(view.has_value());
    BOOST_TEST(view->header().end_offset().value == 10);
    BOOST_TEST(values_of(batch.view()).empty());
}

BOOST_AUTO_TEST_CASE(a_header_comes_back_field_by_field) {
    BatchHeader header;
    header.base_offset = Offset(1);
    header.batch_length = 2;
    header.leader_epoch = LeaderEpoch(3);
    header.magic = 4;
    header.crc = 0xfffffff5;
    header.attributes = 6;
    header.last_offset_delta = 7;
    header.base_timestamp_ms = -8;
    header.max_timestamp_ms = 9;
    header.producer_id = ProducerId(10);
    header.producer_epoch = 11;
    header.base_sequence = 12;
    header.records_count = 13;
    std::array<std::byte, limits::batch_header_bytes> bytes{};
    encode_batch_header(header, bytes.data());
    BOOST_TEST(
        to_hex(bytes)
        == "0000000000000001000000020000000304fffffff5000600000007fffffffffffffff8"
           "0000000000000009000000000000000a000b0000000c0000000d"
    );
    const BatchHeader back = decode_batch_header(bytes);
    BOOST_TEST(back.base_timestamp_ms == -8);
    BOOST_TEST(back.records_count == 13);
    std::array<std::byte, limits::batch_header_bytes> again{};
    encode_batch_header(back, again.data());
    BOOST_TEST(to_hex(again) == to_hex(bytes));
}

BOOST_AUTO_TEST_SUITE_END()
