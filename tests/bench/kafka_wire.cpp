#include "tests/bench/kafka_wire.h"

#include "shared/codec/byte_reader.h"
#include "tests/bench/loopback.h"

#include <array>

namespace logboom::bench {

namespace {

constexpr std::int16_t api_fetch = 1;
constexpr std::int16_t api_metadata = 3;
constexpr std::int16_t fetch_version = 4;
constexpr std::int16_t metadata_version = 4;
constexpr std::int32_t wait_ms_max = 500;

void receive_or_give_up(const int socket, const MutableByteView bytes) {
    if (!receive_all(socket, bytes)) {
        give_up("the collector closed the connection");
    }
}

}  // namespace

void put_string(Buffer& out, const std::string_view text) {
    put(out, static_cast<std::int16_t>(text.size()));
    out.append(text);
}

void begin_request(Buffer& out, const std::int16_t api, const std::int16_t version) {
    out.clear();
    put(out, std::int32_t{0});  // length, filled in by send_request
    put(out, api);
    put(out, version);
    put(out, std::int32_t{1});  // correlation: answers come in the order of the requests
    put_string(out, "bench");
}

void send_request(const int socket, Buffer& request, const ByteView payload) {
    const std::size_t length = request.size() - 4 + payload.size();
    codec::store_be(request.data(), static_cast<std::int32_t>(length));
    send_all(socket, request.view());
    send_all(socket, payload);
}

void receive_answer(const int socket, Buffer& answer) {
    std::array<std::byte, 4> prefix{};
    receive_or_give_up(socket, prefix);
    answer.resize(codec::load_be<std::uint32_t>(prefix.data()));
    receive_or_give_up(socket, answer.mutable_view());
}

void create_topic(const int socket, const std::string_view topic) {
    Buffer request;
    begin_request(request, api_metadata, metadata_version);
    put(request, std::int32_t{1});
    put_string(request, topic);
    put(request, std::int8_t{1});  // allow_auto_topic_creation
    send_request(socket, request);
    Buffer answer;
    receive_answer(socket, answer);
}

Fetched fetch(
    const int socket,
    const std::string_view topic,
    const std::int64_t offset,
    const std::int32_t bytes_max,
    Buffer& answer
) {
    Buffer request;
    begin_request(request, api_fetch, fetch_version);
    put(request, std::int32_t{-1});  // not a replica
    put(request, wait_ms_max);
    put(request, std::int32_t{1});  // min_bytes
    put(request, bytes_max);
    put(request, std::int8_t{0});  // read_uncommitted
    put(request, std::int32_t{1});
    put_string(request, topic);
    put(request, std::int32_t{1});
    put(request, std::int32_t{0});  // partition
    put(request, offset);
    put(request, bytes_max);
    send_request(socket, request);
    receive_answer(socket, answer);

    codec::ByteReader reader(answer.view());
    static_cast<void>(reader.be<std::int32_t>());  // correlation
    static_cast<void>(reader.be<std::int32_t>());  // throttle
    static_cast<void>(reader.be<std::int32_t>());  // count of topics
    static_cast<void>(reader.bytes(static_cast<std::size_t>(reader.be<std::int16_t>())));
    static_cast<void>(reader.be<std::int32_t>());  // count of partitions
    static_cast<void>(reader.be<std::int32_t>());  // index
    Fetched fetched;
    fetched.error = reader.be<std::int16_t>();
    fetched.high_watermark = reader.be<std::int64_t>();
    static_cast<void>(reader.be<std::int64_t>());  // last stable offset
    const auto aborted = reader.be<std::int32_t>();
    const auto size = reader.be<std::int32_t>();
    if (aborted > 0) {
        give_up("transactions in a topic of ours");
    }
    fetched.batches = reader.bytes(static_cast<std::size_t>(size < 0 ? 0 : size));
    if (!reader.ok()) {
        give_up("an answer is cut");
    }
    return fetched;
}

}  // namespace logboom::bench
