#define BOOST_TEST_MODULE collector_broker
#include "collector/broker/error_map.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using kafka::KafkaError;

BOOST_AUTO_TEST_SUITE(error_map)

BOOST_AUTO_TEST_CASE(no_error_of_ours_becomes_one_that_breaks_idempotent_producers) {
    constexpr auto last = static_cast<std::uint16_t>(ErrorCode::out_of_order);
    for (std::uint16_t code = 1; code <= last; ++code) {
        const KafkaError mapped = broker::to_kafka(static_cast<ErrorCode>(code));
        BOOST_TEST((mapped != KafkaError::unknown_server_error));
        BOOST_TEST((mapped != KafkaError::none));
    }
}

BOOST_AUTO_TEST_CASE(every_fault_of_a_batch_is_an_error_to_the_producer) {
    constexpr auto last = static_cast<std::uint8_t>(record::BatchFault::bad_records);
    for (std::uint8_t fault = 0; fault <= last; ++fault) {
        const KafkaError mapped = broker::to_kafka(static_cast<record::BatchFault>(fault));
        BOOST_TEST((mapped != KafkaError::unknown_server_error));
        BOOST_TEST((mapped != KafkaError::none));
    }
}

BOOST_AUTO_TEST_CASE(a_full_or_failed_disk_is_retriable) {
    BOOST_TEST((broker::to_kafka(ErrorCode::no_space) == KafkaError::kafka_storage_error));
    BOOST_TEST((broker::to_kafka(ErrorCode::storage_failed) == KafkaError::kafka_storage_error));
}

BOOST_AUTO_TEST_CASE(what_an_idempotent_producer_did_wrong_has_its_own_errors) {
    BOOST_TEST((broker::to_kafka(ErrorCode::fenced) == KafkaError::invalid_producer_epoch));
    BOOST_TEST(
        (broker::to_kafka(ErrorCode::out_of_order) == KafkaError::out_of_order_sequence_number)
    );
}

BOOST_AUTO_TEST_CASE(a_batch_with_a_wrong_checksum_is_corrupt) {
    BOOST_TEST((broker::to_kafka(record::BatchFault::bad_crc) == KafkaError::corrupt_message));
}

BOOST_AUTO_TEST_SUITE_END()
