#include "collector/broker/dispatch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;

BOOST_AUTO_TEST_SUITE(dispatch)

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
    bool has_find_coordinator = false;
    for (const broker::Route& route : broker::routes()) {
        has_find_coordinator =
            has_find_coordinator || route.key == kafka::ApiKey::find_coordinator;
    }
    BOOST_TEST(has_find_coordinator);
}

BOOST_AUTO_TEST_SUITE_END()
