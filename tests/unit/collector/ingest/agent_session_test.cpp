#include "collector/ingest/agent_session.h"

#include "tests/unit/collector/replica/agent_batch.h"
#include "tests/unit/collector/replica/replica_world.h"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace logboom;
using namespace logboom::tests;
using rpc::ReplyStatus;

namespace {

const record::Id128 agent = id_of(0xaa);
const record::Id128 stream = id_of(1);

/// The agents' door of one machine without its sockets, and one connection.
struct SessionWorld : ReplicaWorld {
    explicit SessionWorld(const std::size_t shard_count = 1) : ReplicaWorld(shard_count) {
        must_open();
        agents = &machine.make<ingest::AgentRegistry>(machine.shard());
        door = &machine.make<ingest::Ingest>(ingest::Ingest{
            machine.shard(), store(), replicas(), topics(), *agents, ingest::IngestOptions()});
        session = &connect();
    }
    ingest::AgentSession& connect() { return machine.make<ingest::AgentSession>(*door); }

    [[nodiscard]] rpc::Frame frame_of(
        const rpc::Method method, const ByteView header, const ByteView payload = {}
    ) {
        rpc::Frame frame;
        frame.head.method = method;
        frame.header = machine.env().pool.copy_of(header);
        frame.payload = machine.env().pool.copy_of(payload);
        return frame;
    }
    rpc::RpcReply ask(ingest::AgentSession& on, rpc::Frame frame) {
        Result<rpc::RpcReply> reply = machine.run(on.handle(std::move(frame)));
        BOOST_REQUIRE(reply.has_value());
        return std::move(*reply);
    }
    std::string refusal_of(rpc::Frame frame) { return ask(*session, std::move(frame)).refusal; }

    rpc::HelloReply hello(
        const rpc::HelloRequest& request, ingest::AgentSession* const on = nullptr
    ) {
        Buffer header;
        encode(request, header);
        ingest::AgentSession& to = on == nullptr ? *session : *on;
        const rpc::RpcReply reply = ask(to, frame_of(rpc::Method::hello, header.view()));
        BOOST_REQUIRE(reply.refusal == "");
        const Result<rpc::HelloReply> answer = rpc::decode_hello_reply(reply.header.view());
        BOOST_REQUIRE(answer.has_value());
        return *answer;
    }
    [[nodiscard]] static rpc::HelloRequest hello_of(const std::string& topic) {
        rpc::HelloRequest request;
        request.agent_id = agent;
        request.machine_id = "machine-a";
        request.host = "host";
        request.version = "1";
        request.topics.emplace_back().topic = topic;
        return request;
    }

    struct Shipment {
        rpc::ShipRequest request;
        Buffer payload;

        void add(const record::SourceCursor& cursor, const std::string& topic = "t") {
            const Buffer batch = batch_of(cursor);
            rpc::BatchEnvelope envelope = envelope_of(cursor, topic);
            envelope.size_bytes = static_cast<std::uint32_t>(batch.size());
            request.batches.push_back(std::move(envelope));
            payload.append(batch.view());
        }
    };
    [[nodiscard]] rpc::Frame frame_of(const Shipment& shipment) {
        Buffer header;
        encode(shipment.request, header);
        return frame_of(rpc::Method::ship, header.view(), shipment.payload.view());
    }
    [[nodiscard]] static std::vector<rpc::BatchResult> results_in(const rpc::RpcReply& reply) {
        BOOST_REQUIRE(reply.refusal == "");
        const Result<rpc::ShipReply> answer = rpc::decode_ship_reply(reply.header.view());
        BOOST_REQUIRE(answer.has_value());
        return answer->results;
    }
    std::vector<rpc::BatchResult> ship(const Shipment& shipment) {
        return results_in(ask(*session, frame_of(shipment)));
    }
    rpc::BatchResult ship(const record::SourceCursor& cursor) {
        Shipment shipment;
        shipment.add(cursor);
        return ship(shipment).front();
    }

    ingest::AgentRegistry* agents = nullptr;
    ingest::Ingest* door = nullptr;
    ingest::AgentSession* session = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_session)

// --- What is refused -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_connection_begins_with_a_hello) {
    SessionWorld world;
    world.must_create("t");
    SessionWorld::Shipment shipment;
    shipment.add(cursor_of(stream, 0, 10));
    BOOST_TEST(world.refusal_of(world.frame_of(shipment)).find("Hello") != std::string::npos);
    BOOST_TEST(world.find("t")->log_end_offset().value == 0);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_refused_with_a_sentence) {
    SessionWorld world;
    const std::string noise = "\xff\xff\xff";
    const auto bad_hello = world.refusal_of(world.frame_of(rpc::Method::hello, as_bytes(noise)));
    BOOST_TEST(bad_hello.find("cannot be read") != std::string::npos);
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    const auto bad_ship = world.refusal_of(world.frame_of(rpc::Method::ship, as_bytes(noise)));
    BOOST_TEST(bad_ship.find("cannot be read") != std::string::npos);
    SessionWorld::Shipment wrong_size;
    wrong_size.add(cursor_of(stream, 0, 10));
    wrong_size.payload.append(as_bytes("x"));
    BOOST_TEST(world.refusal_of(world.frame_of(wrong_size)) != "");
}

