// What agents and collectors say to each other: the Protobuf header of one frame. The first byte says of
// which message; of a ShipRequest the payload's size follows.
#include "shared/rpc/agent_messages.h"

#include "shared/base/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::rpc;

namespace {

constexpr auto encode_any = [](const auto& message, Buffer& out) { encode(message, out); };

void check_ship_request(const ByteView header, const std::uint32_t payload_bytes) {
    const auto decode = [payload_bytes](const ByteView bytes) {
        return decode_ship_request(bytes, payload_bytes);
    };
    const Result<ShipRequest> request = fuzz::decode_and_back(header, decode, encode_any);
    if (request) {
        LB_ASSERT(request->batches.size() <= limits::rpc_batches_per_request_max);
        std::uint64_t sum_bytes = 0;
        for (const BatchEnvelope& batch : request->batches) {
            LB_ASSERT(batch.size_bytes != 0 && batch.partition.value >= 0);
            LB_ASSERT(!batch.topic.empty() && batch.topic.size() <= limits::topic_name_bytes_max);
            sum_bytes += batch.size_bytes;
        }
        LB_ASSERT(sum_bytes == payload_bytes);
    }
}

void check_hello_request(const ByteView header) {
    const Result<HelloRequest> request =
        fuzz::decode_and_back(header, decode_hello_request, encode_any);
    if (request) {
        LB_ASSERT(request->topics.size() <= limits::agent_topics_per_hello);
        LB_ASSERT(request->host.size() <= limits::agent_name_bytes_max);
    }
}

void check_ship_reply(const ByteView header) {
    const Result<ShipReply> reply = fuzz::decode_and_back(header, decode_ship_reply, encode_any);
    if (reply) {
        for (const BatchResult& result : reply->results) {
            LB_ASSERT(*to_string(result.status) != '\0');
        }
    }
}

}  // namespace

LB_FUZZ_TARGET(agent_messages) {
    fuzz::Input input(data, size);
    switch (input.take<std::uint8_t>() % 5) {
    case 0: check_hello_request(input.rest()); break;
    case 1: fuzz::check_round_trip(input.rest(), decode_hello_reply, encode_any); break;
    case 2: {
        const auto payload_bytes = input.take<std::uint32_t>();
        check_ship_request(input.rest(), payload_bytes);
        break;
    }
    case 3: check_ship_reply(input.rest()); break;
    default: fuzz::check_round_trip(input.rest(), decode_ping_reply, encode_any); break;
    }
    return 0;
}
