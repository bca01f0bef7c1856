#include "shared/codec/compression.h"

#include "shared/base/rng.h"
#include "shared/codec/endian.h"
#include "shared/codec/lz4_frame_encoder.h"
#include "tests/support/pack.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <string>

using namespace logboom;
using codec::CodecId;

namespace {

constexpr std::array packed_codecs{CodecId::gzip, CodecId::snappy, CodecId::lz4, CodecId::zstd};
constexpr std::size_t plenty = 32u << 20;

/// Text that packs about as log lines do.
std::string some_text(Rng& rng, const std::size_t size) {
    std::string text;
    while (text.size() < size) {
        text += "2026-11-15T00:00:00 web-" + std::to_string(rng.below(64))
              + " request completed in " + std::to_string(rng.below(100'000)) + " ms\n";
    }
    text.resize(size);
    return text;
}

std::string unpacked(const CodecId id, const ByteView packed) {
    Buffer out;
    const Result<Ok> result = codec::decompress(id, packed, plenty, out);
    BOOST_REQUIRE(result.has_value());
    return std::string(as_text(out.view()));
}

Buffer lz4_frame(const std::string_view first, const std::string_view rest) {
    codec::Lz4FrameEncoder encoder;
    const std::array pieces{as_bytes(first), as_bytes(rest)};
    Buffer out;
    const std::size_t size = encoder.encode(pieces, out);
    BOOST_TEST(size == out.size());
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compression)

BOOST_AUTO_TEST_CASE(bytes_that_are_cut_anywhere_are_malformed) {
    Rng rng(1);
    const std::string text = some_text(rng, 2000);
    for (const CodecId id : packed_codecs) {
        const Buffer packed = tests::pack(id, as_bytes(text));
        for (std::size_t size = 0; size < packed.size(); ++size) {
            Buffer out;
            const auto result = codec::decompress(id, packed.view().first(size), plenty, out);
            BOOST_REQUIRE(!result.has_value());
            BOOST_REQUIRE((result.code() == ErrorCode::malformed));
        }
    }
}

BOOST_AUTO_TEST_CASE(more_than_the_limit_is_refused_and_exactly_the_limit_is_not) {
    const std::string zeros(1u << 20, '\0');
    for (const CodecId id : packed_codecs) {
        const Buffer packed = tests::pack(id, as_bytes(zeros));
        Buffer out;
        const auto refused = codec::decompress(id, packed.view(), zeros.size() - 1, out);
        BOOST_TEST((refused.code() == ErrorCode::too_large), codec::to_string(id));
        BOOST_TEST(out.capacity() <= 2 * zeros.size());
        BOOST_TEST(codec::decompress(id, packed.view(), zeros.size(), out).has_value());
        BOOST_TEST(out.size() == zeros.size());
    }
}

BOOST_AUTO_TEST_CASE(a_length_that_is_only_claimed_gets_no_memory) {
    // Snappy's length of 16 MiB in front of three bytes; a zstd frame that wants a window of 2 GiB.
    const std::array<std::uint8_t, 7> snappy{0x80, 0x80, 0x80, 0x08, 'a', 'b', 'c'};
    const std::array<std::uint8_t, 9> zstd{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00};
    Buffer out;
    const ByteView snappy_bytes = std::as_bytes(std::span(snappy));
    BOOST_TEST(!codec::decompress(CodecId::snappy, snappy_bytes, plenty, out).has_value());
    const ByteView zstd_bytes = std::as_bytes(std::span(zstd));
    BOOST_TEST(!codec::decompress(CodecId::zstd, zstd_bytes, plenty, out).has_value());
    BOOST_TEST(out.capacity() <= 64u << 10);
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_frame_are_malformed_or_another_member) {
    for (const CodecId id : packed_codecs) {
        Buffer packed = tests::pack(id, as_bytes("hello"));
        packed.append("x");
        Buffer out;
        BOOST_TEST(!codec::decompress(id, packed.view(), plenty, out).has_value());
    }
    for (const CodecId id : {CodecId::gzip, CodecId::zstd}) {
        Buffer packed = tests::pack(id, as_bytes("hello "));
        packed.append(tests::pack(id, as_bytes("world")).view());
        BOOST_TEST(unpacked(id, packed.view()) == "hello world");
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_and_changed_bytes_never_crash) {
    Rng rng(2);
    const std::string text = some_text(rng, 3000);
    for (const CodecId id : packed_codecs) {
        const Buffer good = tests::pack(id, as_bytes(text));
        for (int round = 0; round < 2000; ++round) {
            Buffer bad;
            bad.append(good.view());
            for (std::uint64_t n = 1 + rng.below(4); n != 0; --n) {
                bad.mutable_view()[rng.below(bad.size())] = static_cast<std::byte>(rng.next());
            }
            Buffer out;
            static_cast<void>(codec::decompress(id, bad.view(), 1u << 20, out));
            static_cast<void>(codec::decompress_lz4_prefix(bad.view(), 200, out));
            BOOST_REQUIRE(out.capacity() <= 4u << 20);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_clients_pack_is_read_in_every_size) {
    Rng rng(3);
    Buffer out;
    for (const std::size_t size : {0u, 1u, 100u, 65'535u, 65'537u, 700'000u}) {
        const std::string text = some_text(rng, size);
        for (const CodecId id : packed_codecs) {
            BOOST_TEST((unpacked(id, tests::pack(id, as_bytes(text)).view()) == text));
        }
        BOOST_TEST((unpacked(CodecId::none, as_bytes(text)) == text));
        const Buffer xerial = tests::pack_xerial(as_bytes(text), 32u << 10);
        BOOST_TEST((unpacked(CodecId::snappy, xerial.view()) == text));
        const Buffer linked = tests::pack_linked_lz4(as_bytes(text));
        BOOST_TEST((unpacked(CodecId::lz4, linked.view()) == text));
    }
}

BOOST_AUTO_TEST_CASE(a_frame_of_ours_is_independent_without_checksums_and_ends_with_its_mark) {
    Rng rng(4);
    for (const std::size_t size : {1000u, 64u << 10, (64u << 10) + 1, 1u << 20}) {
        const std::string text = some_text(rng, size);
        const Buffer frame = lz4_frame(text.substr(0, 100), text.substr(100));
        const bool is_small = size <= (64u << 10);
        BOOST_TEST(
            to_hex(frame.view().first(7)) == (is_small ? "04224d18604082" : "04224d186050fb")
        );
        BOOST_TEST(to_hex(frame.view().last(4)) == "00000000");
        BOOST_TEST((unpacked(CodecId::lz4, frame.view()) == text));
    }
}

BOOST_AUTO_TEST_CASE(an_encoder_that_was_used_before_writes_the_same_frame) {
    Rng rng(5);
    codec::Lz4FrameEncoder encoder;
    for (int round = 0; round < 20; ++round) {
        const std::string text = some_text(rng, rng.below(300'000));
        const std::array pieces{as_bytes(text), ByteView()};
        Buffer out;
        out.append("before");
        const std::size_t size = encoder.encode(pieces, out);
        BOOST_TEST(as_text(out.view().first(6)) == "before");
        BOOST_TEST(size == out.size() - 6);
        BOOST_TEST((unpacked(CodecId::lz4, out.view().subspan(6)) == text));
    }
}

BOOST_AUTO_TEST_CASE(the_front_of_a_frame_is_read_without_looking_at_what_follows) {
    Rng rng(6);
    const std::string text = some_text(rng, 500'000);
    const std::string first = text.substr(0, 300);
    Buffer frame = lz4_frame(first, text.substr(300));
    Buffer out;
    for (const std::size_t wanted :
         {0u, 1u, 5u, 300u, 301u, 70'000u, 499'999u, 500'000u, 900'000u}) {
        BOOST_TEST(codec::decompress_lz4_prefix(frame.view(), wanted, out).has_value());
        BOOST_TEST(out.size() >= std::min(wanted, text.size()));
        BOOST_TEST((text.starts_with(as_text(out.view()))));
    }
    // All behind the first block is wiped out, and the first record can still be had.
    constexpr std::size_t header_bytes = 7;
    std::uint32_t first_block_bytes = 0;
    std::memcpy(&first_block_bytes, frame.data() + header_bytes, sizeof first_block_bytes);
    for (std::byte& byte : frame.mutable_view().subspan(header_bytes + 4 + first_block_bytes)) {
        byte = std::byte{0xff};
    }
    BOOST_TEST(codec::decompress_lz4_prefix(frame.view(), 300, out).has_value());
    BOOST_TEST(as_text(out.view()) == first);
    BOOST_TEST(!codec::decompress_lz4_prefix(frame.view(), 301, out).has_value());
}

BOOST_AUTO_TEST_CASE(the_front_of_linked_blocks_is_unsupported) {
    Rng rng(7);
    const Buffer linked = tests::pack_linked_lz4(as_bytes(some_text(rng, 200'000)));
    Buffer out;
    const auto result = codec::decompress_lz4_prefix(linked.view(), 10, out);
    BOOST_TEST((result.code() == ErrorCode::unsupported));
}

BOOST_AUTO_TEST_SUITE_END()
