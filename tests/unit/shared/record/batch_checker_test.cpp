#include "shared/record/batch_checker.h"

#include "tests/support/pack.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <array>

using namespace logboom;
using namespace logboom::record;
using namespace logboom::tests;

namespace {

std::string fault_of(const ByteView bytes, const BatchCheckOptions& options = BatchCheckOptions()) {
    Buffer scratch;
    const auto checked = check_batch(bytes, options, scratch);
    const BatchFault* const fault = std::get_if<BatchFault>(&checked);
    return fault == nullptr ? "" : to_string(*fault);
}

/// The fault of a good batch after one field was changed and the checksum renewed.
template <typename T>
std::string fault_after(
    const std::size_t at, const T value, const BatchCheckOptions& options = BatchCheckOptions()
) {
    Buffer batch = plain_batch({"one", "two"});
    codec::store_be(batch.data() + at, value);
    renew_crc(batch);
    return fault_of(batch.view(), options);
}

BatchCheckOptions deep() {
    BatchCheckOptions options;
    options.depth = CheckDepth::records;
    return options;
}

/// A batch with `records` packed by a codec, and a count that may be a lie.
Buffer packed_batch(const codec::CodecId id, const ByteView records, const std::int32_t count) {
    Buffer batch = plain_batch({"one", "two"});
    batch.resize(limits::batch_header_bytes);
    batch.append(pack(id, records).view());
    codec::store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - batch_prefix_bytes));
    codec::store_be(batch.data() + 21, static_cast<std::int16_t>(id));
    codec::store_be(batch.data() + 23, count - 1);
    codec::store_be(batch.data() + 57, count);
    renew_crc(batch);
    return batch;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_checker)

BOOST_AUTO_TEST_CASE(each_fault_has_its_own_name) {
    const Buffer good = plain_batch({"one", "two"});
    BOOST_TEST(fault_of(ByteView()) == "empty");
    BOOST_TEST(fault_of(good.view().first(10)) == "truncated");
    BOOST_TEST(fault_of(good.view().first(good.size() - 1)) == "truncated");
    Buffer twice = copy_of(good.view());
    twice.append(good.view());
    BOOST_TEST(fault_of(twice.view()) == "several_batches");
    BatchCheckOptions small;
    small.size_max = good.size() - 1;
    BOOST_TEST(fault_of(good.view(), small) == "too_large");
    Buffer damaged = copy_of(good.view());
    damaged.mutable_view()[70] ^= std::byte{1};
    BOOST_TEST(fault_of(damaged.view()) == "bad_crc");

    BOOST_TEST(fault_after(16, std::int8_t{1}) == "old_magic");
    BOOST_TEST(fault_after(57, std::int32_t{0}) == "bad_counts");
    BOOST_TEST(fault_after(57, std::int32_t{1}) == "bad_counts");
    BOOST_TEST(fault_after(23, std::int32_t{7}) == "bad_counts");
    BOOST_TEST(fault_after(21, std::int16_t{0x20}) == "control_batch");
    BOOST_TEST(fault_after(51, agent_mark) == "wrong_mark");
    BOOST_TEST(fault_after(21, std::int16_t{0x10}) == "bad_producer");
    BOOST_TEST(fault_after(43, std::int64_t{5}) == "bad_producer");
    BOOST_TEST(fault_after(21, std::int16_t{6}) == "unknown_codec");
    BOOST_TEST(fault_after(21, std::int16_t{8}) == "append_time");
    BatchCheckOptions old_client;
    old_client.is_zstd_allowed = false;
    BOOST_TEST(fault_after(21, std::int16_t{4}, old_client) == "zstd_not_allowed");
    BatchCheckOptions recent;
    recent.timestamp_ms_min = 1'700'000'000'001;
    BOOST_TEST(fault_of(good.view(), recent) == "timestamp_range");
    BatchCheckOptions early;
    early.timestamp_ms_max = 1'699'999'999'999;
    BOOST_TEST(fault_of(good.view(), early) == "timestamp_range");
}

BOOST_AUTO_TEST_CASE(the_agents_door_wants_the_mark_and_kafkas_refuses_it) {
    BatchCheckOptions agents;
    agents.door = Door::agents;
    BOOST_TEST(fault_of(plain_batch({"one"}).view(), agents) == "wrong_mark");
    BatchBuilder builder;
    builder.begin(RecordHeaders());
    builder.append(1, as_bytes("one"));
    Buffer marked;
    static_cast<void>(builder.seal(some_cursor(), marked));
    BOOST_TEST(fault_of(marked.view(), agents) == "");
    BOOST_TEST(fault_of(marked.view()) == "wrong_mark");
}

BOOST_AUTO_TEST_CASE(inner_records_that_do_not_decode_are_found_only_by_the_deep_check) {
    const Buffer good = plain_batch({"one", "two"});
    const ByteView records = good.view().subspan(limits::batch_header_bytes);
    constexpr std::array ids{
        codec::CodecId::gzip, codec::CodecId::snappy, codec::CodecId::lz4, codec::CodecId::zstd};
    for (const codec::CodecId id : ids) {
        BOOST_TEST(fault_of(packed_batch(id, records, 2).view(), deep()) == "");
        BOOST_TEST(fault_of(packed_batch(id, records, 3).view(), deep()) == "bad_records");
        BOOST_TEST(fault_of(packed_batch(id, records, 1).view(), deep()) == "bad_records");
        BOOST_TEST(
            fault_of(packed_batch(id, as_bytes("noise"), 2).view(), deep()) == "bad_records"
        );
        BOOST_TEST(fault_of(packed_batch(id, as_bytes("noise"), 2).view()) == "");
    }
}

BOOST_AUTO_TEST_CASE(a_small_batch_of_enormous_records_is_refused) {
    const std::string zeros(limits::batch_raw_bytes_max + 1, '\0');
    const Buffer bomb = packed_batch(codec::CodecId::zstd, as_bytes(zeros), 2);
    BOOST_TEST(bomb.size() < 100'000u);
    BOOST_TEST(fault_of(bomb.view(), deep()) == "bad_records");
}

BOOST_AUTO_TEST_CASE(changed_bytes_with_a_right_checksum_never_crash_the_deep_check) {
    Rng rng(1);
    const Buffer plain = plain_batch({"one", "two", std::string(100, 'x')});
    const Buffer packed = plain_batch({std::string(5000, 'a'), "two", "three"});
    for (int round = 0; round < 20'000; ++round) {
        Buffer bad = copy_of(rng.chance(0.5) ? plain.view() : packed.view());
        for (std::uint64_t n = 1 + rng.below(4); n != 0; --n) {
            bad.mutable_view()[rng.below(bad.size())] = static_cast<std::byte>(rng.next());
        }
        renew_crc(bad);
        static_cast<void>(fault_of(bad.view(), deep()));
    }
}

BOOST_AUTO_TEST_SUITE_END()
