// What one dead partition, a slow line or a collector that breaks off must not do to all the others.
#include "agent/ship/shipper.h"
#include "shared/record/batch_builder.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/agent/ship/agents_door.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using namespace logboom::ship;
using namespace logboom::tests;

namespace {

constexpr std::uint32_t line_bytes = 10;

/// A shipper between a collector's door and a source that always has more and reads again when it is told.
class TroubleBench {
public:
    enum class Line : std::uint8_t { fast, slow };

    /// On a slow line each send takes a part only, and only when `machine.release_ops()` lets it.
    explicit TroubleBench(const std::uint64_t seed = 1, const Line line = Line::fast)
        : machine(sim::SimMachineOptions{seed, 1, {}}) {
        if (line == Line::slow) {
            machine.backend_options().short_send = 1;
            machine.restart_after(sim::CrashKind::killed);
            machine.judge_ops([](const io::Op& op) {
                return op.kind == io::OpKind::sendmsg ? sim::OpGate::held : sim::OpGate::passes;
            });
        }
        options.collectors = {CollectorAddress{"localhost", AgentsDoor::port}};
        options.topics = {"bad", "good"};
        options.agent_id = id_of(99);
        door = &machine.make<AgentsDoor>(machine.env(), collector);
        const Result<Ok> opened = machine.run(door->start());
        BOOST_REQUIRE(opened.has_value());
    }

    void start() {
        shipper = &machine.make<Shipper>(machine.env(), options, registry);
        ShipperEvents events;
        events.met = [this](const rpc::HelloReply& reply) { return on_met(reply); };
        events.route = [this](const Id128& stream) {
            return Route{topics.contains(stream) ? topics[stream] : "good", "", std::nullopt};
        };
        events.pinned = [](const Id128&, PartitionIndex) {};
        events.acknowledged = [this](const Id128& stream, const Position position, Tail) {
            acknowledged[stream] = position.offset;
        };
        events.rewind = [this](const Id128& stream, const Position position) {
            ++rewinds;
            read_to[stream] = position.offset;
        };
        events.room = [this] { ++rooms; };
        shipper->connect_events(std::move(events));
        shipper->start();
    }
    void until(const std::function<bool()>& condition) { machine.run_until(condition); }
    void until_shipping() {
        until([this] { return shipper->state() == ShipState::shipping; });
    }
    void until_empty() {
        until([this] { return shipper->is_empty(); });
    }

    /// One batch of a stream, `bytes` long, if there is room.
    bool read(const unsigned stream, const std::uint32_t bytes) {
        const Id128 id = id_of(stream);
        if (!shipper->has_room(id)) {
            return false;
        }
        std::uint64_t& at = read_to[id];
        record::SourceCursor cursor;
        cursor.agent_id = options.agent_id;
        cursor.agent_epoch = 1;
        cursor.stream = id;
        cursor.from = at;
        cursor.to = at + line_bytes;
        record::BatchBuilderOptions plain;
        plain.compress_percent_max = 0;
        record::BatchBuilder builder(plain);
        builder.begin(record::RecordHeaders());
        std::string value = std::to_string(at);
        value.resize(bytes, '.');
        builder.append(1'700'000'000'000, as_bytes(value));
        Buffer out;
        static_cast<void>(builder.seal(cursor, out));
        SealedBatch batch;
        batch.stream = id;
        batch.agent_epoch = cursor.agent_epoch;
        batch.from = cursor.from;
        batch.to = cursor.to;
        batch.bytes = machine.env().pool.copy_of(out.view());
        batch.opened_at = machine.env().clock.now();
        at = cursor.to;
        shipper->push(std::move(batch));
        return true;
    }
    /// What the collector has of a stream is without gap and double, up to where it was acknowledged.
    void check(const unsigned stream) {
        std::uint64_t expected = 0;
        for (const ModelCollector::Taken& one : collector.taken) {
            if (one.stream == id_of(stream)) {
                BOOST_TEST(std::stoull(one.record.value) == expected);
                expected += line_bytes;
            }
        }
        BOOST_TEST(acknowledged[id_of(stream)] <= expected);
    }
    [[nodiscard]] std::uint64_t counted(const std::string& metric) const {
        const std::string text = registry.text();
        const std::size_t at = text.find("\n" + metric + " ");
        return at == std::string::npos ? 0 : std::stoull(text.substr(at + metric.size() + 2));
    }

