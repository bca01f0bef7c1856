#include "collector/ctl/tail_command.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

TopicLayout topic_named(const std::string& name, const bool is_internal = false) {
    TopicLayout topic;
    topic.name = name;
    topic.is_internal = is_internal;
    return topic;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tail_command)

BOOST_AUTO_TEST_CASE(topics_of_our_own_are_followed_only_when_asked_for) {
    BOOST_TEST(follows({}, topic_named("app")));
    BOOST_TEST(!follows({}, topic_named("lb.loss")));
    BOOST_TEST(!follows({}, topic_named("__consumer_offsets", true)));
    BOOST_TEST(!follows({"*"}, topic_named("lb.loss")));
    BOOST_TEST(follows({"lb.*"}, topic_named("lb.loss")));
    BOOST_TEST(follows({"lb.loss"}, topic_named("lb.loss")));
    BOOST_TEST(follows({"__consumer_offsets"}, topic_named("__consumer_offsets", true)));
}

BOOST_AUTO_TEST_CASE(names_and_globs_look_at_whole_names) {
    BOOST_TEST(follows({"web", "app-?"}, topic_named("app-1")));
    BOOST_TEST(!follows({"web", "app-?"}, topic_named("app-10")));
    BOOST_TEST(!follows({"app"}, topic_named("app-1")));
}

BOOST_AUTO_TEST_CASE(a_cursor_is_read_as_it_is_written) {
    const TailCursor cursor = {{{"app", 0}, 128}, {{"app", 10}, 0}, {{"web.x_y-z", 1}, INT64_MAX}};
    const std::string text = to_string(cursor);
    BOOST_TEST(text == "app/0@128,app/10@0,web.x_y-z/1@9223372036854775807");
    BOOST_TEST((parse_tail_cursor(text) == cursor));
    for (const char* const bad :
         {"",
          ",",
          "app",
          "app/0",
          "app@1",
          "/0@1",
          "app/0@",
          "app/@1",
          "app/0@-1",
          "app/x@1",
          "app@1/0",
          "app/0@1x",
          "app/0@9223372036854775808"}) {
        BOOST_TEST(!parse_tail_cursor(bad).has_value(), bad);
    }
}

BOOST_AUTO_TEST_SUITE_END()
