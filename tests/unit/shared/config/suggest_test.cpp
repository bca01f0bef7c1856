#include "shared/config/suggest.h"

#include <boost/test/unit_test.hpp>

using namespace logboom::config;

BOOST_AUTO_TEST_SUITE(suggest)

BOOST_AUTO_TEST_CASE(swapped_neighbours_are_one_edit) {
    BOOST_TEST(distance("topic", "tpoic") == 1u);
    BOOST_TEST(distance("topic", "topic") == 0u);
    BOOST_TEST(distance("", "abc") == 3u);
    BOOST_TEST(distance("exlude", "exclude") == 1u);
    BOOST_TEST(distance("kitten", "sitting") == 3u);
}

BOOST_AUTO_TEST_CASE(nothing_is_suggested_for_a_word_that_is_not_near) {
    BOOST_TEST(nearest("banana", {"topic", "paths", "exclude"}) == "");
    BOOST_TEST(nearest("xy", {"id", "pin"}) == "");
    BOOST_TEST(nearest(std::string(5000, 'a'), {"aaaa"}) == "");
}

BOOST_AUTO_TEST_CASE(the_nearest_word_is_suggested) {
    BOOST_TEST(nearest("exlude", {"include", "exclude"}) == "exclude");
    BOOST_TEST(nearest("begining", {"beginning", "end"}) == "beginning");
    BOOST_TEST(nearest("shard", {"shards"}) == "shards");
    BOOST_TEST(nearest("in_flight_max_bytes", {"in_flight_bytes_max"}) == "");
    BOOST_TEST(nearest("in_flight_byte_max", {"in_flight_bytes_max"}) == "in_flight_bytes_max");
}

BOOST_AUTO_TEST_SUITE_END()
