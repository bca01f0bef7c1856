#include "collector/broker/dispatch.h"

#include "shared/kafka/messages/api_versions.h"
#include "shared/kafka/messages/metadata.h"
#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <utility>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using Then = broker::Reply::Then;

namespace {

/// A request whose header is of version 1 and whose body is empty.
broker::Reply dispatch(BrokerWorld& world, const std::int16_t api_key, const std::int16_t version) {
    Buffer frame;
    kafka::Writer writer(frame);
    writer.i16(api_key);
    writer.i16(version);
    writer.i32(BrokerWorld::correlation_id);
    writer.nullable_string("test", kafka::Form::classic);
    broker::Request request = world.request_of_frame(frame.view());
    return world.machine.run(broker::dispatch(world.broker(), std::move(request)));
}

kafka::ApiVersionsRequest some_client() {
    kafka::ApiVersionsRequest request;
    request.client_software_name = "a-client";
    request.client_software_version = "1.2.3";
    return request;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dispatch_of_requests)

BOOST_AUTO_TEST_CASE(what_is_not_served_closes_the_connection_with_a_reason) {
    BrokerWorld world;
    constexpr std::array<std::pair<int, int>, 5> not_served{
        {{999, 0}, {0, 2}, {0, 99}, {1, 3}, {3, -1}}};
    for (const auto& [key, version] : not_served) {
        const broker::Reply reply =
            dispatch(world, static_cast<std::int16_t>(key), static_cast<std::int16_t>(version));
        BOOST_TEST((reply.then == Then::close));
        BOOST_TEST(reply.why.find("is not served") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_read_closes_the_connection) {
    BrokerWorld world;
    for (const broker::Route& route : broker::routes()) {
        const kafka::ApiInfo& info = kafka::api_info(route.key);
        Buffer frame;
        kafka::Writer writer(frame);
        kafka::encode_request_header(
            writer, info.key, info.served_max, BrokerWorld::correlation_id, "test"
        );
        writer.raw(as_bytes("\xff\xff\xff"));
        broker::Request request = world.request_of_frame(frame.view());
        const broker::Reply reply =
            world.machine.run(broker::dispatch(world.broker(), std::move(request)));
        BOOST_TEST_CONTEXT(info.name) {
            BOOST_TEST((reply.then == Then::close));
            BOOST_TEST(reply.why.find("cannot be read") != std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(an_unknown_version_of_api_versions_is_answered_in_version_0) {
    BrokerWorld world;
    for (const std::int16_t version : {std::int16_t{5}, std::int16_t{99}, std::int16_t{-1}}) {
        const broker::Reply reply = dispatch(world, 18, version);
        const auto response = world.answer_in<kafka::ApiVersionsResponse>(reply, 0);
        BOOST_TEST((response.error_code == KafkaError::unsupported_version));
        BOOST_REQUIRE(response.api_keys.size() == 1u);
        BOOST_TEST(response.api_keys[0].api_key == 18);
        BOOST_TEST(response.api_keys[0].min_version == 0);
        BOOST_TEST(response.api_keys[0].max_version < 5);
    }
}

BOOST_AUTO_TEST_CASE(api_versions_tells_just_what_has_a_handler) {
    BrokerWorld world;
    const auto response = world.answer_to<kafka::ApiVersionsResponse>(some_client());
    BOOST_TEST((response.error_code == KafkaError::none));
    BOOST_REQUIRE(response.api_keys.size() == broker::routes().size());
    for (std::size_t i = 0; i < response.api_keys.size(); ++i) {
        const kafka::ApiInfo& info = kafka::api_info(broker::routes()[i].key);
        BOOST_TEST(response.api_keys[i].api_key == static_cast<std::int16_t>(info.key));
        BOOST_TEST(response.api_keys[i].min_version == info.advertised_min);
        BOOST_TEST(response.api_keys[i].max_version == info.advertised_max);
    }
}

BOOST_AUTO_TEST_CASE(a_client_whose_software_has_no_proper_name_is_told_so) {
    BrokerWorld world;
    for (const std::string_view bad : {"", "-a", "a-", "a b", "a\n"}) {
        kafka::ApiVersionsRequest request = some_client();
        request.client_software_name = bad;
        const auto response = world.answer_to<kafka::ApiVersionsResponse>(request);
        BOOST_TEST((response.error_code == KafkaError::invalid_request));
        BOOST_TEST(response.api_keys.empty());
        request = some_client();
        request.client_software_version = bad;
        const auto other = world.answer_to<kafka::ApiVersionsResponse>(request);
        BOOST_TEST((other.error_code == KafkaError::invalid_request));
    }
    // Older versions do not name it.
    kafka::ApiVersionsRequest request;
    const auto response = world.answer_to<kafka::ApiVersionsResponse>(request, 2);
    BOOST_TEST((response.error_code == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(routes_stand_in_the_order_of_their_keys_and_each_once) {
    const auto routes = broker::routes();
    for (std::size_t i = 1; i < routes.size(); ++i) {
        BOOST_TEST((routes[i - 1].key < routes[i].key));
    }
}

// librdkafka looks for these versions before it believes in codecs and groups (gotchas 1 and 2).
BOOST_AUTO_TEST_CASE(versions_that_old_clients_look_for_are_advertised) {
    BOOST_TEST(kafka::api_info(kafka::ApiKey::produce).advertised_min == 0);
    BOOST_TEST(kafka::api_info(kafka::ApiKey::produce).served_min == 3);
    BOOST_TEST(kafka::api_info(kafka::ApiKey::find_coordinator).advertised_min == 0);
    const bool has_find_coordinator = std::ranges::any_of(
        broker::routes(),
        [](const broker::Route& route) { return route.key == kafka::ApiKey::find_coordinator; }
    );
    BOOST_TEST(has_find_coordinator);
}

BOOST_AUTO_TEST_SUITE_END()
