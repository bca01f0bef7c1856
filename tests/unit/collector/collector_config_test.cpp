#define BOOST_TEST_MODULE collector
#include "collector/collector_config.h"

#include "tests/support/config_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::collector;
using test::main_file;

namespace {

std::string problems_of(const std::string& text) {
    return load_collector_config(main_file(text).request()).loaded.problems.text();
}
bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(collector_config)

BOOST_AUTO_TEST_CASE(a_door_beyond_loopback_needs_the_word_insecure) {
    const std::string listener = "[[listener]]\nprotocol = \"kafka\"\nlisten = \"0.0.0.0:9092\"\n";
    BOOST_TEST(has(problems_of(listener), "x.toml:3:10: error: 0.0.0.0:9092 is not loopback"));
    const std::string advertised = listener + "advertise = \"lb1:9092\"\n";
    BOOST_TEST(problems_of(advertised + "[security]\ninsecure = true\n") == "");
}

BOOST_AUTO_TEST_CASE(an_address_that_clients_cannot_connect_to_is_not_advertised) {
    const std::string listener = "[[listener]]\nprotocol = \"kafka\"\nlisten = \"0.0.0.0:9092\"\n";
    const std::string open = "[security]\ninsecure = true\n";
    BOOST_TEST(
        has(problems_of(listener + open), "0.0.0.0:9092 is no address that a client can connect to")
    );
    BOOST_TEST(
        has(problems_of(listener + "advertise = \"0.0.0.0:9092\"\n" + open),
            "x.toml:4:13: error: 0.0.0.0")
    );
}

BOOST_AUTO_TEST_CASE(io_uring_is_needed_unless_epoll_is_asked_for) {
    const auto choice_of = [](const std::string& text) {
        const LoadedCollectorConfig loaded = load_collector_config(main_file(text).request());
        BOOST_TEST(loaded.loaded.ok());
        return loaded.config.backend;
    };
    BOOST_TEST((choice_of("") == io::BackendChoice::uring));
    BOOST_TEST((choice_of("[io]\nbackend = \"uring\"\n") == io::BackendChoice::uring));
    BOOST_TEST((choice_of("[io]\nbackend = \"poll\"\n") == io::BackendChoice::poll));
    BOOST_TEST(has(problems_of("[io]\nbackend = \"auto\"\n"), "x.toml:2:11: error"));
}

BOOST_AUTO_TEST_CASE(a_second_data_directory_is_refused) {
    BOOST_TEST(
        has(problems_of("[node]\ndata_dirs = [\"/a\", \"/b\"]\n"), "one data directory is served")
    );
}

BOOST_AUTO_TEST_CASE(two_listeners_of_one_protocol_are_an_error) {
    const std::string listener = "[[listener]]\nprotocol = \"kafka\"\nlisten = \"127.0.0.1:0\"\n";
    BOOST_TEST(has(
        problems_of(listener + listener), "two listeners for \"kafka\", the first at /etc/x.toml:2"
    ));
}

BOOST_AUTO_TEST_CASE(values_outside_their_range_name_the_bound) {
    BOOST_TEST(has(problems_of("[topic_defaults]\npartitions = 0\n"), "0 is below 1"));
    BOOST_TEST(has(problems_of("[limits]\nmax_message_bytes = \"9MiB\"\n"), "9MiB is above 8MiB"));
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_one_node_on_loopback) {
    const LoadedCollectorConfig made = load_collector_config(main_file("").request());
    BOOST_TEST(made.loaded.problems.text() == "");
    const CollectorConfig& config = made.config;
    BOOST_TEST(!config.id.has_value());
    BOOST_TEST(config.data_dirs.at(0) == "/var/lib/logboom-collector");
    BOOST_TEST(config.listeners.size() == 3u);
    BOOST_TEST(
        config::to_string(config.listener(ListenerProtocol::kafka)->listen) == "127.0.0.1:9092"
    );
    BOOST_TEST(
        config::to_string(config.listener(ListenerProtocol::agents)->listen) == "127.0.0.1:7460"
    );
    BOOST_TEST(
        config::to_string(config.listener(ListenerProtocol::http)->listen) == "127.0.0.1:7462"
    );
    BOOST_TEST(config.partitions == 6);
    BOOST_TEST(config.segment_bytes == 256u << 20);
    BOOST_TEST((config.retention_time == 7 * 24h));
    BOOST_TEST(config.retention_bytes == 0u);
    BOOST_TEST(config.message_bytes_max == 8u << 20);
    BOOST_TEST((config.producer_expiration == 24h));
}

BOOST_AUTO_TEST_CASE(how_long_records_and_producers_are_kept_can_be_set) {
    const LoadedCollectorConfig made = load_collector_config(
        main_file("[topic_defaults]\nretention_time = \"0\"\nretention_bytes = \"10GiB\"\n"
                  "[limits]\nproducer_expiration = \"90m\"\n")
            .request()
    );
    BOOST_TEST(made.loaded.problems.text() == "");
    BOOST_TEST((made.config.retention_time == Nanos::zero()));
    BOOST_TEST(made.config.retention_bytes == 10ull << 30);
    BOOST_TEST((made.config.producer_expiration == 90min));
    BOOST_TEST(has(problems_of("[limits]\nproducer_expiration = \"1s\"\n"), "is below 1m"));
}

BOOST_AUTO_TEST_CASE(dev_is_one_shard_and_one_partition_without_a_file) {
    config::LoadRequest request;
    request.world = test::ConfigFiles().world();
    request.settings = dev_settings("/tmp/d = \"x\"");
    request.settings.push_back("listener[0].listen=127.0.0.1:0");
    const LoadedCollectorConfig made = load_collector_config(request);
    BOOST_TEST(made.loaded.problems.text() == "");
    BOOST_TEST(made.config.data_dirs.at(0) == "/tmp/d = \"x\"");
    BOOST_TEST(made.config.shards == 1u);
    BOOST_TEST(made.config.partitions == 1);
    BOOST_TEST(made.config.listener(ListenerProtocol::kafka)->listen.port == 0);
}

BOOST_AUTO_TEST_SUITE_END()
