#include "agent/ship/shipper.h"

#include "shared/record/batch_builder.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/agent/ship/agents_door.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ship;
using namespace logboom::tests;

namespace {

using Begins = std::vector<std::uint64_t>;

/// A shipper and what it told; its collector's door is on the same machine.
class ShipBench {
public:
    explicit ShipBench(const std::uint64_t seed = 1)
        : machine(sim::SimMachineOptions{seed, 1, {}}) {
        options.collectors = {CollectorAddress{"localhost", AgentsDoor::port}};
        options.topics = {"logs"};
        options.agent_id = id_of(99);
        options.machine_id = "machine-1";
        options.host = "web-01";
        options.version = "1.2.3";
    }

    void open_door() {
        door = &machine.make<AgentsDoor>(machine.env(), collector);
        const Result<Ok> opened = machine.run(door->start());
        BOOST_REQUIRE(opened.has_value());
    }
    void start() {
        shipper = &machine.make<Shipper>(machine.env(), options, registry);
        ShipperEvents events;
        events.met = [this](const rpc::HelloReply& reply) { return on_met(reply); };
        events.route = [this](const Id128& stream) {
            const auto pinned = partitions.find(stream);
            Route route{"logs", paths[stream], std::nullopt};
            if (pinned != partitions.end()) {
                route.partition = pinned->second;
            }
            return route;
        };
        events.pinned = [this](const Id128& stream, const PartitionIndex partition) {
            BOOST_TEST(!partitions.contains(stream));
            partitions.emplace(stream, partition);
        };
        events.acknowledged = [this](const Id128& stream, const Position position, const Tail) {
            BOOST_TEST((!acknowledged.contains(stream) || acknowledged[stream] < position));
            acknowledged[stream] = position;
        };
        events.rewind = [this](const Id128& stream, const Position position) {
            rewinds.emplace_back(stream, position);
        };
        events.room = [this] { ++rooms; };
        shipper->connect_events(std::move(events));
        shipper->start();
    }
    /// With a door, connected.
    void begin() {
        open_door();
        start();
        until([this] { return shipper->state() == ShipState::shipping; });
    }

    void until(const std::function<bool()>& condition) { machine.run_until(condition); }
    void until_empty() {
        until([this] { return shipper->is_empty(); });
    }
    [[nodiscard]] std::uint64_t counted(const std::string& metric) const {
        const std::string text = registry.text();
        const std::size_t at = text.find("\n" + metric + " ");
        return at == std::string::npos ? 0 : std::stoull(text.substr(at + metric.size() + 2));
    }

    /// Pushes one batch of `size` source bytes behind those before it.
    void push(
        const unsigned stream, const std::uint64_t size = 10, const std::uint32_t bytes = 20
    ) {
        std::uint64_t& end = ends[stream];
        record::SourceCursor cursor;
        cursor.agent_id = options.agent_id;
        cursor.agent_epoch = 1;
        cursor.stream = id_of(stream);
        cursor.from = end;
        cursor.to = end + size;
        record::BatchBuilderOptions plain;
        plain.compress_bytes_min = UINT32_MAX;
        record::BatchBuilder builder(plain);
        builder.begin(record::RecordHeaders());
        builder.append(1'700'000'000'000, as_bytes(std::to_string(end)));
        for (std::uint32_t left = bytes; left != 0;) {
            const std::uint32_t filling = std::min(left, limits::line_bytes_max);
            builder.append(1'700'000'000'000, as_bytes(std::string(filling, '.')));
            left -= filling;
        }
        Buffer out;
        static_cast<void>(builder.seal(cursor, out));
        SealedBatch batch;
        batch.stream = cursor.stream;
        batch.from = cursor.from;
        batch.to = cursor.to;
        batch.bytes = machine.env().pool.copy_of(out.view());
        batch.records_count = builder.records_count();
        batch.opened_at = machine.env().clock.now();
        end = cursor.to;
        shipper->push(std::move(batch));
    }
    void push_several(const unsigned stream, const int count) {
        for (int i = 0; i < count; ++i) {
            push(stream);
        }
    }
    /// The values that the collector has of a stream, as numbers.
    [[nodiscard]] Begins taken(const unsigned stream) const {
        Begins begins;
        for (const ModelCollector::Taken& one : collector.taken) {
            if (one.stream == id_of(stream) && !one.record.value.starts_with('.')) {
                begins.push_back(std::stoull(one.record.value));
            }
        }
        return begins;
    }

