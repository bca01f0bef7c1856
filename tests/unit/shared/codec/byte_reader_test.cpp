#include "shared/codec/byte_reader.h"

#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <limits>

using namespace logboom;
using codec::ByteReader;

namespace {

template <std::size_t n>
std::array<std::byte, n> bytes_of(const std::array<int, n>& values) {
    std::array<std::byte, n> bytes{};
    for (std::size_t i = 0; i < n; ++i) {
        bytes[i] = static_cast<std::byte>(values[i]);
    }
    return bytes;
}

std::string encoded(const std::int32_t n) {
    std::array<std::byte, codec::varint_bytes_max> room{};
    const std::byte* const end = codec::put_varint(room.data(), n);
    BOOST_TEST(static_cast<std::size_t>(end - room.data()) == codec::varint_size(n));
    return to_hex(ByteView(room.data(), end));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(byte_reader)

BOOST_AUTO_TEST_CASE(a_read_past_the_end_fails_for_good) {
    const auto bytes = bytes_of<3>({1, 2, 3});
    ByteReader reader(bytes);
    BOOST_TEST(reader.be<std::int32_t>() == 0);
    BOOST_TEST(!reader.ok());
    BOOST_TEST(reader.be<std::int8_t>() == 0);
    BOOST_TEST(reader.bytes(1).empty());
    BOOST_TEST(reader.remaining() == 0u);
}

BOOST_AUTO_TEST_CASE(a_varint_that_is_too_long_or_too_wide_fails) {
    const auto six_bytes = bytes_of<6>({0x80, 0x80, 0x80, 0x80, 0x80, 0x01});
    ByteReader long_reader(six_bytes);
    static_cast<void>(long_reader.varint());
    BOOST_TEST(!long_reader.ok());

    const auto bit_33 = bytes_of<5>({0xff, 0xff, 0xff, 0xff, 0x1f});
    ByteReader wide_reader(bit_33);
    static_cast<void>(wide_reader.uvarint());
    BOOST_TEST(!wide_reader.ok());

    const auto bit_65 = bytes_of<10>({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02});
    ByteReader wider_reader(bit_65);
    static_cast<void>(wider_reader.varlong());
    BOOST_TEST(!wider_reader.ok());

    const auto unfinished = bytes_of<2>({0x80, 0x80});
    ByteReader cut_reader(unfinished);
    static_cast<void>(cut_reader.varlong());
    BOOST_TEST(!cut_reader.ok());
}

BOOST_AUTO_TEST_CASE(the_known_varints_are_written_as_kafka_writes_them) {
    constexpr auto max = std::numeric_limits<std::int32_t>::max();
    constexpr auto min = std::numeric_limits<std::int32_t>::min();
    BOOST_TEST(encoded(0) == "00");
    BOOST_TEST(encoded(-1) == "01");
    BOOST_TEST(encoded(1) == "02");
    BOOST_TEST(encoded(-2) == "03");
    BOOST_TEST(encoded(63) == "7e");
    BOOST_TEST(encoded(-64) == "7f");
    BOOST_TEST(encoded(64) == "8001");
    BOOST_TEST(encoded(300) == "d804");
    BOOST_TEST(encoded(-300) == "d704");
    BOOST_TEST(encoded(max) == "feffffff0f");
    BOOST_TEST(encoded(min) == "ffffffff0f");
}

BOOST_AUTO_TEST_CASE(random_numbers_come_back) {
    Rng rng(3);
    for (int round = 0; round < 20'000; ++round) {
        const std::uint64_t raw = rng.next() >> rng.below(64);
        const auto wide = static_cast<std::int64_t>(rng.chance(0.5) ? raw : ~raw);
        const auto narrow = static_cast<std::int32_t>(wide);
        std::array<std::byte, 64> room{};
        std::byte* to = codec::put_varlong(room.data(), wide);
        BOOST_REQUIRE(static_cast<std::size_t>(to - room.data()) == codec::varlong_size(wide));
        to = codec::put_varint(to, narrow);
        to = codec::put_uvarint(to, raw);
        codec::store_be(to, wide);
        codec::store_be(to + 8, narrow);
        ByteReader reader(ByteView(room.data(), to + 12));
        BOOST_REQUIRE(reader.varlong() == wide);
        BOOST_REQUIRE(reader.varint() == narrow);
        BOOST_REQUIRE(reader.uvarlong() == raw);
        BOOST_REQUIRE(reader.be<std::int64_t>() == wide);
        BOOST_REQUIRE(reader.be<std::int32_t>() == narrow);
        BOOST_REQUIRE(reader.ok());
        BOOST_REQUIRE(reader.remaining() == 0u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
