// As much of Kafka's protocol as the benchmarks' clients need, over plain blocking sockets: the clients must
// cost little, and what they measure must not be their own code under test.
#pragma once

#include "shared/base/bytes.h"
#include "shared/codec/endian.h"

#include <cstdint>
#include <string_view>

namespace logboom::bench {

template <typename T>
void put(Buffer& out, const T value) {
    codec::store_be(out.extend(sizeof(T)), value);
}
void put_string(Buffer& out, std::string_view text);

/// Empties `out` and writes the header of a request up to its body.
void begin_request(Buffer& out, std::int16_t api, std::int16_t version);
/// `payload` follows the request's own bytes and is the end of the frame.
void send_request(int socket, Buffer& request, ByteView payload = {});
/// Without its length; `answer`'s room is reused.
void receive_answer(int socket, Buffer& answer);

/// Asks for the topic, which creates it.
void create_topic(int socket, std::string_view topic);

/// What one Fetch of one partition was answered with. The batches are a view into the answer.
struct Fetched {
    std::int16_t error = 0;
    std::int64_t high_watermark = 0;
    ByteView batches;
};
/// Asks for `bytes_max` of partition 0 from `offset`; waits at the collector until there is something.
[[nodiscard]] Fetched fetch(
    int socket, std::string_view topic, std::int64_t offset, std::int32_t bytes_max, Buffer& answer
);

}  // namespace logboom::bench
