#define BOOST_TEST_MODULE shared_rpc
#include "shared/rpc/frame.h"

#include "shared/base/rng.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"

#include <boost/test/unit_test.hpp>

#include <array>

using namespace logboom;
using namespace logboom::rpc;

namespace {

using HeadBytes = std::array<std::byte, frame_head_bytes>;

FrameHead example() {
    FrameHead head;
    head.kind = FrameKind::reply;
    head.method = Method::ship;
    head.correlation_id = 0x01020304;
    head.header_bytes = 300;
    head.payload_bytes = 70'000;
    head.header_crc = 0xA1B2C3D4;
    return head;
}

HeadBytes encoded(const FrameHead& head) {
    HeadBytes bytes;
    encode_frame_head(head, bytes.data());
    return bytes;
}

/// After a field was changed on purpose: the checksum is right again.
void sign(HeadBytes& bytes) {
    codec::store_be(bytes.data() + 24, codec::crc32c(ByteView(bytes).first(24)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frame)

BOOST_AUTO_TEST_CASE(every_changed_bit_of_a_head_is_noticed) {
    for (std::size_t bit = 0; bit < frame_head_bytes * 8; ++bit) {
        HeadBytes bytes = encoded(example());
        bytes[bit / 8] ^= std::byte(1u << (bit % 8));
        const auto head = decode_frame_head(bytes, FrameLimits());
        BOOST_REQUIRE(!head.has_value());
        const bool is_version = bit / 8 == 4;
        BOOST_TEST((head.code() == (is_version ? ErrorCode::unsupported : ErrorCode::malformed)));
    }
}

BOOST_AUTO_TEST_CASE(another_version_is_refused_with_a_sentence_that_names_both) {
    HeadBytes bytes = encoded(example());
    bytes[4] = std::byte(9);
    const auto head = decode_frame_head(bytes, FrameLimits());
    BOOST_REQUIRE(!head.has_value());
    BOOST_TEST(
        refusal_text(bytes, head.error()) == "frame version 9 is not spoken here, only version 1"
    );
}

BOOST_AUTO_TEST_CASE(unknown_kinds_and_methods_are_unsupported) {
    HeadBytes bytes = encoded(example());
    bytes[5] = std::byte(3);
    sign(bytes);
    BOOST_TEST((decode_frame_head(bytes, FrameLimits()).code() == ErrorCode::unsupported));
    bytes = encoded(example());
    bytes[6] = std::byte(0x7F);
    sign(bytes);
    BOOST_TEST((decode_frame_head(bytes, FrameLimits()).code() == ErrorCode::unsupported));
}

BOOST_AUTO_TEST_CASE(lengths_above_the_limits_of_the_door_are_too_large) {
    FrameLimits limits;
    limits.header_bytes_max = 299;
    BOOST_TEST((decode_frame_head(encoded(example()), limits).code() == ErrorCode::too_large));
    limits.header_bytes_max = 300;
    limits.payload_bytes_max = 69'999;
    BOOST_TEST((decode_frame_head(encoded(example()), limits).code() == ErrorCode::too_large));
    limits.payload_bytes_max = 70'000;
    BOOST_TEST(decode_frame_head(encoded(example()), limits).has_value());
}

BOOST_AUTO_TEST_CASE(random_heads_are_refused_and_change_nothing) {
    Rng rng(7);
    for (int round = 0; round < 20'000; ++round) {
        HeadBytes bytes;
        for (std::byte& byte : bytes) {
            byte = std::byte(rng.below(256));
        }
        if (rng.chance(0.5)) {
            codec::store_be(bytes.data(), frame_magic);
            bytes[4] = std::byte(frame_version);
            sign(bytes);
        }
        const auto head = decode_frame_head(bytes, request_limits());
        if (head.has_value()) {
            BOOST_TEST(head->header_bytes <= limits::rpc_request_header_bytes_max);
            BOOST_TEST(head->payload_bytes <= limits::rpc_payload_bytes_max);
        } else {
            BOOST_TEST(!refusal_text(bytes, head.error()).empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_head_has_the_documented_bytes_and_is_read_back) {
    const HeadBytes bytes = encoded(example());
    BOOST_TEST(
        to_hex(ByteView(bytes).first(24))
        == "4c42465201010002"
           "01020304"
           "0000012c"
           "00011170"
           "a1b2c3d4"
    );
    const auto head = decode_frame_head(bytes, FrameLimits());
    BOOST_REQUIRE(head.has_value());
    BOOST_TEST((*head == example()));
}

BOOST_AUTO_TEST_CASE(an_appended_frame_carries_length_and_checksum_of_its_header) {
    Buffer out;
    append_frame(example(), as_bytes("header"), out);
    BOOST_TEST(out.size() == frame_head_bytes + 6);
    const auto head = decode_frame_head(out.view(), FrameLimits());
    BOOST_REQUIRE(head.has_value());
    BOOST_TEST(head->header_bytes == 6u);
    BOOST_TEST(head->header_crc == codec::crc32c(as_bytes("header")));
    BOOST_TEST(as_text(out.view().subspan(frame_head_bytes)) == "header");
}

BOOST_AUTO_TEST_SUITE_END()
