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
    const agent::LoadedAgentConfig loaded = load_with("kqueue");
    BOOST_TEST(!loaded.loaded.ok());
    BOOST_TEST(loaded.loaded.problems.text().find("backend") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_backend_is_taken_by_its_name_and_a_choice_by_itself) {
    const std::vector<std::pair<std::string, io::BackendChoice>> names{
        {"auto", io::BackendChoice::automatic},
        {"uring", io::BackendChoice::uring},
        {"poll", io::BackendChoice::poll}};
    for (const auto& [name, choice] : names) {
        const agent::LoadedAgentConfig loaded = load_with(name);
        BOOST_TEST(loaded.loaded.ok());
        BOOST_TEST((loaded.config.backend == choice));
    }
}

BOOST_AUTO_TEST_SUITE_END()