    ModelCollector collector;
    metrics::Registry registry;
    ShipperOptions options;
    std::map<Id128, std::string> paths;
    std::map<Id128, PartitionIndex> partitions;
    std::map<Id128, Position> acknowledged;
    std::vector<std::pair<Id128, Position>> rewinds;
    std::map<unsigned, std::uint64_t> ends;
    std::size_t rooms = 0;
    std::size_t meetings = 0;
    rpc::HelloReply met_with;
    std::optional<Error> met_error;
    sim::SimMachine machine;
    AgentsDoor* door = nullptr;
    Shipper* shipper = nullptr;

private:
    Task<Result<std::uint32_t>> on_met(rpc::HelloReply reply) {
        ++meetings;
        met_with = std::move(reply);
        if (met_error) {
            co_return *std::exchange(met_error, std::nullopt);
        }
        co_return std::uint32_t{1};
    }
};

Begins steps(const std::uint64_t first, const std::uint64_t end) {
    Begins begins;
    for (std::uint64_t at = first; at < end; at += 10) {
        begins.push_back(at);
    }
    return begins;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shipper)

// --- What can go wrong ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_reject_rewinds_all_in_flight_of_its_stream_and_of_no_other) {
    // D3.
    ShipBench bench;
    bench.begin();
    bench.push_several(1, 5);
    bench.push_several(2, 5);
    bool is_first = true;
    bench.door->judge = [&is_first](const rpc::BatchEnvelope& envelope
                        ) -> std::optional<rpc::ReplyStatus> {
        if (envelope.stream == id_of(1) && std::exchange(is_first, false)) {
            return rpc::ReplyStatus::storage_error;
        }
        return std::nullopt;  // so that the model rejects what does not follow
    };
    // The collector knows the stream: what comes behind the one it refused is a gap.
    bench.collector.known[id_of(1)].topic = "logs";
    bench.until_empty();
    Begins expected = steps(0, 50);
    const Begins again = steps(0, 50);
    expected.insert(expected.end(), again.begin(), again.end());
    BOOST_TEST(bench.door->begins(id_of(1)) == expected, boost::test_tools::per_element());
    BOOST_TEST(bench.door->begins(id_of(2)) == steps(0, 50), boost::test_tools::per_element());
    BOOST_TEST(bench.taken(1) == steps(0, 50), boost::test_tools::per_element());
    BOOST_TEST(bench.taken(2) == steps(0, 50), boost::test_tools::per_element());
    BOOST_TEST(bench.collector.rejects == 4u);
    BOOST_TEST(bench.collector.duplicates == 0u);
    BOOST_TEST(bench.rewinds.empty());
}

BOOST_AUTO_TEST_CASE(a_position_that_no_batch_begins_at_goes_back_to_the_source) {
    ShipBench bench;
    bench.begin();
    bench.collector.known[id_of(1)] = ModelCollector::Known{
        "logs", PartitionIndex(0), 1, Position{0, 15}, Tail(), std::nullopt};
    bench.push_several(1, 4);
    bench.until_empty();
    BOOST_REQUIRE(bench.rewinds.size() == 1u);
    BOOST_TEST((bench.rewinds[0].second == Position{0, 15}));
    BOOST_TEST(bench.shipper->queued_bytes() == 0u);
    BOOST_TEST(bench.counted("logboom_agent_rewinds_total") == 1u);
    // What the source reads again from there goes through.
    bench.ends[1] = 15;
    bench.push_several(1, 2);
    bench.until_empty();
    BOOST_TEST((bench.acknowledged[id_of(1)] == Position{0, 35}));
}

