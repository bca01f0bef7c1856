#include "agent/source/file/retry_list.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace logboom;
using namespace logboom::source;

namespace {

using Keys = std::vector<std::string>;

constexpr SteadyTime start{1000s};

}  // namespace

BOOST_AUTO_TEST_SUITE(retry_list)

BOOST_AUTO_TEST_CASE(pauses_double_from_a_second_to_a_minute) {
    // T6.
    Nanos pause{};
    for (const Nanos expected : std::vector<Nanos>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        pause = next_retry_pause(pause);
        BOOST_TEST((pause == expected));
    }
}

BOOST_AUTO_TEST_CASE(what_is_due_is_taken_once_until_it_is_put_off_again) {
    RetryList<std::string> list;
    list.put_off("a", start);
    BOOST_TEST(list.take_due(start + 999ms).empty());
    BOOST_TEST((list.next_due() == start + 1s));
    BOOST_TEST(list.take_due(start + 1s) == Keys{"a"}, boost::test_tools::per_element());
    BOOST_TEST(list.take_due(start + 1h).empty());
    BOOST_TEST((list.next_due() == no_deadline));
    BOOST_TEST(list.contains("a"));
    list.put_off("a", start + 1s);
    BOOST_TEST((list.next_due() == start + 3s));
}

BOOST_AUTO_TEST_CASE(a_key_put_off_again_before_its_time_does_not_wait_longer_each_time) {
    RetryList<std::string> list;
    for (int i = 0; i < 10; ++i) {
        BOOST_TEST((list.put_off("a", start).pause == Nanos(1s)));
    }
    BOOST_TEST(list.size() == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_told_since_when_a_key_is_in_the_list) {
    RetryList<std::string> list;
    list.put_off("a", start);
    BOOST_TEST((list.put_off("a", start + 5s).since == start));
    list.forget("a");
    BOOST_TEST(!list.contains("a"));
    BOOST_TEST((list.put_off("a", start + 9s).since == start + 9s));
    BOOST_TEST((list.put_off("a", start + 9s).pause == Nanos(1s)));
}

BOOST_AUTO_TEST_CASE(the_earliest_of_several_is_due_first) {
    RetryList<std::string> list;
    list.put_off("later", start + 10s);
    list.put_off("sooner", start);
    BOOST_TEST((list.next_due() == start + 1s));
    BOOST_TEST(list.take_due(start + 5s) == Keys{"sooner"}, boost::test_tools::per_element());
    BOOST_TEST((list.next_due() == start + 11s));
}

BOOST_AUTO_TEST_SUITE_END()
