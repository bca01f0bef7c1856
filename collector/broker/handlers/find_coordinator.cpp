#include "shared/kafka/messages/find_coordinator.h"

#include "collector/broker/handlers/handlers.h"

namespace logboom::broker {

// Consumer groups are not served: every key is answered with COORDINATOR_NOT_AVAILABLE, which clients
// take as "later". The API is advertised because librdkafka looks for its version 0 before it
// believes that a broker knows lz4 and groups (gotcha 2).
Task<Reply> handle_find_coordinator(Broker& broker, Request request) {
    const auto asked =
        kafka::FindCoordinatorRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("FindCoordinator cannot be read");
    }
    const char* message = "consumer groups are not served by this collector";
    auto error = kafka::KafkaError::coordinator_not_available;
    constexpr std::int8_t transactional_id = 1;
    constexpr std::int8_t key_type_max = 2;  // groups, transactions, share groups
    if (asked->key_type == transactional_id) {
        // Not "later": a transactional producer would ask for ever.
        message = "transactions are not served by this collector";
        error = kafka::KafkaError::transactional_id_authorization_failed;
    } else if (asked->key_type < 0 || asked->key_type > key_type_max) {
        message = "unknown type of coordinator";
        error = kafka::KafkaError::invalid_request;
    }
    kafka::FindCoordinatorResponse response;
    response.error_code = error;
    response.error_message = message;
    for (const std::string_view key : asked->coordinator_keys) {
        kafka::FindCoordinatorResponse::Coordinator coordinator;
        coordinator.key = key;
        coordinator.error_code = error;
        coordinator.error_message = message;
        response.coordinators.push_back(coordinator);
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
