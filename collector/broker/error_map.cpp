#include "collector/broker/error_map.h"

namespace logboom::broker {

using kafka::KafkaError;

KafkaError to_kafka(const ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::internal:
    case ErrorCode::cancelled:
    case ErrorCode::timed_out:
    case ErrorCode::closed:
    case ErrorCode::rejected: return KafkaError::request_timed_out;
    case ErrorCode::io:
    case ErrorCode::no_space:
    case ErrorCode::storage_failed:
    case ErrorCode::busy: return KafkaError::kafka_storage_error;
    case ErrorCode::corrupt: return KafkaError::corrupt_message;
    case ErrorCode::malformed: return KafkaError::invalid_record;
    case ErrorCode::unsupported: return KafkaError::unsupported_version;
    case ErrorCode::too_large: return KafkaError::message_too_large;
    case ErrorCode::not_found: return KafkaError::unknown_topic_or_partition;
    case ErrorCode::already_exists: return KafkaError::topic_already_exists;
    case ErrorCode::not_leader: return KafkaError::not_leader_or_follower;
    case ErrorCode::out_of_range: return KafkaError::offset_out_of_range;
    case ErrorCode::fenced: return KafkaError::invalid_producer_epoch;
    case ErrorCode::invalid_argument: return KafkaError::invalid_request;
    case ErrorCode::out_of_order: return KafkaError::out_of_order_sequence_number;
    }
    LB_UNREACHABLE("ErrorCode");
}

KafkaError to_kafka(const record::BatchFault fault) noexcept {
    switch (fault) {
    case record::BatchFault::truncated:
    case record::BatchFault::bad_crc: return KafkaError::corrupt_message;
    case record::BatchFault::too_large: return KafkaError::message_too_large;
    case record::BatchFault::old_magic: return KafkaError::unsupported_for_message_format;
    case record::BatchFault::unknown_codec:
    case record::BatchFault::zstd_not_allowed: return KafkaError::unsupported_compression_type;
    case record::BatchFault::append_time:
    case record::BatchFault::timestamp_range: return KafkaError::invalid_timestamp;
    case record::BatchFault::empty:
    case record::BatchFault::several_batches:
    case record::BatchFault::bad_counts:
    case record::BatchFault::control_batch:
    case record::BatchFault::wrong_mark:
    case record::BatchFault::bad_producer:
    case record::BatchFault::bad_records: return KafkaError::invalid_record;
    }
    LB_UNREACHABLE("BatchFault");
}

}  // namespace logboom::broker
