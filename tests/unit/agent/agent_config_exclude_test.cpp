#include "agent/agent_config.h"
#include "tests/support/config_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::agent;

namespace {

std::string problems_with(const std::string& exclude) {
    const std::string text =
        "[[input.file]]\nname = \"app\"\npaths = [\"/var/log/*.log\"]\nexclude = " + exclude + "\n";
    return load_agent_config(test::main_file(text).request()).loaded.problems.text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_config_exclude)

BOOST_AUTO_TEST_CASE(an_exclusion_that_can_match_nothing_is_an_error_that_says_what_to_write) {
    // T3: nobody may believe that a file is left out which is not.
    const std::string text = problems_with("[\"*.gz\", \"private/*.log\"]");
    BOOST_TEST(
        text.find("x.toml:4:11: error: \"private/*.log\" excludes nothing") != std::string::npos,
        text
    );
    BOOST_TEST(text.find("\"**/private/*.log\"") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(names_absolute_paths_and_paths_at_any_depth_are_good) {
    const std::string text = problems_with("[\"*.gz\", \"/var/log/private/**\", \"**/tmp/*.log\"]");
    BOOST_TEST(text == "");
}

BOOST_AUTO_TEST_SUITE_END()
