#define BOOST_TEST_MODULE shared_metrics
#include "shared/metrics/registry.h"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace logboom::metrics;

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(label_values_and_help_are_escaped) {
    Registry registry;
    registry.gauge("x_info", "Line\nand \\ and \"quotes\".", {{"v", "a\"b\\c\nd"}}).set(1);
    BOOST_TEST(
        registry.text()
        == "# HELP x_info Line\\nand \\\\ and \"quotes\".\n"
           "# TYPE x_info gauge\n"
           "x_info{v=\"a\\\"b\\\\c\\nd\"} 1\n"
    );
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_have_their_prometheus_names) {
    Registry registry;
    registry.gauge("a", "A.").set(std::numeric_limits<double>::infinity());
    registry.gauge("b", "B.").set(-std::numeric_limits<double>::infinity());
    registry.gauge("c", "C.").set(std::numeric_limits<double>::quiet_NaN());
    const std::string text = registry.text();
    BOOST_TEST(text.find("\na +Inf\n") != std::string::npos);
    BOOST_TEST(text.find("\nb -Inf\n") != std::string::npos);
    BOOST_TEST(text.find("\nc NaN\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_empty_registry_is_an_empty_text) {
    BOOST_TEST(Registry().text() == "");
}

BOOST_AUTO_TEST_CASE(the_text_is_sorted_and_the_cells_of_shards_are_added_up) {
    Registry registry;
    Gauge& behind = registry.gauge("logboom_agent_source_bytes_behind", "Not yet acknowledged.");
    behind.set(10.5);
    behind.add(-0.25);
    Counter& first = registry.counter("logboom_agent_events_total", "Records.", {{"input", "b"}});
    Counter& second = registry.counter("logboom_agent_events_total", "Records.", {{"input", "b"}});
    registry.counter("logboom_agent_events_total", "Records.", {{"input", "a"}}).add(3);
    first.add();
    second.add(41);
    Histogram& one =
        registry.histogram("logboom_agent_ack_seconds", "Time.", {0.1, 1}, {{"x", "y"}});
    Histogram& two =
        registry.histogram("logboom_agent_ack_seconds", "Time.", {0.1, 1}, {{"x", "y"}});
    one.observe(0.1);
    one.observe(0.5);
    two.observe(0.25);
    two.observe(7);
    BOOST_TEST(
        registry.text()
        == "# HELP logboom_agent_ack_seconds Time.\n"
           "# TYPE logboom_agent_ack_seconds histogram\n"
           "logboom_agent_ack_seconds_bucket{x=\"y\",le=\"0.1\"} 1\n"
           "logboom_agent_ack_seconds_bucket{x=\"y\",le=\"1\"} 3\n"
           "logboom_agent_ack_seconds_bucket{x=\"y\",le=\"+Inf\"} 4\n"
           "logboom_agent_ack_seconds_sum{x=\"y\"} 7.85\n"
           "logboom_agent_ack_seconds_count{x=\"y\"} 4\n"
           "# HELP logboom_agent_events_total Records.\n"
           "# TYPE logboom_agent_events_total counter\n"
           "logboom_agent_events_total{input=\"a\"} 3\n"
           "logboom_agent_events_total{input=\"b\"} 42\n"
           "# HELP logboom_agent_source_bytes_behind Not yet acknowledged.\n"
           "# TYPE logboom_agent_source_bytes_behind gauge\n"
           "logboom_agent_source_bytes_behind 10.25\n"
    );
}

BOOST_AUTO_TEST_SUITE_END()