BOOST_AUTO_TEST_CASE(after_a_broken_connection_nothing_acknowledged_is_sent_again_and_the_rest_once
) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        ShipBench bench(seed);
        bench.begin();
        bench.push_several(1, 3);
        bench.until_empty();
        bench.door->hold();
        bench.push_several(1, 7);
        bench.until([&bench] { return bench.door->batches_seen() == 8; });
        bench.door->cut();  // taken, but nobody was told
        bench.door->release();
        bench.until_empty();
        Begins expected = steps(0, 80);
        const Begins again = steps(30, 100);
        expected.insert(expected.end(), again.begin(), again.end());
        BOOST_TEST(bench.door->begins(id_of(1)) == expected, boost::test_tools::per_element());
        BOOST_TEST(bench.taken(1) == steps(0, 100), boost::test_tools::per_element());
        BOOST_TEST(bench.collector.duplicates == 5u);
        BOOST_TEST(bench.door->connections == 2u);
        BOOST_TEST(bench.meetings == 1u);  // one epoch for the agent's whole life
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_doubled_or_out_of_order_whatever_breaks) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        ShipBench bench(seed);
        bench.begin();
        Rng& rng = bench.machine.rng();
        bench.door->judge = [&rng](const rpc::BatchEnvelope&) -> std::optional<rpc::ReplyStatus> {
            constexpr std::array errors{
                rpc::ReplyStatus::busy,
                rpc::ReplyStatus::not_leader,
                rpc::ReplyStatus::unavailable};
            return rng.chance(0.1) ? std::optional(errors[rng.below(errors.size())]) : std::nullopt;
        };
        // The collector knows the streams, so that it sees what is missing.
        for (unsigned stream = 1; stream <= 3; ++stream) {
            bench.collector.known[id_of(stream)].topic = "logs";
        }
        for (int i = 0; i < 60; ++i) {
            bench.push(1 + static_cast<unsigned>(rng.below(3)));
            bench.machine.run_for(Millis(rng.below(40)));
            if (rng.chance(0.1)) {
                bench.door->cut();
            }
        }
        bench.until_empty();
        for (unsigned stream = 1; stream <= 3; ++stream) {
            BOOST_TEST(
                bench.taken(stream) == steps(0, bench.ends[stream]),
                boost::test_tools::per_element()
            );
        }
        BOOST_TEST(bench.rewinds.empty());
    }
}

