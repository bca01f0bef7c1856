// A producer that costs as little as possible: batches made beforehand, five Produce requests in flight.
//
//   produce_load PORT TOPIC CORPUS REPEAT
//
// Sends the corpus REPEAT times to partition 0 with acks=all, one batch of 256 KiB raw text a request, and
// prints one JSON object. The requests are Kafka's Produce version 7.
#include "shared/codec/byte_reader.h"
#include "tests/bench/corpus.h"
#include "tests/bench/kafka_wire.h"
#include "tests/bench/loopback.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace logboom::bench {

namespace {

constexpr std::size_t in_flight_max = 5;
constexpr std::int16_t api_produce = 0;
constexpr std::int16_t produce_version = 7;

void send_batch(const int socket, const std::string_view topic, const ByteView batch) {
    Buffer request;
    begin_request(request, api_produce, produce_version);
    put(request, std::int16_t{-1});  // no transactional id
    put(request, std::int16_t{-1});  // acks=all
    put(request, std::int32_t{30'000});
    put(request, std::int32_t{1});
    put_string(request, topic);
    put(request, std::int32_t{1});
    put(request, std::int32_t{0});  // partition
    put(request, static_cast<std::int32_t>(batch.size()));
    send_request(socket, request, batch);
}

/// The error code of the only partition.
std::int16_t receive_error_code(const int socket) {
    Buffer answer;
    receive_answer(socket, answer);
    codec::ByteReader reader(answer.view());
    static_cast<void>(reader.be<std::int32_t>());  // correlation
    static_cast<void>(reader.be<std::int32_t>());  // count of topics
    static_cast<void>(reader.bytes(static_cast<std::size_t>(reader.be<std::int16_t>())));
    static_cast<void>(reader.be<std::int32_t>());  // count of partitions
    static_cast<void>(reader.be<std::int32_t>());  // index
    const auto code = reader.be<std::int16_t>();
    if (!reader.ok()) {
        give_up("an answer is cut");
    }
    return code;
}

void expect_success(const int socket) {
    const std::int16_t code = receive_error_code(socket);
    if (code != 0) {
        std::fprintf(stderr, "the collector answered Produce with error %d\n", code);
        std::exit(1);
    }
}

/// A topic that was just created may have no leader for a moment.
void wait_until_writable(const int socket, const std::string_view topic, const ByteView batch) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        send_batch(socket, topic, batch);
        if (receive_error_code(socket) == 0) {
            return;
        }
        usleep(50'000);
    }
    std::fprintf(stderr, "the topic does not become writable\n");
    std::exit(1);
}

void produce(
    const int socket, const std::string_view topic, const BatchedCorpus& corpus, const int repeat
) {
    std::size_t in_flight = 0;
    for (int round = 0; round < repeat; ++round) {
        for (const Buffer& batch : corpus.batches) {
            if (in_flight == in_flight_max) {
                expect_success(socket);
                --in_flight;
            }
            send_batch(socket, topic, batch.view());
            ++in_flight;
        }
    }
    for (; in_flight != 0; --in_flight) {
        expect_success(socket);
    }
}

int run(const int argc, char** const argv) {
    if (argc != 5) {
        std::fputs("usage: produce_load PORT TOPIC CORPUS REPEAT\n", stderr);
        return 2;
    }
    const BatchedCorpus corpus = batch_corpus(argv[3], Marked::no);
    if (corpus.batches.empty()) {
        std::fputs("the corpus is empty\n", stderr);
        return 1;
    }
    const std::string_view topic = argv[2];
    const int repeat = std::atoi(argv[4]);
    const int socket = connect_to(static_cast<std::uint16_t>(std::atoi(argv[1])));
    create_topic(socket, topic);
    wait_until_writable(socket, topic, corpus.batches.front().view());
    const double begin = now_seconds();
    produce(socket, topic, corpus, repeat);
    std::printf(
        "{\"raw_bytes\":%llu,\"packed_bytes\":%llu,\"seconds\":%.4f}\n",
        static_cast<unsigned long long>(corpus.raw_bytes) * static_cast<unsigned>(repeat),
        static_cast<unsigned long long>(corpus.packed_bytes) * static_cast<unsigned>(repeat),
        now_seconds() - begin
    );
    return 0;
}

}  // namespace

}  // namespace logboom::bench

int main(const int argc, char** const argv) {
    return logboom::bench::run(argc, argv);
}
