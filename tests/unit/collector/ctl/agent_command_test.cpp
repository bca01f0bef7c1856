#include "collector/ctl/agent_command.h"

#include "shared/json/json_value.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

constexpr WallTime now{std::chrono::seconds(1'795'341'600)};  // 2026-11-22T10:00:00Z

constexpr std::string_view fleet = R"([
 {"agent":"9f1c00000000000000000000000000e2","host":"web07","version":"1.4.0","state":"ok",
  "connections":1,"last_seen":"2026-11-22T09:59:57.100Z","reason":null},
 {"agent":"a77b0000000000000000000000000009","host":"db\u001b02","version":"1.3.2","state":"offline",
  "connections":0,"last_seen":"2026-11-22T09:54:00Z","reason":"not connected","more":[1]}
])";

std::string shown(const std::string_view answer, const AgentListOptions& options = {}) {
    const auto text = agents_as_text(answer, options, now);
    return text.has_value() ? text.value() : "failure: " + text.error().what;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_command)

BOOST_AUTO_TEST_CASE(what_is_no_list_is_a_failure) {
    const AgentListOptions options{.api = {"lb1", 7462}};
    const std::string failure = "failure: lb1:7462 answered something else than a list";
    BOOST_TEST(shown("<html>", options) == failure);
    BOOST_TEST(shown("{}", options) == failure);
    BOOST_TEST(shown("[7,null]", options).find("AGENT") == 0u);
}

BOOST_AUTO_TEST_CASE(a_table_shows_the_fleet_and_nothing_that_a_terminal_would_obey) {
    BOOST_TEST(
        shown(fleet)
        == "AGENT    HOST      VERSION  LAST SEEN  STATE    REASON\n"
           "9f1c\u2026e2  web07     1.4.0           2s  ok       -\n"
           "a77b\u202609  db\\x1b02  1.3.2           6m  offline  not connected\n"
    );
}

BOOST_AUTO_TEST_CASE(only_problems_are_shown_when_asked_for) {
    const std::string text = shown(fleet, {.is_problem_only = true});
    BOOST_TEST(text.find("web07") == std::string::npos);
    BOOST_TEST(text.find("offline") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(json_is_one_array) {
    const auto parsed = json::parse_json(shown(fleet, {.format = ListFormat::json}));
    BOOST_REQUIRE(parsed.has_value());
    BOOST_REQUIRE(parsed->array()->size() == 2u);
    BOOST_TEST(parsed->array()->front().text("host") == "web07");
    BOOST_TEST(parsed->array()->back().number("connections").value() == 0);
    BOOST_TEST(shown("[]", {.format = ListFormat::json}) == "[]\n");
}

BOOST_AUTO_TEST_CASE(addresses_of_the_api_are_read) {
    const auto address = [](const std::string_view text) {
        const auto parsed = parse_api_address(text);
        return parsed.has_value() ? to_string(*parsed) : std::string("none");
    };
    BOOST_TEST(address("http://lb1:7462") == "lb1:7462");
    BOOST_TEST(address("http://[::1]/") == "[::1]:7462");
    BOOST_TEST(address("lb1") == "lb1:7462");
    for (const char* const bad : {"", "http://", "https://lb1", "lb1/api", "http://lb1:0"}) {
        BOOST_TEST(address(bad) == "none", bad);
    }
}

BOOST_AUTO_TEST_SUITE_END()