BOOST_AUTO_TEST_CASE(one_connection_speaks_for_one_agent) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));  // the same one asks on
    rpc::HelloRequest other = SessionWorld::hello_of("t");
    other.agent_id = id_of(0xbb);
    Buffer header;
    encode(other, header);
    BOOST_TEST(world.refusal_of(world.frame_of(rpc::Method::hello, header.view())) != "");
}

BOOST_AUTO_TEST_CASE(a_second_machine_with_the_same_agent_is_told_that_it_is_a_clone) {
    SessionWorld world;
    BOOST_TEST((world.hello(SessionWorld::hello_of("t")).status == ReplyStatus::ok));
    rpc::HelloRequest clone = SessionWorld::hello_of("t");
    clone.machine_id = "machine-b";
    ingest::AgentSession& second = world.connect();
    const rpc::HelloReply refused = world.hello(clone, &second);
    BOOST_TEST((refused.status == ReplyStatus::cloned));
    BOOST_TEST(refused.topics.empty());
    BOOST_TEST(world.machine.has_logged("another machine uses its agent id"));
    world.machine.run(second.end());
    world.machine.run(world.session->end());
    ingest::AgentSession& third = world.connect();
    BOOST_TEST((world.hello(clone, &third).status == ReplyStatus::ok));
    world.machine.run(third.end());
}

// --- Hello ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_hello_makes_the_topics_that_the_agent_ships_to_if_that_is_allowed) {
    SessionWorld world;
    world.door->options.auto_create = false;
    const rpc::HelloReply refused = world.hello(SessionWorld::hello_of("t"));
    BOOST_TEST((refused.topics.front().status == ReplyStatus::unknown_topic));
    const rpc::HelloReply of_losses = world.hello(SessionWorld::hello_of("lb.loss"));
    BOOST_TEST((of_losses.topics.front().status == ReplyStatus::ok));
    world.door->options.auto_create = true;
    world.door->options.partitions_default = 3;
    const rpc::TopicPositions made = world.hello(SessionWorld::hello_of("t")).topics.front();
    BOOST_TEST((made.status == ReplyStatus::ok));
    BOOST_TEST(made.topic == "t");
    BOOST_TEST(made.partition_count == 3u);
    BOOST_TEST((made.topic_id == world.id_of_topic("t")));
    const rpc::HelloReply bad_name = world.hello(SessionWorld::hello_of("a/b"));
    BOOST_TEST((bad_name.topics.front().status == ReplyStatus::invalid));
}

BOOST_AUTO_TEST_CASE(a_topic_that_found_no_room_is_opened_when_an_agent_asks_for_it_again) {
    SessionWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? ENOSPC : sim::OpGate::passes;
    });
    const rpc::HelloReply refused = world.hello(SessionWorld::hello_of("t"));
    BOOST_TEST((refused.topics.front().status == ReplyStatus::storage_error));
    world.machine.judge_ops({});
    world.machine.run_for(2s);
    const rpc::HelloReply opened = world.hello(SessionWorld::hello_of("t"));
    BOOST_TEST((opened.topics.front().status == ReplyStatus::ok));
    BOOST_TEST((world.ship(cursor_of(stream, 0, 10)).status == ReplyStatus::ok));
}

BOOST_AUTO_TEST_CASE(a_topic_with_a_damaged_partition_is_not_ready) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    BOOST_TEST((world.ship(cursor_of(stream, 0, 10)).status == ReplyStatus::ok));
    world.machine.run_for(2s);
    const std::string path = world.dir_of("t") + "/00000000000000000000.log";
    world.kill();
    world.machine.flip_bit(path, 65, 1);
    world.must_open();
    auto& agents = world.machine.make<ingest::AgentRegistry>(world.machine.shard());
    auto& door = world.machine.make<ingest::Ingest>(ingest::Ingest{
        world.machine.shard(),
        world.store(),
        world.replicas(),
        world.topics(),
        agents,
        ingest::IngestOptions()});
    world.session = &world.machine.make<ingest::AgentSession>(door);
    const rpc::HelloReply reply = world.hello(SessionWorld::hello_of("t"));
    BOOST_TEST((reply.topics.front().status == ReplyStatus::unavailable));
}

