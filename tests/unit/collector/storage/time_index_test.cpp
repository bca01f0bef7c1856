#include "collector/storage/time_index.h"

#include "shared/base/rng.h"
#include "shared/codec/endian.h"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace logboom;
using namespace logboom::storage;

namespace {

constexpr std::size_t entry_bytes = 12;

TimeIndex three_entries() {
    TimeIndex index(Offset(1000));
    index.add(1'700'000'000'000, Offset(1002));
    index.add(1'700'000'000'005, Offset(1010));
    index.add(1'700'000'000'006, Offset(1011));
    return index;
}

Buffer encoded(const TimeIndex& index) {
    Buffer file;
    index.encode(file);
    return file;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(time_index)

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_inside_an_entry_is_malformed) {
    const Buffer file = encoded(three_entries());
    for (std::size_t size = 0; size <= file.size(); ++size) {
        const Result<TimeIndex> index = TimeIndex::decode(file.view().first(size), Offset(1000));
        BOOST_REQUIRE(index.has_value() == (size % entry_bytes == 0));
        if (!index) {
            BOOST_REQUIRE((index.code() == ErrorCode::malformed));
        }
    }
}

BOOST_AUTO_TEST_CASE(entries_that_do_not_rise_are_malformed) {
    const auto code_after = [](const std::size_t at, const auto value) {
        Buffer file = encoded(three_entries());
        codec::store_be(file.data() + entry_bytes + at, value);
        return TimeIndex::decode(file.view(), Offset(1000)).code();
    };
    BOOST_TEST((code_after(0, std::int64_t{1'700'000'000'000}) == ErrorCode::malformed));
    BOOST_TEST((code_after(8, std::int32_t{2}) == ErrorCode::malformed));
    BOOST_TEST((code_after(8, std::int32_t{-1}) == ErrorCode::malformed));
    const std::string zeros(
        entry_bytes * 2, '\0'
    );  // a file that a power loss left without its bytes
    BOOST_TEST((TimeIndex::decode(as_bytes(zeros), Offset(0)).code() == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(a_time_that_is_not_later_than_the_last_one_is_not_noted) {
    TimeIndex index(Offset(0));
    index.add(5, Offset(3));
    index.add(5, Offset(7));
    index.add(4, Offset(9));
    BOOST_REQUIRE(index.entries().size() == 1u);
    BOOST_TEST(index.entries()[0].last_offset_delta == 3);
}

BOOST_AUTO_TEST_CASE(no_record_before_the_start_of_a_time_has_it_or_a_later_one) {
    Rng rng(1);
    for (int round = 0; round < 150; ++round) {
        // One record per offset; an entry every so often, as a segment makes them.
        std::vector<std::int64_t> times;
        TimeIndex index(Offset(100));
        std::int64_t largest = -1;
        std::int64_t first_of_largest = -1;
        for (std::int64_t i = 0; i < 100; ++i) {
            times.push_back(static_cast<std::int64_t>(rng.below(60)) + i / 2);
            if (times.back() > largest) {
                largest = times.back();
                first_of_largest = i;
            }
            if (rng.chance(0.2)) {
                index.add(largest, Offset(100 + first_of_largest));
            }
        }
        for (std::int64_t time = 0; time < 120; ++time) {
            const std::int64_t start = index.start_of(time) - Offset(100);
            BOOST_REQUIRE(start >= 0);
            for (std::int64_t i = 0; i < start; ++i) {
                BOOST_REQUIRE(times[static_cast<std::size_t>(i)] < time);
            }
        }
        BOOST_REQUIRE(index.start_of(0) == Offset(100));
    }
}

BOOST_AUTO_TEST_CASE(a_file_has_exactly_these_bytes) {
    BOOST_TEST(encoded(TimeIndex(Offset(0))).empty());
    BOOST_TEST(
        to_hex(encoded(three_entries()).view())
        == "0000018bcfe5680000000002"
           "0000018bcfe568050000000a"
           "0000018bcfe568060000000b"
    );
}

BOOST_AUTO_TEST_CASE(what_is_written_comes_back) {
    const Buffer file = encoded(three_entries());
    const Result<TimeIndex> back = TimeIndex::decode(file.view(), Offset(1000));
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST((back->entries() == three_entries().entries()));
}

BOOST_AUTO_TEST_SUITE_END()
