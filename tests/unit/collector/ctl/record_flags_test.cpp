#include "collector/ctl/record_flags.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

using Partitions = std::vector<std::int32_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(lists_of_partitions)

BOOST_AUTO_TEST_CASE(what_is_no_list_of_partitions_is_refused) {
    for (const std::string_view text : {"x", "1-", "-1", "2-1", "1,,2", "2147483648"}) {
        BOOST_TEST(!parse_partitions(text).has_value(), text);
    }
}

BOOST_AUTO_TEST_CASE(a_range_of_more_partitions_than_a_topic_has_is_refused) {
    BOOST_TEST(!parse_partitions("0-2147483647").has_value());
}

BOOST_AUTO_TEST_CASE(a_list_may_end_with_the_largest_number_that_there_is) {
    BOOST_TEST((parse_partitions("2147483646-2147483647") == Partitions{2147483646, 2147483647}));
    BOOST_TEST((parse_partitions("2147483647") == Partitions{2147483647}));
}

BOOST_AUTO_TEST_CASE(each_partition_is_taken_once_in_ascending_order) {
    BOOST_TEST((parse_partitions("5-7,0,6") == Partitions{0, 5, 6, 7}));
}

BOOST_AUTO_TEST_SUITE_END()
