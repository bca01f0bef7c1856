#include "collector/broker/kafka_door.h"

#include "shared/kafka/messages/api_versions.h"
#include "shared/kafka/messages/fetch.h"
#include "shared/kafka/messages/produce.h"
#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;

namespace {

Task<Result<std::string>> receive_frame(Conn& conn, const SteadyTime deadline) {
    LB_CO_TRY(const Slice prefix, co_await conn.read_exact(kafka::frame_prefix_bytes, deadline));
    LB_CO_TRY(
        const std::uint32_t size,
        kafka::decode_frame_size(prefix.view(), limits::kafka_frame_bytes_max)
    );
    LB_CO_TRY(const Slice frame, co_await conn.read_exact(size, deadline));
    co_return std::string(as_text(frame.view()));
}

Task<Result<Ok>> stop(broker::KafkaDoor& door) {
    co_await door.stop();
    co_return Ok{};
}

/// The door on the machine's own network, and a client beside it.
struct DoorWorld : BrokerWorld {
    DoorWorld() {
        must_create("t");
        io::TcpServerOptions server;
        server.address = SocketAddress{machine.host(), 9092};
        server.connections_max = 10;
        door = &machine.make<broker::KafkaDoor>(broker(), server);
        BOOST_REQUIRE(machine.run(door->start()).has_value());
    }

    Conn& connect() {
        const SteadyTime deadline = machine.env().clock.now() + 10s;
        Result<std::unique_ptr<Conn>> conn =
            machine.run(machine.env().net.connect(SocketAddress{machine.host(), 9092}, deadline));
        BOOST_REQUIRE(conn.has_value());
        return *machine.make<std::unique_ptr<Conn>>(std::move(*conn));
    }
    void send(Conn& conn, const ByteView bytes) {
        Slice piece = machine.env().pool.copy_of(bytes);
        static_cast<void>(machine.run(conn.send(std::move(piece))));
    }
    template <typename Message>
    void send(Conn& conn, const Message& message, const std::int32_t id) {
        Buffer out;
        kafka::Writer writer(out);
        kafka::encode_request(writer, message, Message::version_max, id, "test");
        send(conn, out.view());
    }
    Result<std::string> receive(Conn& conn, const Nanos within = 5s) {
        return machine.run(receive_frame(conn, machine.env().clock.now() + within));
    }
    /// The id of the next answer; -1: none came.
    std::int32_t next_id(Conn& conn, const Nanos within = 5s) {
        const Result<std::string> frame = receive(conn, within);
        return frame ? codec::load_be<std::int32_t>(as_bytes(*frame).data()) : -1;
    }
    /// Whether the door has closed the connection, which takes a while to be seen.
    bool is_closed(Conn& conn) { return receive(conn, 60s).code() == ErrorCode::closed; }

    void hold_syncs() {
        machine.judge_ops([](const io::Op& op) {
            return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
        });
    }
    void go_on() {
        machine.judge_ops({});
        machine.release_ops();
    }

