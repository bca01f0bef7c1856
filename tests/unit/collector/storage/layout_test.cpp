#include "collector/storage/layout.h"

#include <boost/test/unit_test.hpp>

#include <array>

using namespace logboom;
using namespace logboom::storage;

BOOST_AUTO_TEST_SUITE(layout)

BOOST_AUTO_TEST_CASE(a_name_of_another_form_is_no_segment) {
    constexpr std::array<std::string_view, 10> others{
        "",
        ".log",
        "0.log",
        "00000000000000000001",
        "00000000000000000001.log.tmp",
        "00000000000000000001.offsetindex",
        "000000000000000000001.log",
        "-0000000000000000001.log",
        "+0000000000000000001.log",
        "0000000000000000000x.log"};
    for (const std::string_view name : others) {
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(!parse_segment_file_name(name, log_suffix).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(an_offset_beyond_63_bits_is_no_segment) {
    BOOST_TEST(!parse_segment_file_name("-0000000000000000000.log", log_suffix).has_value());
    BOOST_TEST(parse_segment_file_name("09223372036854775807.log", log_suffix).has_value());
    BOOST_TEST(!parse_segment_file_name("09223372036854775808.log", log_suffix).has_value());
    BOOST_TEST(!parse_segment_file_name("99999999999999999999.log", log_suffix).has_value());
}

BOOST_AUTO_TEST_CASE(a_segments_name_is_its_base_offset_in_20_digits_and_comes_back) {
    BOOST_TEST(segment_file_name(Offset(0), log_suffix) == "00000000000000000000.log");
    BOOST_TEST(
        segment_file_name(Offset(1234567), time_index_suffix) == "00000000000001234567.timeindex"
    );
    for (const std::int64_t base : {std::int64_t{0}, std::int64_t{42}, INT64_MAX}) {
        const std::string name = segment_file_name(Offset(base), offset_index_suffix);
        BOOST_TEST(parse_segment_file_name(name, offset_index_suffix)->value == base);
    }
}

BOOST_AUTO_TEST_CASE(a_partitions_directory_is_its_topics_id_and_its_index) {
    PartitionKey key;
    key.topic[0] = std::byte{0xab};
    key.topic[15] = std::byte{0x01};
    key.index = PartitionIndex(12);
    BOOST_TEST(partition_dir_name(key) == "ab000000000000000000000000000001-12");
}

BOOST_AUTO_TEST_SUITE_END()
