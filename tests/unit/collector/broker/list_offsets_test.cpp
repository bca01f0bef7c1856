#include "shared/kafka/messages/list_offsets.h"

#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using Answer = kafka::ListOffsetsResponse::Partition;

namespace {

constexpr std::int64_t start_ms = 1'700'000'000'000;
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;
constexpr std::int64_t max_timestamp = -3;

struct OffsetsWorld : BrokerWorld {
    OffsetsWorld() { must_create("t", 2); }

    /// Three batches of one record each, at 10, 30 and 20 ms.
    void append_three() {
        for (const std::int64_t time : {10, 30, 20}) {
            record::BatchBuilder builder;
            builder.begin(record::RecordHeaders());
            builder.append(start_ms + time, as_bytes("x"));
            Buffer batch;
            static_cast<void>(builder.seal_without_cursor(batch));
            Slice bytes = machine.env().pool.copy_of(batch.view());
            const Result<replica::AppendedAt> appended =
                machine.run(find("t")->append_as_leader(std::move(bytes), replica::Acks::all));
            BOOST_REQUIRE(appended.has_value());
        }
    }
    Answer ask_for(
        const std::int64_t timestamp,
        const std::string_view topic = "t",
        const std::int32_t index = 0,
        const std::int32_t epoch = -1
    ) {
        kafka::ListOffsetsRequest request;
        request.topics.emplace_back().name = topic;
        auto& partition = request.topics.back().partitions.emplace_back();
        partition.partition_index = index;
        partition.timestamp = timestamp;
        partition.current_leader_epoch = epoch;
        const auto response = answer_to<kafka::ListOffsetsResponse>(request);
        BOOST_REQUIRE(response.topics.size() == 1u);
        BOOST_REQUIRE(response.topics[0].partitions.size() == 1u);
        return response.topics[0].partitions[0];
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(list_offsets)

BOOST_AUTO_TEST_CASE(an_unknown_topic_partition_or_special_time_is_told) {
    OffsetsWorld world;
    const auto unknown = KafkaError::unknown_topic_or_partition;
    BOOST_TEST((world.ask_for(latest, "x").error_code == unknown));
    BOOST_TEST((world.ask_for(latest, "t", 2).error_code == unknown));
    BOOST_TEST((world.ask_for(-99).error_code == KafkaError::unsupported_version));
}

BOOST_AUTO_TEST_CASE(a_wrong_leader_epoch_is_told) {
    OffsetsWorld world;
    world.kill();
    world.start();
    BOOST_TEST((world.ask_for(latest, "t", 0, 0).error_code == KafkaError::fenced_leader_epoch));
    BOOST_TEST((world.ask_for(latest, "t", 0, 2).error_code == KafkaError::unknown_leader_epoch));
    BOOST_TEST((world.ask_for(latest, "t", 0, 1).error_code == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(an_empty_partition_begins_and_ends_at_0_and_has_no_times) {
    OffsetsWorld world;
    BOOST_TEST(world.ask_for(latest).offset == 0);
    BOOST_TEST(world.ask_for(earliest).offset == 0);
    for (const std::int64_t time : {max_timestamp, std::int64_t{0}}) {
        const Answer answer = world.ask_for(time);
        BOOST_TEST((answer.error_code == KafkaError::none));
        BOOST_TEST(answer.offset == -1);
        BOOST_TEST(answer.timestamp == -1);
    }
}

BOOST_AUTO_TEST_CASE(the_beginning_the_end_and_the_newest_record_are_found) {
    OffsetsWorld world;
    world.append_three();
    BOOST_TEST(world.ask_for(earliest).offset == 0);
    BOOST_TEST(world.ask_for(latest).offset == 3);
    const Answer newest = world.ask_for(max_timestamp);
    BOOST_TEST(newest.offset == 1);
    BOOST_TEST(newest.timestamp == start_ms + 30);
    BOOST_TEST(newest.leader_epoch == 0);
}

BOOST_AUTO_TEST_CASE(the_first_record_at_a_time_or_later_is_found) {
    OffsetsWorld world;
    world.append_three();
    BOOST_TEST(world.ask_for(0).offset == 0);
    BOOST_TEST(world.ask_for(start_ms + 10).offset == 0);
    const Answer later = world.ask_for(start_ms + 11);
    BOOST_TEST(later.offset == 1);
    BOOST_TEST(later.timestamp == start_ms + 30);
    BOOST_TEST(world.ask_for(start_ms + 31).offset == -1);
}

BOOST_AUTO_TEST_CASE(the_end_is_that_of_what_is_committed) {
    OffsetsWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    Slice bytes = world.machine.env().pool.copy_of(plain_batch({"a"}).view());
    const Result<replica::AppendedAt> appended =
        world.machine.run(world.find("t")->append_as_leader(std::move(bytes), replica::Acks::none));
    BOOST_REQUIRE(appended.has_value());
    BOOST_TEST(world.ask_for(latest).offset == 0);
    BOOST_TEST(world.ask_for(0).offset == -1);
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_for(1s);
    BOOST_TEST(world.ask_for(latest).offset == 1);
}

BOOST_AUTO_TEST_SUITE_END()
