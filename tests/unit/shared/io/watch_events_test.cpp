#include "shared/io/watch_events.h"

#include <boost/test/unit_test.hpp>

#include <sys/inotify.h>

#include <string>

using namespace logboom;
using namespace logboom::io;

namespace {

/// A head that claims `claimed` bytes of a name, and the bytes that are there.
std::string event(const int watch, const std::uint32_t claimed, const std::string& padded) {
    inotify_event head{};
    head.wd = watch;
    head.mask = IN_MODIFY;
    head.cookie = 9;
    head.len = claimed;
    return std::string(as_text(std::as_bytes(std::span(&head, 1)))) + padded;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(watch_events)

BOOST_AUTO_TEST_CASE(an_event_that_is_not_whole_is_left_out) {
    const std::string whole = event(1, 4, std::string("a\0\0\0", 4));
    BOOST_TEST(parse_watch_events({}).empty());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        BOOST_TEST(parse_watch_events(as_bytes(whole).first(size)).empty(), size);
        BOOST_TEST(parse_watch_events(as_bytes(whole + whole.substr(0, size))).size() == 1u, size);
    }
    BOOST_TEST(parse_watch_events(as_bytes(event(1, UINT32_MAX, "abcd"))).empty());
}

BOOST_AUTO_TEST_CASE(a_name_ends_at_its_first_zero_byte_or_with_its_event) {
    const std::string bytes = event(1, 4, std::string("a\0b\0", 4)) + event(2, 4, "abcd")
                            + event(3, 0, "");
    const auto events = parse_watch_events(as_bytes(bytes));
    BOOST_REQUIRE(events.size() == 3u);
    BOOST_TEST(events[0].name == "a");
    BOOST_TEST(events[1].name == "abcd");
    BOOST_TEST(events[2].name.empty());
    BOOST_TEST(events[2].watch == 3);
    BOOST_TEST(events[2].mask == static_cast<std::uint32_t>(IN_MODIFY));
    BOOST_TEST(events[2].cookie == 9u);
}

BOOST_AUTO_TEST_SUITE_END()
