#define BOOST_TEST_MODULE shared_codec
#include "shared/codec/crc32c.h"

#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace logboom;
using codec::Crc32cEngine;

namespace {

constexpr std::array all_engines{
    Crc32cEngine::table, Crc32cEngine::one_lane, Crc32cEngine::three_lanes};

Buffer random_bytes(Rng& rng, const std::size_t n) {
    Buffer bytes;
    bytes.resize(n);
    for (std::byte& byte : bytes.mutable_view()) {
        byte = static_cast<std::byte>(rng.next());
    }
    return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crc32c)

BOOST_AUTO_TEST_CASE(the_check_value_of_the_standard_comes_out_of_every_engine) {
    for (const Crc32cEngine engine : all_engines) {
        if (codec::is_available(engine)) {
            BOOST_TEST(codec::crc32c_by(engine, as_bytes("123456789")) == 0xE3069283u);
        }
    }
    BOOST_TEST(codec::crc32c(as_bytes("123456789")) == 0xE3069283u);
    BOOST_TEST(codec::crc32c(ByteView()) == 0u);
}

BOOST_AUTO_TEST_CASE(the_engines_agree_at_every_length_and_alignment) {
    Rng rng(1);
    const Buffer bytes = random_bytes(rng, 40'000);
    for (int round = 0; round < 2000; ++round) {
        const std::size_t from = rng.below(64);
        const std::size_t size = rng.below(rng.chance(0.5) ? 800 : 39'000);
        const ByteView some = bytes.view().subspan(from, size);
        const std::uint32_t expected = codec::crc32c_by(Crc32cEngine::table, some);
        for (const Crc32cEngine engine : all_engines) {
            if (codec::is_available(engine)) {
                BOOST_REQUIRE(codec::crc32c_by(engine, some) == expected);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_checksum_of_parts_continues_that_of_what_came_before) {
    Rng rng(2);
    const Buffer bytes = random_bytes(rng, 20'000);
    const std::uint32_t whole = codec::crc32c(bytes.view());
    for (const std::size_t cut : {0u, 1u, 7u, 383u, 384u, 6144u, 19'999u, 20'000u}) {
        const std::uint32_t front = codec::crc32c(bytes.view().first(cut));
        BOOST_TEST(codec::crc32c(bytes.view().subspan(cut), front) == whole);
    }
}

BOOST_AUTO_TEST_SUITE_END()