    broker::KafkaDoor* door = nullptr;
};

kafka::ApiVersionsRequest versions() {
    kafka::ApiVersionsRequest request;
    request.client_software_name = "a-client";
    request.client_software_version = "1";
    return request;
}

kafka::ProduceRequest produce_of(const Buffer& batch, const std::int16_t acks) {
    kafka::ProduceRequest request;
    request.acks = acks;
    auto& partition = request.topic_data.emplace_back().partition_data.emplace_back();
    request.topic_data.front().name = "t";
    partition.records.bytes = batch.view();
    return request;
}

kafka::FetchRequest waiting_fetch(BrokerWorld& world) {
    kafka::FetchRequest request;
    request.min_bytes = 1;
    request.max_wait_ms = 300'000;
    auto& topic = request.topics.emplace_back();
    topic.topic_id.bytes = world.id_of_topic("t");
    topic.partitions.emplace_back().partition_max_bytes = 1000;
    return request;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_door)

BOOST_AUTO_TEST_CASE(what_no_client_of_kafka_sends_closes_the_connection) {
    const std::string no_header("\x00\x00\x00\x02\x00\x12", 6);
    const std::string huge("\x7f\xff\xff\xff", 4);
    const std::string negative("\xff\xff\xff\xff", 4);
    const std::string http = "GET / HTTP/1.1\r\n";
    for (const std::string& bytes : {http, no_header, huge, negative}) {
        DoorWorld world;
        Conn& conn = world.connect();
        world.send(conn, as_bytes(bytes));
        BOOST_TEST(world.is_closed(conn));
        Conn& next = world.connect();  // the door serves on
        world.send(next, versions(), 1);
        BOOST_TEST(world.next_id(next) == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_request_that_is_not_served_closes_the_connection_behind_earlier_answers) {
    DoorWorld world;
    Conn& conn = world.connect();
    world.send(conn, versions(), 1);
    const std::string unknown_api("\x00\x00\x00\x0a\x03\xe7\x00\x00\x00\x00\x00\x02\xff\xff", 14);
    world.send(conn, as_bytes(unknown_api));
    BOOST_TEST(world.next_id(conn) == 1);
    BOOST_TEST(world.is_closed(conn));
    BOOST_TEST(world.machine.has_logged("is not served"));
}

BOOST_AUTO_TEST_CASE(a_client_that_says_nothing_is_let_go) {
    DoorWorld world;
    const SteadyTime begun = world.machine.env().clock.now();
    Conn& silent = world.connect();
    BOOST_TEST((world.receive(silent, 3600s).code() == ErrorCode::closed));
    const Nanos took = world.machine.env().clock.now() - begun;
    BOOST_TEST((took >= world.options.idle_timeout));
    BOOST_TEST((took < world.options.idle_timeout + 60s));
}

BOOST_AUTO_TEST_CASE(a_frame_that_does_not_go_on_closes_the_connection) {
    DoorWorld world;
    Conn& conn = world.connect();
    world.send(conn, as_bytes(std::string_view("\x00\x00\x00\x64half", 8)));
    const SteadyTime begun = world.machine.env().clock.now();
    BOOST_TEST((world.receive(conn, 3600s).code() == ErrorCode::closed));
    const Nanos took = world.machine.env().clock.now() - begun;
    BOOST_TEST((took < world.options.frame_timeout + 30s));
}

BOOST_AUTO_TEST_CASE(answers_come_in_the_order_of_the_requests) {
    DoorWorld world;
    Conn& conn = world.connect();
    world.hold_syncs();
    const Buffer batch = plain_batch({"a"});
    world.send(conn, produce_of(batch, 1), 1);
    world.send(conn, produce_of(batch, 1), 2);
    world.send(conn, versions(), 3);
    BOOST_TEST(world.next_id(conn, 5s) == -1);  // the third could be answered long since
    world.go_on();
    BOOST_TEST(world.next_id(conn) == 1);
    BOOST_TEST(world.next_id(conn) == 2);
    BOOST_TEST(world.next_id(conn) == 3);
    BOOST_TEST(world.find("t")->high_watermark().value == 2);
}

BOOST_AUTO_TEST_CASE(a_produce_without_acknowledgement_has_no_answer) {
    DoorWorld world;
    Conn& conn = world.connect();
    const Buffer batch = plain_batch({"a"});
    world.send(conn, produce_of(batch, 0), 1);
    world.send(conn, versions(), 2);
    BOOST_TEST(world.next_id(conn) == 2);
    BOOST_TEST(world.find("t")->log_end_offset().value == 1);
}

BOOST_AUTO_TEST_CASE(a_waiting_fetch_ends_with_its_client) {
    DoorWorld world;
    Conn& conn = world.connect();
    world.send(conn, waiting_fetch(world), 1);
    world.machine.run_for(1s);
    BOOST_TEST(world.door->server().connections() == 1u);
    world.machine.run(conn.close());
    world.machine.run_for(5s);
    BOOST_TEST(world.door->server().connections() == 0u);
}

BOOST_AUTO_TEST_CASE(a_waiting_fetch_does_not_hold_up_the_stop_of_the_door) {
    DoorWorld world;
    Conn& conn = world.connect();
    world.send(conn, waiting_fetch(world), 1);
    world.machine.run_for(1s);
    const SteadyTime asked = world.machine.env().clock.now();
    world.machine.run(world.door->stop());
    BOOST_TEST((world.machine.env().clock.now() < asked + 10s));
    BOOST_TEST(world.is_closed(conn));
}

BOOST_AUTO_TEST_CASE(what_was_appended_is_answered_although_the_door_stops) {
    DoorWorld world;
    Conn& conn = world.connect();
    world.hold_syncs();
    const Buffer batch = plain_batch({"a"});
    world.send(conn, produce_of(batch, 1), 7);
    world.machine.run_until([&] { return world.machine.held_ops() != 0; });
    auto stopped = world.machine.begin(stop(*world.door));
    world.machine.run_for(1s);
    BOOST_TEST(!stopped.is_there());
    world.go_on();
    BOOST_TEST(world.next_id(conn) == 7);
    world.machine.run_until([&] { return stopped.is_there(); });
}

BOOST_AUTO_TEST_SUITE_END()
