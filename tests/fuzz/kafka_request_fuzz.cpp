// What Kafka's clients send: the content of one frame, header and body.
#include "tests/fuzz/kafka_messages.h"

using namespace logboom;

namespace {

void check_frame_size(const ByteView bytes) {
    constexpr std::uint32_t bytes_max = 1u << 20;
    const auto size = kafka::decode_frame_size(bytes.first(kafka::frame_prefix_bytes), bytes_max);
    LB_ASSERT(!size || *size <= bytes_max);
}

void check_header(const kafka::RequestHeader& header) {
    if (!header.is_served()) {
        return;
    }
    Buffer bytes;
    kafka::Writer writer(bytes);
    encode_request_header(
        writer, header.api->key, header.api_version, header.correlation_id, header.client_id
    );
    const fuzz::Exact exact(bytes.view());
    kafka::Reader reader(exact.view());
    const Result<kafka::RequestHeader> again = kafka::decode_request_header(reader);
    LB_ASSERT(again.has_value() && reader.remaining_bytes() == 0);
    LB_ASSERT(again->api == header.api && again->api_version == header.api_version);
    LB_ASSERT(again->correlation_id == header.correlation_id);
    LB_ASSERT(again->client_id == header.client_id);
}

}  // namespace

LB_FUZZ_TARGET(kafka_request) {
    const ByteView bytes = fuzz::view_of(data, size);
    if (size >= kafka::frame_prefix_bytes) {
        check_frame_size(bytes);
    }
    kafka::Reader reader(bytes);
    const Result<kafka::RequestHeader> header = kafka::decode_request_header(reader);
    if (header) {
        check_header(*header);
        const auto* const requests = static_cast<const fuzz::Requests*>(nullptr);
        fuzz::check_any(requests, reader, header->api_key, header->api_version);
    }
    return 0;
}
