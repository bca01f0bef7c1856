// Why something that a client asked for is not done: a code for its program and a sentence for its user.
#pragma once

#include "shared/kafka/kafka_error.h"

#include <string>

namespace logboom::broker {

struct Refusal {
    kafka::KafkaError code = kafka::KafkaError::none;  // none: it is not refused
    std::string message;

    [[nodiscard]] bool is_set() const noexcept { return code != kafka::KafkaError::none; }
};

/// The answer to a change that was made although its client does not wait for it: a client that gives no
/// time is told that it ran out, as by Kafka (kafka-protocol 2.3).
[[nodiscard]] inline Refusal out_of_time(const std::int32_t timeout_ms) {
    if (timeout_ms > 0) {
        return {};
    }
    return {
        kafka::KafkaError::request_timed_out, "it is done, but there was no time to wait for it"};
}

}  // namespace logboom::broker