    ModelCollector collector;
    metrics::Registry registry;
    ShipperOptions options;
    std::map<Id128, std::string> topics;
    std::map<Id128, std::uint64_t> read_to;
    std::map<Id128, std::uint64_t> acknowledged;
    std::size_t rewinds = 0;
    std::size_t rooms = 0;
    std::size_t meetings = 0;
    std::vector<std::string> topics_met;
    std::size_t positions_met = 0;
    sim::SimMachine machine;
    AgentsDoor* door = nullptr;
    Shipper* shipper = nullptr;

private:
    Task<Result<std::uint32_t>> on_met(const rpc::HelloReply& reply) {
        ++meetings;
        for (const rpc::TopicPositions& topic : reply.topics) {
            topics_met.push_back(topic.topic);
            positions_met += topic.positions.size();
        }
        co_return std::uint32_t{1};
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(shipper_trouble)

BOOST_AUTO_TEST_CASE(a_topic_that_cannot_be_taken_holds_up_no_other) {
    // Law 8.
    TroubleBench bench;
    bool is_there = false;
    bench.door->judge_topic = [&is_there](const std::string& topic) {
        return topic == "good" || is_there ? rpc::ReplyStatus::ok : rpc::ReplyStatus::unknown_topic;
    };
    bench.topics[id_of(1)] = "bad";
    bench.start();
    bench.until_shipping();
    BOOST_TEST(bench.read(1, 20));
    for (int i = 0; i < 20; ++i) {
        BOOST_TEST(bench.read(2, 20));
        bench.machine.run_for(100ms);
    }
    BOOST_TEST(bench.acknowledged[id_of(2)] == 20 * line_bytes);
    BOOST_TEST(bench.acknowledged[id_of(1)] == 0u);
    const std::size_t hellos = bench.door->hellos.size();
    BOOST_TEST(hellos > 1u);
    const rpc::HelloRequest& again = bench.door->hellos.back();
    BOOST_REQUIRE(again.topics.size() == 1u);
    BOOST_TEST(again.topics[0].topic == "bad");
    is_there = true;
    bench.until_empty();
    BOOST_TEST(bench.acknowledged[id_of(1)] == line_bytes);
    BOOST_TEST(bench.door->connections == 1u);
    BOOST_TEST(bench.meetings == 1u);
}

BOOST_AUTO_TEST_CASE(a_topic_whose_positions_cannot_be_told_is_met_later_and_holds_up_no_other) {
    // Law 8: what is read without its own position would come twice, but that is no matter of other topics.
    TroubleBench bench;
    bool is_ready = false;
    bench.door->judge_topic = [&is_ready](const std::string& topic) {
        return topic == "good" || is_ready ? rpc::ReplyStatus::ok : rpc::ReplyStatus::unavailable;
    };
    bench.topics[id_of(1)] = "bad";
    bench.collector.known[id_of(1)].topic = "bad";
    bench.start();
    bench.until_shipping();
    BOOST_TEST(bench.meetings == 1u);
    BOOST_TEST(
        bench.topics_met == std::vector<std::string>{"good"}, boost::test_tools::per_element()
    );
    BOOST_TEST(bench.read(2, 20));
    bench.until_empty();
    BOOST_TEST(bench.acknowledged[id_of(2)] == line_bytes);
    bench.machine.run_for(5s);
    BOOST_TEST(bench.meetings == 1u);
    is_ready = true;
    bench.until([&bench] { return bench.meetings == 2; });
    BOOST_TEST(bench.topics_met.back() == "bad");
    BOOST_TEST(
        bench.positions_met == 1u
    );  // all of its streams were asked for, as at the first meeting
    BOOST_TEST(bench.door->connections == 1u);
    // It is met once.
    bench.door->cut();
    bench.until([&bench] { return bench.door->connections == 2; });
    bench.until_shipping();
    bench.machine.run_for(5s);
    BOOST_TEST(bench.meetings == 2u);
}

BOOST_AUTO_TEST_CASE(a_collector_that_can_tell_the_positions_of_no_topic_is_not_stayed_with) {
    TroubleBench bench;
    bool is_ready = false;
    bench.door->judge_topic = [&is_ready](const std::string&) {
        return is_ready ? rpc::ReplyStatus::ok : rpc::ReplyStatus::unavailable;
    };
    bench.start();
    bench.until([&bench] { return bench.door->hellos.size() == 3; });
    BOOST_TEST(bench.door->connections == 3u);
    BOOST_TEST(bench.meetings == 0u);
    is_ready = true;
    bench.until_shipping();
    BOOST_TEST(bench.meetings == 1u);
}

BOOST_AUTO_TEST_CASE(streams_of_a_dead_partition_leave_the_others_their_room) {
    // Law 8.
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        TroubleBench bench(seed);
        constexpr std::uint64_t most = 40'000;
        bench.options.in_flight_bytes_max = most;
        bool is_dead = true;
        bench.door->judge = [&is_dead](const rpc::BatchEnvelope& envelope
                            ) -> std::optional<rpc::ReplyStatus> {
            const bool is_good = envelope.stream == id_of(50);
            return is_good || !is_dead ? std::nullopt
                                       : std::optional(rpc::ReplyStatus::storage_error);
        };
        for (unsigned stream = 1; stream <= 20; ++stream) {
            bench.collector.known[id_of(stream)].topic = "good";
        }
        bench.start();
        bench.until_shipping();
        std::uint64_t largest = 0;
        std::uint64_t refused = 0;
        for (int round = 0; round < 120; ++round) {
            for (unsigned stream = 1; stream <= 20; ++stream) {
                bench.read(stream, 1000);
            }
            largest = std::max(largest, bench.shipper->queued_bytes());
            refused += round > 20 && !bench.read(50, 1000) ? 1U : 0U;
            bench.machine.run_for(100ms);
        }
        BOOST_TEST(refused < 20u);
        BOOST_TEST(bench.acknowledged[id_of(50)] > 80 * line_bytes);
        BOOST_TEST(largest <= most + most / 4 + 2'000);
        BOOST_TEST(bench.rewinds > 0u);
        is_dead = false;
        for (int round = 0; round < 400; ++round) {
            for (unsigned stream = 1; stream <= 20; ++stream) {
                bench.read(stream, 1000);
            }
            bench.machine.run_for(100ms);
        }
        bench.until_empty();
        for (unsigned stream = 1; stream <= 20; ++stream) {
            bench.check(stream);
            BOOST_TEST(bench.acknowledged[id_of(stream)] > 10 * line_bytes);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_request_that_takes_long_on_a_slow_line_is_waited_for) {
    TroubleBench bench(1, TroubleBench::Line::slow);
    bench.options.answer_timeout = 5s;
    bench.options.ping_interval = 1h;
    bench.start();
    for (unsigned stream = 1; stream <= 8; ++stream) {
        BOOST_TEST(bench.read(stream, 100'000));
    }
    const SteadyTime begun = bench.machine.env().clock.now();
    while (!bench.shipper->is_empty() && bench.machine.env().clock.now() - begun < 300s) {
        bench.machine.run_for(1s);
        bench.machine.release_ops();
    }
    BOOST_TEST(bench.shipper->is_empty());
    BOOST_TEST((bench.machine.env().clock.now() - begun > 10s));
    BOOST_TEST(bench.counted("logboom_agent_connection_failures_total") == 0u);
    BOOST_TEST(bench.collector.duplicates == 0u);
}

BOOST_AUTO_TEST_CASE(after_a_timeout_less_is_sent_at_once) {
    // D3.
    TroubleBench bench;
    bench.start();
    bench.until_shipping();
    bench.door->hold();
    for (unsigned stream = 1; stream <= 8; ++stream) {
        bench.read(stream, 300'000);
    }
    bench.until([&bench] { return bench.shipper->state() == ShipState::unreachable; });
    bench.door->release();
    bench.door->request_bytes.clear();
    bench.until_empty();
    for (const std::uint64_t bytes : bench.door->request_bytes) {
        BOOST_TEST(bytes <= limits::agent_request_bytes_max / 2);
    }
}

BOOST_AUTO_TEST_CASE(a_collector_that_breaks_off_at_each_request_is_not_stormed) {
    // Backoff ends with an acknowledgement and not with a Hello.
    TroubleBench bench;
    bench.door->judge = [&bench](const rpc::BatchEnvelope&) {
        bench.door->cut();
        return std::optional(rpc::ReplyStatus::ok);
    };
    bench.start();
    bench.until_shipping();
    BOOST_TEST(bench.read(1, 1000));
    bench.machine.run_for(300s);
    BOOST_TEST(bench.door->connections >= 10u);
    BOOST_TEST(bench.door->connections <= 60u);
    bench.door->judge = nullptr;
    bench.until_empty();
    bench.door->cut();
    bench.until([&bench] { return bench.shipper->state() == ShipState::unreachable; });
    const SteadyTime lost = bench.machine.env().clock.now();
    bench.until_shipping();
    BOOST_TEST((bench.machine.env().clock.now() - lost < 1s));
}

BOOST_AUTO_TEST_CASE(a_collector_that_listens_and_says_nothing_is_left_for_the_next_one) {
    // D15: as good as dead, other than one that takes long over a batch.
    TroubleBench bench;
    constexpr std::uint16_t silent_port = AgentsDoor::port + 1;
    AgentsDoor& silent =
        bench.machine.make<AgentsDoor>(bench.machine.env(), bench.collector, silent_port);
    const Result<Ok> opened = bench.machine.run(silent.start());
    BOOST_REQUIRE(opened.has_value());
    silent.hold();
    bench.options.collectors = {
        {"localhost", 1}, {"localhost", silent_port}, {"localhost", AgentsDoor::port}};
    const SteadyTime begun = bench.machine.env().clock.now();
    bench.start();
    bench.until_shipping();
    BOOST_TEST((bench.machine.env().clock.now() - begun >= 10s));
    BOOST_TEST((bench.machine.env().clock.now() - begun < 11s));
    BOOST_TEST(silent.connections == 1u);
    const auto state_of = [&bench](const std::uint16_t port) {
        return bench.counted(
            "logboom_agent_conn_state{collector=\"localhost:" + std::to_string(port) + "\"}"
        );
    };
    BOOST_TEST(state_of(silent_port) == 0u);
    BOOST_TEST(state_of(AgentsDoor::port) == 1u);
}

BOOST_AUTO_TEST_CASE(once_round_the_list_costs_one_pause_that_grows) {
    // D13, D15: eleven dead collectors are no reason to let the twelfth wait.
    TroubleBench bench;
    const CollectorAddress alive = bench.options.collectors.front();
    bench.options.collectors.assign(11, CollectorAddress{"localhost", 1});
    bench.options.collectors.push_back(alive);
    const SteadyTime begun = bench.machine.env().clock.now();
    bench.start();
    bench.until_shipping();
    BOOST_TEST((bench.machine.env().clock.now() - begun >= 11 * 100ms));
    BOOST_TEST((bench.machine.env().clock.now() - begun <= 11 * 200ms + 100ms));
    // With all of them dead it is still not a storm.
    bench.machine.run(bench.door->stop());
    bench.machine.run_for(10min);
    const std::uint64_t failures = bench.counted("logboom_agent_connection_failures_total");
    BOOST_TEST(failures >= 100u);
    BOOST_TEST(failures <= 2400u);
}

BOOST_AUTO_TEST_CASE(the_collectors_clock_is_compared_with_ours) {
    // D20.
    TroubleBench bench;
    bench.door->clock_ahead = 7s;
    bench.start();
    bench.until_shipping();
    const std::string text = bench.registry.text();
    const std::string name = "logboom_agent_clock_offset_seconds{collector=\"localhost:7460\"} ";
    const std::size_t at = text.find(name);
    BOOST_REQUIRE(at != std::string::npos);
    const double ahead = std::stod(text.substr(at + name.size()));
    BOOST_TEST(ahead > 6.9);
    BOOST_TEST(ahead < 7.1);
    BOOST_TEST(bench.machine.has_logged("the collector's clock and ours differ"));
    BOOST_TEST(text.find("logboom_agent_ack_latency_seconds_count 0") != std::string::npos);
    BOOST_TEST(bench.read(1, 20));
    bench.until_empty();
    BOOST_TEST(
        bench.registry.text().find("logboom_agent_ack_latency_seconds_count 1") != std::string::npos
    );
}

BOOST_AUTO_TEST_CASE(who_waits_for_room_is_not_called_at_each_answer) {
    TroubleBench bench;
    bench.options.in_flight_bytes_max = 100'000;
    bench.start();
    bench.until_shipping();
    bench.machine.run_for(1s);
    bench.door->hold();
    for (unsigned stream = 1; bench.read(stream, 1000); ++stream) {
        bench.machine.run_for(1ms);  // a request each, as far as may be
    }
    BOOST_TEST(bench.read_to.size() > 80u);
    const std::size_t rooms = bench.rooms;
    bench.door->release();
    bench.until_empty();
    BOOST_TEST(bench.door->requests.size() > 10u);
    BOOST_TEST(bench.rooms - rooms >= 1u);
    BOOST_TEST(bench.rooms - rooms <= 3u);
}

BOOST_AUTO_TEST_CASE(a_cloned_id_is_told) {
    TroubleBench bench;
    bench.door->hello_status = rpc::ReplyStatus::cloned;
    int told = 0;
    bench.shipper =
        &bench.machine.make<Shipper>(bench.machine.env(), bench.options, bench.registry);
    ShipperEvents events;
    events.cloned = [&told] { ++told; };
    bench.shipper->connect_events(std::move(events));
    bench.shipper->start();
    bench.until([&told] { return told == 1; });
    bench.machine.run(bench.shipper->stop());
}

BOOST_AUTO_TEST_SUITE_END()
