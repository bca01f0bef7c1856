#include "shared/codec/crc_frame.h"

#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace logboom;
using codec::CrcFrameReader;

namespace {

Buffer frames_of(const std::vector<std::string>& payloads) {
    Buffer out;
    for (const std::string& payload : payloads) {
        codec::append_crc_frame(as_bytes(payload), out);
    }
    return out;
}

struct Walk {
    std::vector<std::string> payloads;
    CrcFrameReader::Found last = CrcFrameReader::Found::end;
    std::size_t whole_bytes = 0;
};

Walk walk_over(const ByteView frames) {
    Walk walk;
    CrcFrameReader reader(frames);
    ByteView payload;
    while ((walk.last = reader.next(payload)) == CrcFrameReader::Found::frame) {
        walk.payloads.emplace_back(as_text(payload));
    }
    walk.whole_bytes = reader.position();
    return walk;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crc_frame)

BOOST_AUTO_TEST_CASE(frames_cut_anywhere_end_after_the_last_whole_one) {
    const Buffer frames = frames_of({"one", "two two"});
    const std::size_t first_bytes = frames_of({"one"}).size();
    for (std::size_t size = 0; size < frames.size(); ++size) {
        const Walk walk = walk_over(frames.view().first(size));
        const bool is_first_whole = size >= first_bytes;
        BOOST_REQUIRE(walk.payloads.size() == (is_first_whole ? 1u : 0u));
        BOOST_REQUIRE(walk.whole_bytes == (is_first_whole ? first_bytes : 0u));
        // Cut between two frames, or within zeros of a length, nothing shows that more was meant.
        const bool is_torn = walk.last == CrcFrameReader::Found::torn;
        BOOST_REQUIRE((is_torn || size - walk.whole_bytes < 4));
    }
}

BOOST_AUTO_TEST_CASE(every_changed_byte_is_noticed) {
    const Buffer frames = frames_of({"a payload"});
    for (std::size_t at = 0; at < frames.size(); ++at) {
        Buffer bad;
        bad.append(frames.view());
        bad.mutable_view()[at] ^= std::byte{0x40};
        BOOST_REQUIRE(walk_over(bad.view()).payloads.empty());
        BOOST_REQUIRE((walk_over(bad.view()).last == CrcFrameReader::Found::torn));
    }
}

BOOST_AUTO_TEST_CASE(a_tail_of_zeros_is_the_end_and_anything_behind_it_is_not) {
    Buffer frames = frames_of({"one"});
    for (int i = 0; i < 100; ++i) {
        *frames.extend(1) = std::byte{0};
    }
    BOOST_TEST((walk_over(frames.view()).last == CrcFrameReader::Found::end));
    frames.append("x");
    BOOST_TEST((walk_over(frames.view()).last == CrcFrameReader::Found::torn));
    BOOST_TEST(walk_over(frames.view()).payloads.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_of_another_kind_or_version_is_told_apart_from_a_damaged_one) {
    Buffer file;
    codec::append_framed_file("LBXX", 1, as_bytes("content"), file);
    BOOST_TEST((codec::read_framed_file(file.view(), "LBYY", 1).code() == ErrorCode::malformed));
    BOOST_TEST((codec::read_framed_file(file.view(), "LBXX", 2).code() == ErrorCode::unsupported));
    const ByteView cut = file.view().first(file.size() - 1);
    BOOST_TEST((codec::read_framed_file(cut, "LBXX", 1).code() == ErrorCode::corrupt));
    BOOST_TEST(as_text(*codec::read_framed_file(file.view(), "LBXX", 1)) == "content");
    file.append("x");
    BOOST_TEST((codec::read_framed_file(file.view(), "LBXX", 1).code() == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(random_payloads_come_back_in_their_order) {
    Rng rng(1);
    std::vector<std::string> payloads;
    for (int i = 0; i < 200; ++i) {
        payloads.emplace_back(1 + rng.below(2000), static_cast<char>(rng.next()));
    }
    const Buffer frames = frames_of(payloads);
    const Walk walk = walk_over(frames.view());
    BOOST_TEST((walk.last == CrcFrameReader::Found::end));
    BOOST_TEST((walk.payloads == payloads));
    BOOST_TEST(walk.whole_bytes == frames.size());
}

BOOST_AUTO_TEST_SUITE_END()
