#define BOOST_TEST_MODULE agent
#include "agent/agent_config.h"

#include "tests/support/config_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::agent;
using test::main_file;

namespace {

const std::string one_input = "[[input.file]]\nname = \"app\"\npaths = [\"/var/log/*.log\"]\n";

std::string problems_of(const std::string& text) {
    return load_agent_config(main_file(text).request()).loaded.problems.text();
}
bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_config)

BOOST_AUTO_TEST_CASE(a_configuration_without_inputs_is_an_error_that_names_the_table) {
    BOOST_TEST(
        has(problems_of("[agent]\n"), "x.toml:1:1: error: no input: add an [[input.file]] table")
    );
}

BOOST_AUTO_TEST_CASE(lines_do_not_go_where_losses_are_told) {
    const std::string topic = "topic = \"lb.loss\"\n";
    BOOST_TEST(
        has(problems_of("[output]\n" + topic + one_input), "x.toml:2:9: error: \"lb.loss\" is")
    );
    BOOST_TEST(has(problems_of(one_input + topic), "x.toml:4:9: error: \"lb.loss\" is"));
}

BOOST_AUTO_TEST_CASE(ten_mistakes_are_all_reported_with_their_places) {
    const std::string text = problems_of("[agent]\n"
                                         "state_dir = \"relative\"\n"
                                         "http = \"7463\"\n"
                                         "log_level = \"verbose\"\n"
                                         "[output]\n"
                                         "collector = [\"lb1:7460\"]\n"
                                         "compression = \"zip\"\n"
                                         "batch_age_max = 200\n"
                                         "batch_bytes_max = \"1GiB\"\n"
                                         "[[input.file]]\n"
                                         "name = \"App\"\n"
                                         "paths = [\"*.log\"]\n"
                                         "exlude = [\"*.gz\"]\n");
    for (const char* const place :
         {":2:13:",
          ":3:8:",
          ":4:13:",
          ":6:1:",
          ":7:15:",
          ":8:17:",
          ":9:19:",
          ":11:8:",
          ":12:10:",
          ":13:1:"}) {
        BOOST_TEST(has(text, std::string("/etc/x.toml") + place), place << " in\n" << text);
    }
    BOOST_TEST(has(text, "1 file read, 10 errors."), text);
}

BOOST_AUTO_TEST_CASE(two_inputs_of_one_name_are_an_error) {
    BOOST_TEST(
        has(problems_of(one_input + one_input),
            "two inputs are named \"app\", the first at /etc/x.toml:2")
    );
}

BOOST_AUTO_TEST_CASE(the_defaults_are_those_of_the_documentation) {
    const LoadedAgentConfig made = load_agent_config(main_file(one_input).request());
    BOOST_TEST(made.loaded.problems.text() == "");
    const AgentConfig& config = made.config;
    BOOST_TEST(config.host == "testhost");
    BOOST_TEST(config.state_dir == "/var/lib/logboom-agent");
    BOOST_TEST(config::to_string(config.http.value()) == "127.0.0.1:7463");
    BOOST_TEST(config::to_string(config.collectors.at(0)) == "localhost:7460");
    BOOST_TEST(config.batch_bytes_max == 256u << 10);
    BOOST_TEST((config.batch_age_max == Nanos(200ms)));
    BOOST_TEST(config.in_flight_bytes_max == 8u << 20);
    BOOST_TEST(config.memory_max == 64u << 20);
    BOOST_TEST(config.open_files_max == 4096u);
    const FileInputConfig& input = config.file_inputs.at(0);
    BOOST_TEST(input.topic == "logs");
    BOOST_TEST((input.read_from == ReadFrom::beginning));
    BOOST_TEST((input.ignore_older == Nanos(24h)));
    BOOST_TEST(input.line_bytes_max == 1u << 20);
    BOOST_TEST((input.partial_flush == Nanos(5s)));
    BOOST_TEST(input.rotated_dirs.size() == 3u);
    BOOST_TEST(!input.drop_empty);
}

BOOST_AUTO_TEST_CASE(what_is_set_arrives_in_the_options) {
    const LoadedAgentConfig made = load_agent_config(
        main_file(
            "[agent]\nhttp = \"\"\n[output]\ntopic = \"t\"\ncompression = \"none\"\ncollectors = [\"[::1]:1\", \"b:2\"]\n"
            "[[input.file]]\nname = \"a\"\npaths = [\"/a\"]\ntopic = \"other\"\nread_from = { since = \"2h\" }\n"
            "on_long_line = \"truncate\"\nnotify = \"poll\"\ndrop_empty = true\n"
        )
            .request()
    );
    BOOST_TEST(made.loaded.problems.text() == "");
    BOOST_TEST(!made.config.http.has_value());
    BOOST_TEST(made.config.collectors.size() == 2u);
    BOOST_TEST((made.config.compression == Compression::none));
    const FileInputConfig& input = made.config.file_inputs.at(0);
    BOOST_TEST(input.topic == "other");
    BOOST_TEST((input.read_from == ReadFrom::since));
    BOOST_TEST((input.since == Nanos(2h)));
    BOOST_TEST((input.on_long_line == OnLongLine::truncate));
    BOOST_TEST((input.notify == Notify::poll));
    BOOST_TEST(input.drop_empty);
}

BOOST_AUTO_TEST_CASE(memory_that_has_no_room_for_batches_is_an_error_that_says_how_much_has) {
    // D18: reading stops when there is no room for one more.
    BOOST_TEST(has(problems_of("[agent]\nmemory_max = \"1MiB\"\n" + one_input), "memory_max"));
    const std::string batches = "[output]\nbatch_bytes_max = \"1MiB\"\n" + one_input;
    BOOST_TEST(has(
        problems_of("[agent]\nmemory_max = \"24MiB\"\n" + batches),
        "24 MiB are too little for batches of 1024 KiB ([output] batch_bytes_max): write 72 MiB"
    ));
    BOOST_TEST(problems_of("[agent]\nmemory_max = \"72MiB\"\n" + batches) == "");
    BOOST_TEST(problems_of("[agent]\nmemory_max = \"24MiB\"\n" + one_input) == "");
}

BOOST_AUTO_TEST_CASE(the_example_file_with_every_line_switched_on_is_valid) {
    std::string example = config::example_text(agent_schema());
    for (std::size_t at = 0; (at = example.find("\n# ", at)) != std::string::npos;) {
        const bool is_setting = example.find(" = ", at) < example.find('\n', at + 1);
        const bool is_head = example.compare(at + 3, 1, "[") == 0;
        if (is_setting || is_head) {
            example.erase(at + 1, 2);
        }
        ++at;
    }
    BOOST_TEST(problems_of(example) == "", example);
}

BOOST_AUTO_TEST_SUITE_END()
