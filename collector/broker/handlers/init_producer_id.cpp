#include "shared/kafka/messages/init_producer_id.h"

#include "collector/broker/handlers/handlers.h"

namespace logboom::broker {

// A producer that comes with an id of its own gets a new one, too: it counts its sequence numbers from 0
// again, and nobody else uses the new id. Transactions are not served; clients take the error as final.
Task<Reply> handle_init_producer_id(Broker& broker, Request request) {
    const auto asked =
        kafka::InitProducerIdRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("InitProducerId cannot be read");
    }
    kafka::InitProducerIdResponse response;
    response.producer_epoch = -1;
    if (asked->transactional_id) {
        response.error_code = asked->transactional_id->empty()
                                ? kafka::KafkaError::invalid_request
                                : kafka::KafkaError::transactional_id_authorization_failed;
        co_return reply_with(broker.env().pool, request.header, response);
    }
    const Result<ProducerId> given = co_await broker.producer_ids.next(broker.shard);
    if (given) {
        response.producer_id = given->value;
        response.producer_epoch = 0;
    } else {
        response.error_code = kafka::KafkaError::coordinator_not_available;  // clients ask again
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
