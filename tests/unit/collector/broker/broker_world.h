// Kafka's door of one simulated machine without its sockets: requests are dispatched as bytes, and
// the bytes of the answers are decoded.
#pragma once

#include "collector/broker/dispatch.h"
#include "tests/unit/collector/replica/replica_world.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace logboom::tests {

class BrokerWorld : public ReplicaWorld {
public:
    explicit BrokerWorld(const std::size_t shard_count = 1) : ReplicaWorld(shard_count) {
        options.advertise = SocketAddress{"broker.example", 9092};
        start();
    }
    /// Opens everything; also after a crash.
    void start() {
        must_open();
        broker_ = &machine.make<broker::Broker>(broker::Broker{
            machine.shard(),
            store(),
            replicas(),
            topics(),
            producer_ids(),
            hubs().of(machine.shard()),
            options});
    }
    [[nodiscard]] broker::Broker& broker() { return *broker_; }

    /// One request on its way: a frame without its size.
    template <typename Message>
    [[nodiscard]] broker::Request request_of(const Message& message, const std::int16_t version) {
        Buffer out;
        kafka::Writer writer(out);
        kafka::encode_request(writer, message, version, correlation_id, "test");
        return request_of_frame(out.view().subspan(kafka::frame_prefix_bytes));
    }
    [[nodiscard]] broker::Request request_of_frame(const ByteView frame) {
        Slice bytes = machine.env().pool.copy_of(frame);
        kafka::Reader reader(bytes.view());
        const Result<kafka::RequestHeader> header = kafka::decode_request_header(reader);
        BOOST_REQUIRE(header.has_value());
        return broker::Request(std::move(bytes), *header, reader);
    }
    template <typename Message>
    [[nodiscard]] sim::Outcome<broker::Reply> begin(
        const Message& message, const std::int16_t version = Message::version_max
    ) {
        broker::Request request = request_of(message, version);
        return machine.begin(broker::dispatch(*broker_, std::move(request)));
    }
    template <typename Message>
    [[nodiscard]] broker::Reply ask(
        const Message& message, const std::int16_t version = Message::version_max
    ) {
        sim::Outcome<broker::Reply> outcome = begin(message, version);
        machine.run_until([&outcome] { return outcome.is_there(); });
        return std::move(outcome.value());
    }
    /// The answer of a reply; it borrows from bytes that live as long as the world.
    template <typename Response>
    [[nodiscard]] Response answer_in(
        const broker::Reply& reply, const std::int16_t version = Response::version_max
    ) {
        BOOST_REQUIRE((reply.then == broker::Reply::Then::send));
        std::string& frame = frames_.emplace_back();
        for (const Slice& piece : reply.pieces) {
            frame += as_text(piece.view());
        }
        const ByteView bytes = as_bytes(frame);
        const Result<std::uint32_t> size = kafka::decode_frame_size(
            bytes.first(kafka::frame_prefix_bytes), limits::kafka_frame_bytes_max
        );
        BOOST_REQUIRE(size.has_value());
        BOOST_REQUIRE(*size == bytes.size() - kafka::frame_prefix_bytes);
        kafka::Reader reader(bytes.subspan(kafka::frame_prefix_bytes));
        const Result<std::int32_t> id =
            kafka::decode_response_header(reader, Response::api, version);
        BOOST_REQUIRE(id.has_value());
        BOOST_REQUIRE(*id == correlation_id);
        Result<Response> response = Response::decode(reader, version);
        BOOST_REQUIRE(response.has_value());
        return std::move(*response);
    }
    template <typename Response, typename Message>
    [[nodiscard]] Response answer_to(
        const Message& message, const std::int16_t version = Message::version_max
    ) {
        return answer_in<Response>(ask(message, version), version);
    }

    static constexpr std::int32_t correlation_id = 4711;

    broker::BrokerOptions options;

private:
    broker::Broker* broker_ = nullptr;
    std::deque<std::string> frames_;
};

}  // namespace logboom::tests
