#include "collector/storage/offset_index.h"

#include "shared/base/rng.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"
#include "tests/unit/collector/storage/raw_batch.h"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

constexpr std::size_t head_bytes = 8;
constexpr std::size_t entry_bytes = 16;

/// An index over batches of `size_bytes` with one record each, from offset 1000 on.
OffsetIndex index_of(const int count, const std::size_t size_bytes, const std::int32_t epoch = 0) {
    OffsetIndex index(Offset(1000));
    for (int i = 0; i < count; ++i) {
        RawBatch batch;
        batch.base_offset = 1000 + i;
        batch.size_bytes = size_bytes;
        batch.leader_epoch = epoch;
        const Buffer bytes = batch.bytes();
        static_cast<void>(index.add(view_of(bytes), static_cast<std::size_t>(i) * size_bytes));
    }
    return index;
}

Buffer encoded(const OffsetIndex& index) {
    Buffer file;
    index.encode(file);
    return file;
}

ErrorCode code_of(const ByteView file) {
    return OffsetIndex::decode(file, Offset(1000)).code();
}

void renew_entry_crc(Buffer& file, const std::size_t entry) {
    std::byte* const at = file.data() + head_bytes + entry * entry_bytes;
    codec::store_be(at + 12, codec::crc32c(ByteView(at, 12)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(offset_index)

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_between_entries_is_shorter_and_elsewhere_of_no_use) {
    const Buffer file = encoded(index_of(7, 3000));
    BOOST_REQUIRE(file.size() == head_bytes + 3 * entry_bytes);
    for (std::size_t size = 0; size < file.size(); ++size) {
        const Result<OffsetIndex> index =
            OffsetIndex::decode(file.view().first(size), Offset(1000));
        const bool is_whole = size >= head_bytes && (size - head_bytes) % entry_bytes == 0;
        BOOST_REQUIRE(index.has_value() == is_whole);
        if (!is_whole) {
            BOOST_REQUIRE((index.code() == ErrorCode::malformed));
        }
    }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_of_an_entry_is_noticed) {
    const Buffer good = encoded(index_of(7, 3000));
    for (std::size_t at = head_bytes; at < good.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Buffer bad;
            bad.append(good.view());
            bad.mutable_view()[at] ^= static_cast<std::byte>(1u << bit);
            BOOST_REQUIRE((code_of(bad.view()) == ErrorCode::corrupt));
        }
    }
}

BOOST_AUTO_TEST_CASE(another_kind_of_file_and_another_version_are_told_apart) {
    Buffer file = encoded(index_of(7, 3000));
    file.data()[4] = std::byte{2};
    BOOST_TEST((code_of(file.view()) == ErrorCode::unsupported));
    file.data()[3] = std::byte{'X'};
    BOOST_TEST((code_of(file.view()) == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(entries_that_do_not_rise_or_are_negative_are_malformed) {
    const auto code_after = [](const std::size_t at, const std::int32_t value) {
        Buffer file = encoded(index_of(7, 3000));
        codec::store_be(file.data() + head_bytes + entry_bytes + at, value);
        renew_entry_crc(file, 1);
        return code_of(file.view());
    };
    const std::vector<OffsetIndex::Entry> entries = index_of(7, 3000).entries();
    BOOST_TEST((code_after(0, entries[0].last_offset_delta) == ErrorCode::malformed));
    BOOST_TEST((code_after(4, entries[0].position) == ErrorCode::malformed));
    BOOST_TEST((code_after(0, -1) == ErrorCode::malformed));
    BOOST_TEST((code_after(4, -1) == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(an_intact_entry_that_is_not_what_the_log_gives_contradicts_it) {
    const OffsetIndex from_log = index_of(9, 3000);
    const auto other_heads = OffsetIndex::first_contradiction(index_of(9, 3000, 1), from_log);
    BOOST_REQUIRE(other_heads.has_value());
    BOOST_TEST(*other_heads == 0u);
    BOOST_TEST(OffsetIndex::first_contradiction(index_of(9, 2999), from_log).has_value());
}

BOOST_AUTO_TEST_CASE(an_index_that_knows_less_or_more_of_the_same_log_does_not_contradict_it) {
    const OffsetIndex from_log = index_of(9, 3000);
    for (const int count : {0, 7, 9, 15}) {
        const OffsetIndex kept = index_of(count, 3000);
        BOOST_TEST(!OffsetIndex::first_contradiction(kept, from_log).has_value());
    }
}

BOOST_AUTO_TEST_CASE(a_finished_index_covers_the_last_batch_once) {
    OffsetIndex index = index_of(4, 3000);
    BOOST_REQUIRE(index.entries().size() == 1u);
    index.finish();
    BOOST_REQUIRE(index.entries().size() == 2u);
    BOOST_TEST(index.entries()[1].last_offset_delta == 3);
    BOOST_TEST(index.entries()[1].position == 9000);
    BOOST_TEST(!OffsetIndex::first_contradiction(index_of(4, 3000), index).has_value());
    index.finish();
    BOOST_TEST(index.entries().size() == 2u);
    OffsetIndex covered = index_of(3, 3000);  // the last batch has an entry already
    covered.finish();
    BOOST_TEST(covered.entries().size() == 1u);
    OffsetIndex empty(Offset(0));
    empty.finish();
    BOOST_TEST(empty.entries().empty());
}

BOOST_AUTO_TEST_CASE(there_is_one_entry_per_4096_bytes_or_more_and_none_for_the_first_batch) {
    BOOST_TEST(index_of(1, 1u << 20).entries().empty());
    const OffsetIndex index = index_of(7, 2048);
    BOOST_REQUIRE(index.entries().size() == 3u);
    BOOST_TEST(index.entries()[0].position == 4096);
    BOOST_TEST(index.entries()[0].last_offset_delta == 2);
    BOOST_TEST(index.entries()[1].position == 8192);
    BOOST_TEST(index.entries()[2].position == 12288);
}

BOOST_AUTO_TEST_CASE(the_heads_of_every_batch_of_a_finished_index_are_in_a_checksum) {
    const auto finished_with = [](const std::int64_t raised) {
        OffsetIndex index(Offset(1000));
        for (std::int64_t i = 0; i < 9; ++i) {
            RawBatch batch;
            batch.base_offset = 1000 + i;
            batch.size_bytes = 2048;
            batch.leader_epoch = i == raised ? 1 : 0;
            const Buffer bytes = batch.bytes();
            static_cast<void>(index.add(view_of(bytes), static_cast<std::uint64_t>(i) * 2048));
        }
        index.finish();
        return index;
    };
    const OffsetIndex good = finished_with(-1);
    const std::vector<std::size_t> entry_of{0, 0, 0, 1, 1, 2, 2, 3, 3};
    for (std::size_t raised = 0; raised < entry_of.size(); ++raised) {
        const OffsetIndex bad = finished_with(static_cast<std::int64_t>(raised));
        const auto other = OffsetIndex::first_contradiction(bad, good);
        BOOST_REQUIRE(other.has_value());
        BOOST_TEST(*other == entry_of[raised]);
    }
}

// Made from the description in LAYOUT.md by a program that shares no code with ours.
BOOST_AUTO_TEST_CASE(a_file_has_exactly_these_bytes) {
    BOOST_TEST(to_hex(encoded(OffsetIndex(Offset(0))).view()) == "4c424f4901000000");
    OffsetIndex index = index_of(6, 3000);
    index.finish();
    const Buffer file = encoded(index);
    BOOST_TEST(
        to_hex(file.view())
        == "4c424f4901000000"
           "00000002000017700940d8a0cb45ef60"
           "0000000400002ee07fdc42b69755b694"
           "0000000500003a98bf462cdba83a4aca"
    );
}

BOOST_AUTO_TEST_CASE(what_is_written_comes_back) {
    const OffsetIndex index = index_of(50, 3000);
    const Buffer file = encoded(index);
    const Result<OffsetIndex> back = OffsetIndex::decode(file.view(), Offset(1000));
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST((back->entries() == index.entries()));
    BOOST_TEST(back->position_of(Offset(1049)) == index.position_of(Offset(1049)));
}

BOOST_AUTO_TEST_SUITE_END()
