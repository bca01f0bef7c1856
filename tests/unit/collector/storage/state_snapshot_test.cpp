#include "collector/storage/state_snapshot.h"

#include "shared/codec/crc32c.h"
#include "shared/codec/crc_frame.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::storage;

namespace {

SegmentFacts some_facts(const std::int64_t base, const std::int64_t end) {
    SegmentFacts facts;
    facts.base_offset = Offset(base);
    facts.end_offset = Offset(end);
    facts.size_bytes = 1000;
    facts.largest = {1'700'000'000'000, Offset(base), Offset(end - 1)};
    facts.last_epoch = LeaderEpoch(3);
    facts.first_append_ms = 5;
    facts.last_append_ms = 9;
    facts.offset_index_crc = 0x01020304;
    facts.time_index_crc = 0xf0f1f2f3;
    return facts;
}

std::string file_of(const Offset offset) {
    StateSections sections;
    sections.add(StateSectionId::agents).append("positions");
    encode_segment_facts({some_facts(0, 70)}, sections.add(StateSectionId::segments));
    Buffer file;
    encode_state_snapshot(offset, sections, file);
    return std::string(as_text(file.view()));
}

/// A file with such a head, written as another program would, and `behind` it.
std::string file_with(const std::string& head, const std::string& behind) {
    Buffer file;
    codec::append_framed_file("LBST", state_snapshot_version, as_bytes(head), file);
    file.append(behind);
    return std::string(as_text(file.view()));
}

/// One section of no bytes, in Protobuf.
std::string section(const char id, const char version) {
    return {'\x12', '\x09', '\x08', id, '\x10', version, '\x25', 0, 0, 0, 0};
}

ErrorCode code_of(const std::string& file, const std::int64_t offset) {
    const Result<StateSections> decoded = decode_state_snapshot(as_bytes(file), Offset(offset));
    return decoded ? ErrorCode{} : decoded.code();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_snapshot)

BOOST_AUTO_TEST_CASE(a_snapshot_that_is_cut_longer_or_has_a_flipped_bit_is_not_believed) {
    const std::string good = file_of(Offset(70));
    for (std::size_t size = 0; size < good.size(); ++size) {
        BOOST_REQUIRE((code_of(good.substr(0, size), 70) != ErrorCode{}));
    }
    BOOST_TEST((code_of(good + '\0', 70) == ErrorCode::corrupt));
    for (std::size_t at = 0; at < good.size(); ++at) {
        if (at >= 5 && at < 8) {
            continue;  // three bytes of the head that say nothing
        }
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1u << bit));
            BOOST_REQUIRE((code_of(bad, 70) != ErrorCode{}));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_snapshot_under_another_offsets_name_is_not_believed) {
    BOOST_TEST((code_of(file_of(Offset(70)), 71) == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(another_version_and_a_section_that_is_unknown_or_of_another_version_is_refused
) {
    std::string other = file_of(Offset(70));
    other[4] = 2;
    BOOST_TEST((code_of(other, 70) == ErrorCode::unsupported));
    const std::string offset_5{'\x08', '\x05'};
    const std::string is_whole{'\x18', '\x01'};
    BOOST_TEST((code_of(file_with(offset_5 + is_whole, ""), 5) == ErrorCode{}));
    const std::string known = file_with(offset_5 + section(2, 1) + is_whole, "");
    BOOST_TEST((code_of(known, 5) == ErrorCode{}));
    const std::string unknown = file_with(offset_5 + section(4, 1) + is_whole, "");
    BOOST_TEST((code_of(unknown, 5) == ErrorCode::unsupported));
    const std::string newer = file_with(offset_5 + section(2, 2) + is_whole, "");
    BOOST_TEST((code_of(newer, 5) == ErrorCode::unsupported));
}

BOOST_AUTO_TEST_CASE(a_head_that_contradicts_itself_is_not_believed) {
    const std::string offset_5{'\x08', '\x05'};
    const std::string is_whole{'\x18', '\x01'};
    BOOST_TEST((code_of(file_with(offset_5 + section(2, 1), ""), 5) == ErrorCode::corrupt));
    const std::string twice = offset_5 + section(2, 1) + section(2, 1) + is_whole;
    BOOST_TEST((code_of(file_with(twice, ""), 5) == ErrorCode::corrupt));
    const std::string falling = offset_5 + section(2, 1) + section(1, 1) + is_whole;
    BOOST_TEST((code_of(file_with(falling, ""), 5) == ErrorCode::corrupt));
    const std::string behind = offset_5 + section(2, 1) + is_whole;
    BOOST_TEST((code_of(file_with(behind, "x"), 5) == ErrorCode::corrupt));
    std::string too_long = offset_5 + section(2, 1) + is_whole;
    too_long.insert(8, {'\x18', '\x7f'});  // 127 bytes of which there are none
    too_long[3] = '\x0b';
    BOOST_TEST((code_of(file_with(too_long, ""), 5) == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(segments_with_a_hole_between_them_are_not_believed) {
    const auto is_good = [](const std::vector<SegmentFacts>& segments) {
        Buffer bytes;
        encode_segment_facts(segments, bytes);
        return decode_segment_facts(bytes.view()).has_value();
    };
    BOOST_TEST(is_good({some_facts(5, 9), some_facts(9, 12)}));
    BOOST_TEST(!is_good({some_facts(5, 9), some_facts(10, 12)}));
    BOOST_TEST(!is_good({some_facts(5, 9), some_facts(8, 12)}));
    BOOST_TEST(!is_good({some_facts(9, 5)}));
    BOOST_TEST(!is_good({some_facts(-1, 5)}));
    BOOST_TEST(!decode_segment_facts(as_bytes("\x0a\x05noise!")).has_value());
}

BOOST_AUTO_TEST_CASE(a_segment_whose_largest_time_is_negative_is_not_believed) {
    BOOST_TEST(!decode_segment_facts(
                    as_bytes("\x0a\x0d\x10\x01\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
    )
                    .has_value());
    BOOST_TEST(decode_segment_facts(as_bytes("\x0a\x04\x10\x01\x28\x01")).has_value());
}

// Made from the description in LAYOUT.md by a program that shares no code with ours.
BOOST_AUTO_TEST_CASE(a_snapshot_has_exactly_these_bytes) {
    BOOST_TEST(
        to_hex(as_bytes(file_of(Offset(70))))
        == "4c425354010000000000001eb393441b0846120b080110011820258122b67112"
           "0b08021001180925dfcc3e5518010a1e104618e80720032880d095ffbc313845"
           "4005480955040302015df3f2f1f0706f736974696f6e73"
    );
}

BOOST_AUTO_TEST_CASE(what_is_written_comes_back) {
    const std::string file = file_of(Offset(70));
    const Result<StateSections> sections = decode_state_snapshot(as_bytes(file), Offset(70));
    BOOST_REQUIRE(sections.has_value());
    BOOST_TEST(as_text(sections->bytes_of(StateSectionId::agents)) == "positions");
    BOOST_TEST(sections->bytes_of(StateSectionId::producers).empty());
    SegmentFacts without_time = some_facts(70, 80);
    without_time.largest = LargestTimestamp();
    without_time.last_epoch = LeaderEpoch(-1);
    without_time.first_append_ms = without_time.last_append_ms = -1;
    const std::vector<SegmentFacts> segments{some_facts(0, 70), without_time};
    Buffer bytes;
    encode_segment_facts(segments, bytes);
    BOOST_TEST((*decode_segment_facts(bytes.view()) == segments));
    BOOST_TEST(decode_segment_facts(ByteView())->empty());
}

BOOST_AUTO_TEST_SUITE_END()
