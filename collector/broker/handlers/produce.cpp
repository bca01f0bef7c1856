#include "shared/kafka/messages/produce.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"
#include "shared/record/batch_checker.h"

#include <algorithm>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using PartitionResponse = kafka::ProduceResponse::Partition;

// zstd is told to nobody who asks with an older Produce (KIP-110).
constexpr std::int16_t zstd_from_version = 7;

std::optional<replica::Acks> to_acks(const std::int16_t acks) noexcept {
    switch (acks) {
    case -1: return replica::Acks::all;
    case 0: return replica::Acks::none;
    case 1: return replica::Acks::leader;
    default: return std::nullopt;
    }
}

/// The batch's part of the frame, without a copy.
Slice slice_of(const Slice& frame, const ByteView batch) {
    const auto offset = static_cast<std::uint32_t>(batch.data() - frame.data());
    return frame.part(offset, static_cast<std::uint32_t>(batch.size()));
}

/// What to tell the user of a producer besides the code, where something can be done about it.
const char* sentence_for(const ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::fenced: return "a newer epoch of this producer is known";
    case ErrorCode::out_of_order:
        return "the batch does not continue the producer's sequence in this partition";
    case ErrorCode::no_space: return "the log directory is full";
    default: return nullptr;
    }
}

Task<void> append(
    Broker& broker,
    const replica::PartitionPtr partition,
    Slice batch,
    const replica::Acks acks,
    PartitionResponse& response
) {
    std::function<Task<Result<replica::AppendedAt>>()> work =
        [&partition, held = std::move(batch), acks]() mutable {
            return partition->append_as_leader(std::move(held), acks);
        };
    Shard& home = broker.replicas.home_of(*partition);
    const Result<replica::AppendedAt> appended =
        co_await io::call_on(broker.shard, home, std::move(work));
    if (!appended) {
        response.error_code = to_kafka(appended.code());
        if (const char* const sentence = sentence_for(appended.code())) {
            response.error_message = sentence;
        }
        co_return;
    }
    response.base_offset = appended->base_offset.value;
    response.log_append_time_ms = appended->log_append_time_ms;
    response.log_start_offset = appended->log_start_offset.value;
}

/// What the topic takes.
record::BatchCheckOptions check_of(
    const Broker& broker, const replica::Partition& partition, const std::int16_t version
) {
    const metadata::TopicConfig& topic = partition.config();
    record::BatchCheckOptions check;
    check.door = record::Door::kafka;
    check.size_max = std::min<std::size_t>(
        broker.options.batch_bytes_max, static_cast<std::size_t>(topic.max_message_bytes)
    );
    check.is_zstd_allowed = version >= zstd_from_version;
    if (topic.timestamp_type == metadata::TimestampType::create_time) {
        const std::int64_t now_ms = to_unix_ms(broker.env().clock.wall());
        check.timestamp_ms_min = now_ms - topic.timestamp_before_max_ms;
        check.timestamp_ms_max = now_ms
                               + std::min(INT64_MAX - now_ms, topic.timestamp_after_max_ms);
    }
    return check;
}

/// Checks one partition's batch; a good one is queued for its partition inside this call.
void begin_append(
    Broker& broker,
    Scope& appends,
    const Request& request,
    const metadata::TopicImage* topic,
    const kafka::ProduceRequest::Partition& asked,
    const replica::Acks acks,
    PartitionResponse& response
) {
    const bool is_known = topic != nullptr && asked.index >= 0
                       && static_cast<std::size_t>(asked.index) < topic->partitions.size();
    if (!is_known) {
        response.error_code = KafkaError::unknown_topic_or_partition;
        return;
    }
    replica::PartitionPtr partition = broker.replicas.find(topic->id, PartitionIndex(asked.index));
    if (partition == nullptr) {
        response.error_code = KafkaError::leader_not_available;
        return;
    }
    if (metadata::is_internal_topic_name(topic->name)) {
        response.error_code = KafkaError::invalid_topic_exception;
        return;
    }
    const ByteView batch = asked.records.bytes;
    const record::BatchCheckOptions check =
        check_of(broker, *partition, request.header.api_version);
    Buffer scratch;
    const auto checked = record::check_batch(batch, check, scratch);
    if (const auto* const fault = std::get_if<record::BatchFault>(&checked)) {
        response.error_code = to_kafka(*fault);
        response.error_message = to_string(*fault);
        return;
    }
    Slice held = slice_of(request.frame, batch);
    appends.spawn_now(append(broker, std::move(partition), std::move(held), acks, response));
}

bool has_error(const kafka::ProduceResponse& response) noexcept {
    for (const auto& topic : response.responses) {
        for (const PartitionResponse& partition : topic.partition_responses) {
            if (partition.error_code != KafkaError::none) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

Task<Reply> handle_produce(Broker& broker, Request request) {
    const auto asked = kafka::ProduceRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("Produce cannot be read");
    }
    const metadata::ImagePtr image = broker.meta.image();
    std::optional<replica::Acks> acks = to_acks(asked->acks);
    KafkaError refusal = acks ? KafkaError::none : KafkaError::invalid_required_acks;
    if (asked->transactional_id) {
        refusal = KafkaError::transactional_id_authorization_failed;
        acks.reset();
    }
    // The whole shape stands before the first append begins: appends write into it.
    kafka::ProduceResponse response;
    for (const auto& topic : asked->topic_data) {
        auto& answered = response.responses.emplace_back();
        answered.name = topic.name;
        for (const auto& partition : topic.partition_data) {
            auto& answer = answered.partition_responses.emplace_back();
            answer.index = partition.index;
            answer.error_code = refusal;
        }
    }
    Scope appends(broker.env().scheduler);
    for (std::size_t t = 0; acks && t < asked->topic_data.size(); ++t) {
        const auto& topic = asked->topic_data[t];
        const metadata::TopicImage* const found = image->find(topic.name);
        for (std::size_t p = 0; p < topic.partition_data.size(); ++p) {
            begin_append(
                broker,
                appends,
                request,
                found,
                topic.partition_data[p],
                *acks,
                response.responses[t].partition_responses[p]
            );
        }
    }
    co_await appends.join();
    if (asked->acks == 0) {
        if (has_error(response)) {
            co_return close_because("a produce request with acks=0 failed");
        }
        Reply nothing;
        nothing.then = Reply::Then::say_nothing;
        co_return nothing;
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