BOOST_AUTO_TEST_CASE(a_hello_is_answered_with_the_positions_that_were_asked_for) {
    SessionWorld world(2);
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    for (const std::uint8_t i : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
        record::SourceCursor cursor = cursor_of(id_of(i), 0, 100u + i);
        cursor.agent_epoch = i;
        BOOST_TEST((world.ship(cursor).status == ReplyStatus::ok));
    }
    rpc::HelloRequest some = SessionWorld::hello_of("t");
    some.topics.front().streams = {id_of(2), id_of(9)};
    const rpc::HelloReply reply = world.hello(some);
    BOOST_TEST(reply.agent_epoch_known == 3u);
    BOOST_REQUIRE(reply.topics.front().positions.size() == 1u);
    BOOST_TEST((reply.topics.front().positions[0].stream == id_of(2)));
    BOOST_TEST(reply.topics.front().positions[0].to == 102u);
    BOOST_TEST(reply.topics.front().positions[0].agent_epoch == 2u);
    rpc::HelloRequest all = SessionWorld::hello_of("t");
    all.topics.front().all_streams = true;
    BOOST_TEST(world.hello(all).topics.front().positions.size() == 3u);
    BOOST_TEST(!world.hello(all).topics.front().has_more);
    all.topics.front().after = id_of(1);
    const rpc::TopicPositions behind = world.hello(all).topics.front();
    BOOST_REQUIRE(behind.positions.size() == 2u);
    BOOST_TEST((behind.positions[0].stream == id_of(2)));
}

BOOST_AUTO_TEST_CASE(all_streams_of_an_agent_come_page_by_page_and_each_once) {
    SessionWorld world(2);
    world.door->options.partitions_default = 2;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    constexpr std::uint64_t stream_count = 700;  // more than one answer holds
    Rng rng(1);
    std::vector<record::Id128> ids;
    for (std::uint64_t i = 0; i < stream_count; ++i) {
        ids.push_back(rng.id128());
    }
    for (std::uint64_t begin = 0; begin < stream_count; begin += 50) {
        SessionWorld::Shipment shipment;
        for (std::uint64_t i = begin; i < begin + 50; ++i) {
            shipment.add(cursor_of(ids[i], 0, i + 1));
            shipment.request.batches.back().partition = PartitionIndex(i % 2 == 0 ? 0 : 1);
        }
        for (const rpc::BatchResult& result : world.ship(shipment)) {
            BOOST_REQUIRE((result.status == ReplyStatus::ok));
        }
    }
    std::vector<record::Id128> found;
    rpc::HelloRequest all = SessionWorld::hello_of("t");
    all.topics.front().all_streams = true;
    for (bool has_more = true; has_more;) {
        const rpc::TopicPositions page = world.hello(all).topics.front();
        BOOST_REQUIRE(!page.positions.empty());
        BOOST_TEST(page.positions.size() <= limits::agent_streams_per_hello + 2);
        for (const rpc::StreamPosition& position : page.positions) {
            found.push_back(position.stream);
        }
        has_more = page.has_more;
        all.topics.front().after = found.back();
    }
    std::ranges::sort(ids);
    BOOST_TEST((found == ids));
}

// --- Ship ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_batch_has_its_own_answer_in_the_order_of_the_request) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    SessionWorld::Shipment shipment;
    shipment.add(cursor_of(stream, 0, 100));
    shipment.add(cursor_of(stream, 0, 100), "unknown");
    shipment.add(cursor_of(stream, 100, 200));
    shipment.add(cursor_of(stream, 0, 150));
    shipment.add(cursor_of(stream, 150, 250));
    shipment.add(cursor_of(stream, 900, 999));
    shipment.request.batches[2].partition = PartitionIndex(0);
    const std::vector<rpc::BatchResult> results = world.ship(shipment);
    BOOST_REQUIRE(results.size() == 6u);
    BOOST_TEST((results[0].status == ReplyStatus::ok));
    BOOST_TEST(results[0].base_offset.value == 0);
    BOOST_TEST((results[1].status == ReplyStatus::unknown_topic));
    BOOST_TEST((results[2].status == ReplyStatus::ok));
    BOOST_TEST(results[2].base_offset.value == 1);
    BOOST_TEST((results[3].status == ReplyStatus::ok));
    BOOST_TEST(results[3].duplicate);
    BOOST_TEST(results[3].base_offset.value == -1);
    for (const std::size_t i : {std::size_t{4}, std::size_t{5}}) {
        BOOST_TEST((results[i].status == ReplyStatus::rejected_position));
        BOOST_TEST(results[i].to_known == 200u);
        BOOST_TEST(results[i].generation_known == 1u);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_comes_once_its_batches_are_on_disk) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    SessionWorld::Shipment shipment;
    shipment.add(cursor_of(stream, 0, 100));
    auto outcome = world.machine.begin(world.session->handle(world.frame_of(shipment)));
    world.machine.run_for(10s);
    BOOST_TEST(!outcome.is_there());
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&outcome] { return outcome.is_there(); });
    const auto results = SessionWorld::results_in(*outcome.value());
    BOOST_TEST((results.front().status == ReplyStatus::ok));
    BOOST_TEST(world.find("t")->high_watermark().value == 1);
}

