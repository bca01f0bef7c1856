// Our errors in Kafka's numbers: the one table of this door.
#pragma once

#include "shared/base/result.h"
#include "shared/kafka/kafka_error.h"
#include "shared/record/batch_checker.h"

namespace logboom::broker {

/// Never `unknown_server_error`: an idempotent producer would give up on a batch that may have been
/// appended (kafka-protocol 2.4).
[[nodiscard]] kafka::KafkaError to_kafka(ErrorCode code) noexcept;
[[nodiscard]] kafka::KafkaError to_kafka(record::BatchFault fault) noexcept;

}  // namespace logboom::broker
