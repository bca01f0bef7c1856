// Every message of the Kafka protocol, and what must hold of its bytes.
#pragma once

#include "shared/kafka/header.h"
#include "shared/kafka/messages/api_versions.h"
#include "shared/kafka/messages/create_partitions.h"
#include "shared/kafka/messages/create_topics.h"
#include "shared/kafka/messages/delete_topics.h"
#include "shared/kafka/messages/describe_configs.h"
#include "shared/kafka/messages/fetch.h"
#include "shared/kafka/messages/find_coordinator.h"
#include "shared/kafka/messages/init_producer_id.h"
#include "shared/kafka/messages/list_offsets.h"
#include "shared/kafka/messages/metadata.h"
#include "shared/kafka/messages/produce.h"
#include "tests/fuzz/fuzz.h"

#include <tuple>

namespace logboom::fuzz {

using Requests = std::tuple<
    kafka::ProduceRequest,
    kafka::FetchRequest,
    kafka::ListOffsetsRequest,
    kafka::MetadataRequest,
    kafka::FindCoordinatorRequest,
    kafka::ApiVersionsRequest,
    kafka::CreateTopicsRequest,
    kafka::DeleteTopicsRequest,
    kafka::InitProducerIdRequest,
    kafka::DescribeConfigsRequest,
    kafka::CreatePartitionsRequest>;
using Responses = std::tuple<
    kafka::ProduceResponse,
    kafka::FetchResponse,
    kafka::ListOffsetsResponse,
    kafka::MetadataResponse,
    kafka::FindCoordinatorResponse,
    kafka::ApiVersionsResponse,
    kafka::CreateTopicsResponse,
    kafka::DeleteTopicsResponse,
    kafka::InitProducerIdResponse,
    kafka::DescribeConfigsResponse,
    kafka::CreatePartitionsResponse>;

/// Decodes, encodes and decodes again what `reader` stands at.
template <typename Message>
void check_message(kafka::Reader reader, const std::int16_t version) {
    const auto first = Message::decode(reader, version);
    if (!first.has_value()) {
        LB_ASSERT(first.code() == ErrorCode::malformed);
        return;
    }
    Buffer once;
    kafka::Writer writer(once);
    first->encode(writer, version);
    const Exact again(once.view());
    kafka::Reader second_reader(again.view());
    const auto second = Message::decode(second_reader, version);
    LB_ASSERT(second.has_value() && second_reader.remaining_bytes() == 0);
    LB_ASSERT(*second == *first);
}

/// The message of that API, if it is one of `Each`.
template <typename... Each>
void check_any(
    const std::tuple<Each...>*,
    const kafka::Reader& reader,
    const std::int16_t key,
    const std::int16_t version
) {
    const auto check = [&]<typename Message>(const Message*) {
        const bool is_meant = static_cast<std::int16_t>(Message::api) == key
                           && version >= Message::version_min && version <= Message::version_max;
        if (is_meant) {
            check_message<Message>(reader, version);
        }
    };
    (check(static_cast<const Each*>(nullptr)), ...);
}

}  // namespace logboom::fuzz