BOOST_AUTO_TEST_CASE(an_older_run_of_the_agent_is_fenced_and_a_batch_that_lies_is_invalid) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    record::SourceCursor newer = cursor_of(stream, 0, 100);
    newer.agent_epoch = 5;
    BOOST_TEST((world.ship(newer).status == ReplyStatus::ok));
    BOOST_TEST((world.ship(cursor_of(stream, 100, 200)).status == ReplyStatus::fenced));
    SessionWorld::Shipment lie;
    lie.add(newer);
    lie.request.batches.front().to = 101;
    BOOST_TEST((world.ship(lie).front().status == ReplyStatus::invalid));
}

BOOST_AUTO_TEST_CASE(a_batch_above_the_limit_is_told_to_be_cut) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    world.door->options.batch_bytes_max = 100;
    BOOST_TEST((world.ship(cursor_of(stream, 0, 100)).status == ReplyStatus::too_large));
}

BOOST_AUTO_TEST_CASE(a_full_and_a_failed_disk_are_errors_that_agents_retry) {
    SessionWorld world;
    static_cast<void>(world.hello(SessionWorld::hello_of("t")));
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    BOOST_TEST((world.ship(cursor_of(stream, 0, 100)).status == ReplyStatus::storage_error));
    world.machine.judge_ops({});
    BOOST_TEST((world.ship(cursor_of(stream, 0, 100)).status == ReplyStatus::ok));
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.ship(cursor_of(stream, 100, 200)).status == ReplyStatus::storage_error));
}

BOOST_AUTO_TEST_CASE(a_ping_is_answered_with_the_time) {
    SessionWorld world;
    const rpc::RpcReply reply =
        world.ask(*world.session, world.frame_of(rpc::Method::ping, ByteView()));
    const Result<rpc::PingReply> pong = rpc::decode_ping_reply(reply.header.view());
    BOOST_REQUIRE(pong.has_value());
    BOOST_TEST(pong->wall_ms > 1'700'000'000'000);
}

// --- Topics that are deleted ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(who_ships_to_a_deleted_topic_is_refused_and_comes_again_with_a_hello) {
    for (const bool is_made_again : {false, true}) {
        SessionWorld world;
        world.must_create("other");
        rpc::HelloRequest hello = SessionWorld::hello_of("t");
        hello.topics.emplace_back().topic = "other";
        static_cast<void>(world.hello(hello));
        BOOST_TEST((world.ship(cursor_of(stream, 0, 10)).status == ReplyStatus::ok));
        const record::Id128 id = world.id_of_topic("t");
        const auto removed = world.machine.run(world.topics().remove(world.machine.shard(), id));
        BOOST_REQUIRE(removed.has_value());
        if (is_made_again) {
            world.must_create("t");
        }
        // In the middle of the stream: it must not be taken for the first batch of the new topic.
        SessionWorld::Shipment shipment;
        shipment.add(cursor_of(id_of(2), 0, 10), "other");
        shipment.add(cursor_of(stream, 20, 30), "t");
        const std::string refusal = world.refusal_of(world.frame_of(shipment));
        BOOST_TEST(refusal.find("was deleted") != std::string::npos);
        BOOST_TEST(world.find("other")->log_end_offset().value == 0);
        world.machine.run(world.session->end());
        world.session = &world.connect();
        const rpc::HelloReply again = world.hello(hello);
        BOOST_TEST((again.topics[0].topic_id != id));
        BOOST_TEST((world.ship(cursor_of(stream, 10, 20)).status == ReplyStatus::ok));
        BOOST_TEST((world.ship(cursor_of(stream, 20, 30)).status == ReplyStatus::ok));
        BOOST_TEST(world.find("t")->log_end_offset().value == 2);
    }
}

BOOST_AUTO_TEST_SUITE_END()
