// What `[io] backend` may say: only what there is.
#include "agent/agent_config.h"
#include "tests/support/config_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;

namespace {

agent::LoadedAgentConfig load_with(const std::string& backend) {
    return agent::load_agent_config(
        test::main_file(
            "[io]\nbackend = \"" + backend
            + "\"\n[[input.file]]\nname = \"a\"\npaths = [\"/var/log/*.log\"]\n"
        )
            .request()
    );
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_backend)

BOOST_AUTO_TEST_CASE(a_backend_that_does_not_exist_is_refused) {
    const agent::LoadedAgentConfig loaded = load_with("poll");
    BOOST_TEST(!loaded.loaded.ok());
    BOOST_TEST(loaded.loaded.problems.text().find("backend") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(io_uring_is_taken_by_itself_and_by_name) {
    BOOST_TEST(load_with("auto").loaded.ok());
    BOOST_TEST(load_with("uring").loaded.ok());
}

BOOST_AUTO_TEST_SUITE_END()
