#include "shared/record/batch_builder.h"

#include "shared/record/batch_checker.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using namespace logboom::record;
using namespace logboom::tests;

namespace {

constexpr std::int64_t start_ms = 1'700'000'000'000;

std::string random_line(Rng& rng) {
    std::string line;
    const std::uint64_t size = rng.chance(0.02) ? rng.below(20'000) : rng.below(300);
    while (line.size() < size) {
        line += rng.chance(0.7) ? "request completed "
                                : std::string(1, static_cast<char>(rng.next()));
    }
    return line;
}

struct Expected {
    std::int64_t timestamp_ms = 0;
    std::string value;
    bool has_extra = false;
};

void check_record_against(
    const RecordView& record, const Expected& expected, const bool is_marked
) {
    BOOST_REQUIRE(!record.key.has_value());
    BOOST_REQUIRE((as_text(*record.value) == expected.value));
    BOOST_REQUIRE((as_text(*find_header(record, "lb.host")) == "web-01"));
    BOOST_REQUIRE(find_header(record, "lb.trunc").has_value() == expected.has_extra);
    BOOST_REQUIRE(find_header(record, cursor_header_key).has_value() == is_marked);
}

void check_batch_against(
    const Buffer& batch, const std::vector<Expected>& expected, const bool is_marked
) {
    BatchCheckOptions options;
    options.door = is_marked ? Door::agents : Door::kafka;
    options.depth = CheckDepth::records;
    Buffer scratch;
    const auto checked = check_batch(batch.view(), options, scratch);
    BOOST_REQUIRE(std::holds_alternative<BatchView>(checked));
    const BatchView& view = std::get<BatchView>(checked);
    BOOST_REQUIRE(view.header().is_marked() == is_marked);

    const auto records = view.records(scratch);
    RecordIterator iterator(*records, view.header().records_count);
    RecordView record;
    std::int64_t max_timestamp_ms = INT64_MIN;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        BOOST_REQUIRE(iterator.next(record).has_value());
        BOOST_REQUIRE(static_cast<std::size_t>(record.offset_delta) == i);
        const std::int64_t timestamp_ms = view.header().base_timestamp_ms
                                        + record.timestamp_delta_ms;
        BOOST_REQUIRE(timestamp_ms == expected[i].timestamp_ms);
        max_timestamp_ms = std::max(max_timestamp_ms, timestamp_ms);
        check_record_against(record, expected[i], is_marked && i == 0);
    }
    BOOST_REQUIRE(!*iterator.next(record));
    BOOST_REQUIRE(view.header().max_timestamp_ms == max_timestamp_ms);
}

RecordHeaders host_header() {
    RecordHeaders headers;
    headers.add("lb.host", "web-01");
    return headers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_builder)

BOOST_AUTO_TEST_CASE(a_full_builder_says_so_before_the_limit_is_passed) {
    BatchBuilder builder;
    builder.begin(RecordHeaders());
    BOOST_TEST(!builder.fits(limits::batch_bytes_max));
    BOOST_TEST(builder.fits(limits::line_bytes_max));
    Rng rng(1);
    std::string noise(limits::line_bytes_max, ' ');
    for (char& c : noise) {
        c = static_cast<char>(rng.next());
    }
    while (builder.fits(noise.size())) {
        builder.append(start_ms, as_bytes(noise));
    }
    BOOST_TEST(builder.records_count() == 7);
    SourceCursor cursor = some_cursor();
    cursor.identity.emplace();
    cursor.identity->path_seen.assign(path_seen_bytes_max, 'p');
    Buffer out;
    const SealedBatch sealed = builder.seal(cursor, out);
    BOOST_TEST(sealed.size_bytes <= limits::batch_bytes_max);
    BOOST_TEST((sealed.codec_id == codec::CodecId::none));
    BOOST_TEST((*read_cursor(out.view())->operator->()).to == 2000u);
}

BOOST_AUTO_TEST_CASE(random_records_come_back_from_one_reused_builder) {
    Rng rng(2);
    BatchBuilder builder;
    RecordHeaders extra;
    extra.add("lb.trunc", "1");
    for (int round = 0; round < 200; ++round) {
        builder.begin(host_header());
        std::vector<Expected> expected;
        for (std::uint64_t n = 1 + rng.below(60); n != 0; --n) {
            Expected record;
            record.timestamp_ms = start_ms + static_cast<std::int64_t>(rng.below(100'000)) - 50'000;
            record.value = random_line(rng);
            record.has_extra = rng.chance(0.2);
            if (record.has_extra) {
                builder.append(record.timestamp_ms, as_bytes(record.value), extra);
            } else {
                builder.append(record.timestamp_ms, as_bytes(record.value));
            }
            expected.push_back(record);
        }
        const bool is_marked = rng.chance(0.5);
        Buffer out;
        const SealedBatch sealed = is_marked ? builder.seal(some_cursor(), out)
                                             : builder.seal_without_cursor(out);
        BOOST_TEST(sealed.size_bytes == out.size());
        BOOST_TEST(builder.empty());
        check_batch_against(out, expected, is_marked);
    }
}

BOOST_AUTO_TEST_CASE(what_is_small_or_does_not_pack_is_stored_plain) {
    const auto codec_of = [](const std::string& value) {
        return BatchView::parse(plain_batch({value}).view())->codec_id();
    };
    Rng rng(3);
    std::string noise(5000, ' ');
    for (char& c : noise) {
        c = static_cast<char>(rng.next());
    }
    BOOST_TEST((codec_of(std::string(400, 'a')) == codec::CodecId::none));
    BOOST_TEST((codec_of(noise) == codec::CodecId::none));
    BOOST_TEST((codec_of(std::string(600, 'a')) == codec::CodecId::lz4));
}

BOOST_AUTO_TEST_CASE(an_empty_line_is_an_empty_value_and_not_a_null) {
    const Buffer batch = plain_batch({"", ""});
    const auto view = BatchView::parse(batch.view());
    RecordIterator iterator(view->payload(), 2);
    RecordView record;
    BOOST_TEST(*iterator.next(record));
    BOOST_TEST(record.value.has_value());
    BOOST_TEST(record.value->empty());
}

BOOST_AUTO_TEST_CASE(a_batch_is_appended_behind_what_the_buffer_held) {
    BatchBuilder builder;
    Buffer out;
    for (const std::string value : {"first", "second"}) {
        builder.begin(RecordHeaders());
        builder.append(start_ms, as_bytes(value));
        static_cast<void>(builder.seal_without_cursor(out));
    }
    const std::size_t first_size = BatchView::parse(out.view())->size();
    BOOST_TEST(values_of(out.view()).front() == "first");
    BOOST_TEST(values_of(out.view().subspan(first_size)).front() == "second");
}

BOOST_AUTO_TEST_CASE(two_records_have_exactly_these_bytes) {
    // FORMAT.md's worked example.
    BatchBuilder builder;
    RecordHeaders headers;
    headers.add("h", "v");
    builder.begin(headers);
    builder.append(start_ms, as_bytes("hello"));
    builder.append(start_ms + 5, as_bytes(""));
    Buffer out;
    static_cast<void>(builder.seal_without_cursor(out));
    BOOST_TEST(
        to_hex(out.view())
        == "00000000000000000000004cffffffff02" + to_hex(out.view().subspan(17, 4))
               + "0000000000010000018bcfe568000000018bcfe56805"
                 "ffffffffffffffffffffffffffff00000002"
                 "1e000000010a68656c6c6f0202680276"
                 "14000a0201000202680276"
    );
}

BOOST_AUTO_TEST_SUITE_END()