BOOST_AUTO_TEST_CASE(connecting_is_tried_for_ever_with_pauses_within_the_bounds) {
    // D13 and D14: never less than 100 ms apart, never more than 30 s and the time of a try.
    ShipBench bench;
    bench.start();  // nobody listens
    bench.push(1);
    std::vector<Nanos> pauses;
    SteadyTime last = bench.machine.env().clock.now();
    for (std::uint64_t failures = 1; failures <= 60; ++failures) {
        bench.until([&bench, failures] {
            return bench.counted("logboom_agent_connection_failures_total") == failures;
        });
        pauses.push_back(bench.machine.env().clock.now() - last);
        last = bench.machine.env().clock.now();
    }
    pauses.erase(pauses.begin());
    for (const Nanos pause : pauses) {
        BOOST_TEST((pause >= 100ms));
        BOOST_TEST((pause <= 30s + 100ms));
    }
    BOOST_TEST((*std::max_element(pauses.begin(), pauses.end()) > 20s));
    BOOST_TEST((bench.shipper->state() == ShipState::unreachable));
    bench.open_door();
    bench.until_empty();
    BOOST_TEST(bench.taken(1) == Begins{0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_next_collector_of_the_list_is_tried_when_one_is_lost) {
    ShipBench bench;
    bench.options.collectors.insert(
        bench.options.collectors.begin(), CollectorAddress{"localhost", 1}
    );
    bench.options.collectors.insert(
        bench.options.collectors.begin(), CollectorAddress{"no-such-host", AgentsDoor::port}
    );
    bench.open_door();
    bench.start();
    bench.push(1);
    bench.until_empty();
    BOOST_TEST(bench.counted("logboom_agent_connection_failures_total") == 2u);
    bench.door->cut();
    bench.push(1);
    bench.until_empty();
    BOOST_TEST(bench.counted("logboom_agent_connection_failures_total") == 5u);
}

BOOST_AUTO_TEST_CASE(a_collector_that_does_not_answer_is_given_up) {
    ShipBench bench;
    bench.begin();
    bench.door->hold();
    bench.push(1);
    bench.machine.run_for(19s);
    BOOST_TEST((bench.shipper->state() == ShipState::shipping));
    bench.machine.run_for(2s);
    BOOST_TEST((bench.shipper->state() == ShipState::unreachable));
    bench.door->release();
    bench.until_empty();
    BOOST_TEST(bench.taken(1) == Begins{0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_quiet_connection_is_pinged_and_given_up_without_an_answer) {
    ShipBench bench;
    bench.begin();
    bench.machine.run_for(26s);
    BOOST_TEST(bench.door->pings >= 5u);  // the first is for the clock
    BOOST_TEST(bench.door->pings <= 6u);
    BOOST_TEST(bench.door->connections == 1u);
    bench.door->hold();
    bench.machine.run_for(5s + 10s + 1s);
    BOOST_TEST((bench.shipper->state() == ShipState::unreachable));
}

BOOST_AUTO_TEST_CASE(a_refused_hello_is_tried_again) {
    ShipBench bench;
    bench.open_door();
    bench.door->hello_status = rpc::ReplyStatus::cloned;
    bench.start();
    bench.push(1);
    bench.until([&bench] { return bench.door->hellos.size() == 3; });
    BOOST_TEST(bench.meetings == 0u);
    BOOST_TEST(bench.door->batches_seen() == 0u);
    bench.door->hello_status = rpc::ReplyStatus::ok;
    bench.until_empty();
    BOOST_TEST(bench.meetings == 1u);
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_not_there_yet_is_waited_for) {
    ShipBench bench;
    bench.open_door();
    bench.door->topic_status = rpc::ReplyStatus::unknown_topic;
    bench.start();
    bench.push(1);
    bench.until([&bench] { return bench.door->hellos.size() == 3; });
    BOOST_TEST(bench.door->batches_seen() == 0u);
    bench.door->topic_status = rpc::ReplyStatus::ok;
    bench.until_empty();
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_before_the_first_meeting_was_good) {
    ShipBench bench;
    bench.open_door();
    bench.met_error = Error{ErrorCode::io, EIO, "the epoch could not be saved"};
    bench.start();
    bench.push(1);
    bench.until([&bench] { return bench.meetings == 1; });
    BOOST_TEST(bench.door->batches_seen() == 0u);
    bench.until_empty();
    BOOST_TEST(bench.meetings == 2u);
    BOOST_TEST(bench.taken(1) == Begins{0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fenced_agent_sends_nothing_any_more) {
    // Rule 1: another agent with our id is at work.
    ShipBench bench;
    bench.begin();
    bench.door->judge = [](const rpc::BatchEnvelope&) { return rpc::ReplyStatus::fenced; };
    bench.push_several(1, 2);
    bench.until([&bench] { return bench.shipper->state() == ShipState::fenced; });
    const std::size_t seen = bench.door->batches_seen();
    bench.push(2);
    bench.machine.run_for(10min);
    BOOST_TEST(bench.door->batches_seen() == seen);
    BOOST_TEST(bench.door->connections == 1u);
    BOOST_TEST(bench.acknowledged.empty());
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_for_good_holds_up_its_stream_only) {
    // D13: never the loss of a whole batch.
    ShipBench bench;
    bench.begin();
    bench.door->judge = [](const rpc::BatchEnvelope& envelope) -> std::optional<rpc::ReplyStatus> {
        return envelope.stream == id_of(1) ? std::optional(rpc::ReplyStatus::invalid)
                                           : std::nullopt;
    };
    bench.push(1);
    bench.push_several(2, 10);
    bench.until([&bench] { return bench.taken(2).size() == 10; });
    bench.machine.run_for(10min);
    BOOST_TEST(!bench.acknowledged.contains(id_of(1)));
    bench.door->judge = nullptr;
    bench.until_empty();
    BOOST_TEST(bench.taken(1) == Begins{0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_collectors_wish_for_a_pause_is_kept_with_half_of_it_to_both_sides) {
    // D14.
    Nanos shortest = 1h;
    Nanos longest{};
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        ShipBench bench(seed);
        bench.begin();
        bench.door->retry_after_ms = 10'000;
        bench.door->judge = [](const rpc::BatchEnvelope&) { return rpc::ReplyStatus::busy; };
        bench.push(1);
        bench.until([&bench] { return bench.door->batches_seen() == 1; });
        const SteadyTime first = bench.machine.env().clock.now();
        bench.until([&bench] { return bench.door->batches_seen() == 2; });
        const Nanos pause = bench.machine.env().clock.now() - first;
        BOOST_TEST((pause >= 5s));
        BOOST_TEST((pause <= 15s + 100ms));
        shortest = std::min(shortest, pause);
        longest = std::max(longest, pause);
    }
    BOOST_TEST((shortest < 7s));
    BOOST_TEST((longest > 13s));
}

// --- The way that all should go ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(five_batches_of_a_stream_are_in_flight_at_most) {
    // D3.
    ShipBench bench;
    bench.begin();
    bench.door->hold();
    bench.push_several(1, 12);
    bench.push_several(2, 3);
    bench.machine.run_for(5s);
    BOOST_TEST(bench.door->begins(id_of(1)) == steps(0, 50), boost::test_tools::per_element());
    BOOST_TEST(bench.door->begins(id_of(2)) == steps(0, 30), boost::test_tools::per_element());
    bench.door->release();
    bench.until_empty();
    BOOST_TEST(bench.door->begins(id_of(1)) == steps(0, 120), boost::test_tools::per_element());
    BOOST_TEST((bench.acknowledged[id_of(1)] == Position{0, 120}));
    BOOST_TEST(bench.shipper->queued_bytes() == 0u);
    BOOST_TEST(bench.rooms > 0u);
}

BOOST_AUTO_TEST_CASE(a_request_carries_the_batches_of_many_streams_up_to_its_limit) {
    ShipBench bench;
    bench.open_door();
    bench.start();
    for (unsigned stream = 1; stream <= 200; ++stream) {
        bench.push(stream);
    }
    bench.until_empty();
    BOOST_REQUIRE(bench.door->requests.size() == 2u);
    BOOST_TEST(bench.door->requests[0].size() == limits::rpc_batches_per_request_max);
    BOOST_TEST(bench.door->requests[1].size() == 200 - limits::rpc_batches_per_request_max);
}

BOOST_AUTO_TEST_CASE(a_request_carries_up_to_4_mib) {
    // D16.
    ShipBench bench;
    bench.open_door();
    bench.start();
    bench.push(1, 10, limits::agent_request_bytes_max / 2);
    bench.push(2, 10, limits::agent_request_bytes_max / 2);
    bench.push(3);
    bench.until_empty();
    BOOST_REQUIRE(bench.door->requests.size() == 2u);
    BOOST_TEST(bench.door->requests[0].size() == 1u);
    BOOST_TEST(bench.door->requests[1].size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_first_hello_asks_for_every_stream_and_later_ones_name_the_epoch) {
    ShipBench bench;
    bench.collector.known[id_of(5)].topic = "logs";
    bench.collector.known[id_of(5)].to = Position{2, 77};
    bench.begin();
    BOOST_REQUIRE(bench.met_with.topics.size() == 1u);
    BOOST_REQUIRE(bench.met_with.topics[0].positions.size() == 1u);
    BOOST_TEST(bench.met_with.topics[0].positions[0].to == 77u);
    bench.door->cut();
    bench.until([&bench] { return bench.door->hellos.size() == 2; });
    const rpc::HelloRequest& first = bench.door->hellos[0];
    BOOST_TEST(first.agent_epoch == 0u);
    BOOST_TEST(first.topics.at(0).all_streams);
    BOOST_TEST((first.agent_id == id_of(99)));
    BOOST_TEST(first.machine_id == "machine-1");
    BOOST_TEST(first.host == "web-01");
    BOOST_TEST(first.version == "1.2.3");
    const rpc::HelloRequest& second = bench.door->hellos[1];
    BOOST_TEST(second.agent_epoch == 1u);
    BOOST_TEST(!second.topics.at(0).all_streams);
}

BOOST_AUTO_TEST_CASE(a_path_has_one_partition_and_a_stream_keeps_that_which_it_has) {
    // D1.
    ShipBench bench;
    bench.paths[id_of(1)] = "/var/log/app.log";
    bench.paths[id_of(2)] = "/var/log/app.log";  // the file after a rotation
    bench.partitions.emplace(id_of(3), PartitionIndex(3));
    bench.begin();
    for (unsigned stream = 1; stream <= 3; ++stream) {
        bench.push(stream);
        bench.until_empty();
        bench.push(stream);  // by a lane that was made anew
        bench.until_empty();
    }
    BOOST_TEST((bench.partitions.at(id_of(1)) == bench.partitions.at(id_of(2))));
    for (const ModelCollector::Taken& one : bench.collector.taken) {
        BOOST_TEST((one.partition == bench.partitions.at(one.stream)));
    }
    BOOST_TEST((bench.partitions.at(id_of(3)) == PartitionIndex(3)));
}

BOOST_AUTO_TEST_CASE(paths_spread_over_all_partitions) {
    ShipBench bench;
    bench.begin();
    std::set<std::int32_t> used;
    for (unsigned stream = 1; stream <= 60; ++stream) {
        bench.paths[id_of(stream)] = "/var/log/" + std::to_string(stream) + ".log";
        bench.push(stream);
    }
    bench.until_empty();
    for (const auto& [stream, partition] : bench.partitions) {
        used.insert(partition.value);
        BOOST_TEST(partition.value >= 0);
        BOOST_TEST(partition.value < 4);
    }
    BOOST_TEST(used.size() == 4u);
}

BOOST_AUTO_TEST_CASE(there_is_room_until_a_stream_has_its_window_and_two_more_waiting) {
    ShipBench bench;
    bench.start();
    for (int i = 0; i < 7; ++i) {
        BOOST_TEST(bench.shipper->has_room(id_of(1)));
        bench.push(1);
    }
    BOOST_TEST(!bench.shipper->has_room(id_of(1)));
    BOOST_TEST(bench.shipper->has_room(id_of(2)));
}

BOOST_AUTO_TEST_CASE(there_is_room_until_all_streams_together_hold_their_bytes) {
    ShipBench bench;
    bench.options.in_flight_bytes_max = 100'000;
    bench.start();
    bench.push(1, 10, 60'000);
    BOOST_TEST(bench.shipper->has_room(id_of(2)));
    bench.push(2, 10, 60'000);
    BOOST_TEST(!bench.shipper->has_room(id_of(3)));
    bench.open_door();
    bench.until_empty();
    BOOST_TEST(bench.shipper->has_room(id_of(3)));
    BOOST_TEST(bench.rooms > 0u);
}

BOOST_AUTO_TEST_CASE(it_stops_with_batches_that_nobody_has_taken) {
    ShipBench bench;
    bench.begin();
    bench.door->hold();
    bench.push_several(1, 3);
    bench.machine.run_for(1s);
    const SteadyTime asked = bench.machine.env().clock.now();
    bench.machine.run(bench.shipper->stop());
    BOOST_TEST((bench.machine.env().clock.now() - asked < 1s));
    BOOST_TEST(bench.acknowledged.empty());
}

BOOST_AUTO_TEST_SUITE_END()
