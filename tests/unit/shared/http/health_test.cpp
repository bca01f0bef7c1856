#include "shared/http/health.h"

#include <boost/test/unit_test.hpp>

using namespace logboom::http;

BOOST_AUTO_TEST_SUITE(health)

BOOST_AUTO_TEST_CASE(one_failed_check_makes_readiness_503_and_says_which) {
    const Response response =
        readyz_response({{"log_recovery", false, "37/112 \"partitions\""}, {"disk", true, ""}});
    BOOST_TEST(response.status == 503);
    BOOST_TEST(
        response.body
        == "{\"ready\":false,\"checks\":[{\"name\":\"log_recovery\",\"ok\":false,"
           "\"detail\":\"37/112 \\\"partitions\\\"\"},{\"name\":\"disk\",\"ok\":true}]}\n"
    );
}

BOOST_AUTO_TEST_CASE(all_checks_passed_is_200) {
    BOOST_TEST(readyz_response({{"disk", true, ""}}).status == 200);
    BOOST_TEST(healthz_response().body == "ok\n");
}

BOOST_AUTO_TEST_CASE(a_response_is_encoded_with_its_length_and_HEAD_leaves_the_body_out) {
    Response response;
    response.body = "ok\n";
    const std::string text = encode_response(response, Connection::close);
    BOOST_TEST(text.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain"));
    BOOST_TEST(text.find("Content-Length: 3\r\nConnection: close\r\n") != std::string::npos);
    BOOST_TEST(text.ends_with("\r\n\r\nok\n"));
    const std::string head = encode_response(response, Connection::keep_alive, Body::left_out);
    BOOST_TEST(head.find("Content-Length: 3\r\n") != std::string::npos);
    BOOST_TEST(head.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(metrics_are_served_as_prometheus_text) {
    logboom::metrics::Registry registry;
    registry.counter("x_total", "X.").add(2);
    const Response response = metrics_response(registry);
    BOOST_TEST(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
    BOOST_TEST(response.body == registry.text());
}

BOOST_AUTO_TEST_SUITE_END()
