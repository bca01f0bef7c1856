#include "shared/kafka/messages/fetch.h"

#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using PartitionAnswer = kafka::FetchResponse::Partition;

namespace {

constexpr std::int16_t by_name = 12;  // the last version that names topics

kafka::FetchRequest fetch_of(
    const std::string_view topic,
    const std::vector<std::pair<std::int32_t, std::int64_t>>& partitions_and_offsets
) {
    kafka::FetchRequest request;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    request.topics.emplace_back().topic = topic;
    for (const auto& [index, offset] : partitions_and_offsets) {
        auto& partition = request.topics.back().partitions.emplace_back();
        partition.partition = index;
        partition.fetch_offset = offset;
        partition.partition_max_bytes = 1 << 20;
    }
    return request;
}

struct FetchWorld : BrokerWorld {
    explicit FetchWorld(const std::size_t shard_count = 1) : BrokerWorld(shard_count) {
        must_create("t", 3);
    }

    std::vector<PartitionAnswer> answers(
        const kafka::FetchRequest& request, const std::int16_t version = by_name
    ) {
        return answers_in(ask(request, version), version);
    }
    std::vector<PartitionAnswer> answers_in(
        const broker::Reply& reply, const std::int16_t version = by_name
    ) {
        const auto response = answer_in<kafka::FetchResponse>(reply, version);
        BOOST_TEST((response.error_code == KafkaError::none));
        BOOST_REQUIRE(response.responses.size() == 1u);
        return response.responses[0].partitions;
    }
    PartitionAnswer answer(const kafka::FetchRequest& request) {
        const std::vector<PartitionAnswer> all = answers(request);
        BOOST_REQUIRE(all.size() == 1u);
        return all.front();
    }
    void must_append(const std::vector<std::string>& values, const std::int32_t index = 0) {
        BOOST_REQUIRE(append("t", values, index).has_value());
    }
};

/// Values of all batches of an answer.
std::vector<std::string> values_in(const PartitionAnswer& answer) {
    std::vector<std::string> values;
    for (ByteView rest = answer.records.bytes; !rest.empty();) {
        const std::vector<std::string> more = values_of(rest);
        values.insert(values.end(), more.begin(), more.end());
        rest = rest.subspan(record::BatchView::parse(rest)->size());
    }
    return values;
}

using Values = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(fetch)

// --- Errors --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_unknown_partition_is_told_at_once_and_the_others_are_served) {
    FetchWorld world;
    world.must_append({"a"});
    kafka::FetchRequest request = fetch_of("t", {{0, 0}, {3, 0}, {-1, 0}});
    request.max_wait_ms = 60'000;
    const SteadyTime asked = world.machine.env().clock.now();
    const std::vector<PartitionAnswer> answers = world.answers(request);
    BOOST_TEST((world.machine.env().clock.now() < asked + 1s));
    BOOST_TEST((values_in(answers[0]) == Values{"a"}));
    BOOST_TEST((answers[1].error_code == KafkaError::unknown_topic_or_partition));
    BOOST_TEST((answers[2].error_code == KafkaError::unknown_topic_or_partition));
    const std::vector<PartitionAnswer> of_unknown = world.answers(fetch_of("x", {{0, 0}}));
    BOOST_TEST((of_unknown[0].error_code == KafkaError::unknown_topic_or_partition));
}

BOOST_AUTO_TEST_CASE(with_topic_ids_an_unknown_one_has_its_own_error) {
    FetchWorld world;
    world.must_append({"a"});
    kafka::FetchRequest request = fetch_of("", {{0, 0}});
    request.topics[0].topic_id.bytes = world.id_of_topic("t");
    BOOST_TEST((values_in(world.answers(request, 13)[0]) == Values{"a"}));
    request.topics[0].topic_id.bytes.fill(std::byte{0xee});
    BOOST_TEST((world.answers(request, 13)[0].error_code == KafkaError::unknown_topic_id));
}

BOOST_AUTO_TEST_CASE(an_offset_outside_the_log_is_out_of_range_and_its_end_is_not) {
    FetchWorld world;
    world.must_append({"a", "b"});
    for (const std::int64_t offset : {-1, 3}) {
        const PartitionAnswer answer = world.answer(fetch_of("t", {{0, offset}}));
        BOOST_TEST((answer.error_code == KafkaError::offset_out_of_range));
        BOOST_TEST(answer.high_watermark == -1);
    }
    const PartitionAnswer at_end = world.answer(fetch_of("t", {{0, 2}}));
    BOOST_TEST((at_end.error_code == KafkaError::none));
    BOOST_TEST(at_end.high_watermark == 2);
    BOOST_TEST(at_end.records.bytes.empty());
}

BOOST_AUTO_TEST_CASE(between_the_high_watermark_and_the_logs_end_is_nothing_and_no_error) {
    FetchWorld world;
    world.must_append({"a"});
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    Slice bytes = world.machine.env().pool.copy_of(plain_batch({"b"}).view());
    const Result<replica::AppendedAt> appended =
        world.machine.run(world.find("t")->append_as_leader(std::move(bytes), replica::Acks::none));
    BOOST_REQUIRE(appended.has_value());
    for (const std::int64_t offset : {1, 2}) {
        const PartitionAnswer answer = world.answer(fetch_of("t", {{0, offset}}));
        BOOST_TEST((answer.error_code == KafkaError::none));
        BOOST_TEST(answer.records.bytes.empty());
        BOOST_TEST(answer.high_watermark == 1);
    }
    world.machine.judge_ops({});
    world.machine.release_ops();
}

BOOST_AUTO_TEST_CASE(a_wrong_leader_epoch_is_told_with_the_right_one) {
    FetchWorld world;
    world.must_append({"a"});
    world.reopen();
    world.kill();
    world.start();  // epoch 2 by now
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    const auto error_for = [&](const std::int32_t epoch) {
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        const PartitionAnswer answer = world.answer(request);
        if (answer.error_code != KafkaError::none) {
            BOOST_TEST(answer.current_leader.leader_epoch == 2);
        }
        return answer.error_code;
    };
    BOOST_TEST((error_for(1) == KafkaError::fenced_leader_epoch));
    BOOST_TEST((error_for(3) == KafkaError::unknown_leader_epoch));
    BOOST_TEST((error_for(2) == KafkaError::none));
    BOOST_TEST((error_for(-1) == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(a_session_that_was_never_given_out_is_unknown) {
    FetchWorld world;
    for (const std::int32_t session : {0, 5}) {
        for (const std::int32_t epoch : {1, 7, -2}) {
            kafka::FetchRequest request = fetch_of("t", {{0, 0}});
            request.session_id = session;
            request.session_epoch = epoch;
            const auto response = world.answer_to<kafka::FetchResponse>(request, by_name);
            BOOST_TEST((response.error_code == KafkaError::fetch_session_id_not_found));
            BOOST_TEST(response.responses.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(who_wants_a_session_or_ends_one_is_answered_in_full_without_one) {
    FetchWorld world;
    world.must_append({"a"});
    for (const std::int32_t session : {0, 5}) {
        for (const std::int32_t epoch : {0, -1}) {
            kafka::FetchRequest request = fetch_of("t", {{0, 0}});
            request.session_id = session;
            request.session_epoch = epoch;
            const auto response = world.answer_to<kafka::FetchResponse>(request, by_name);
            BOOST_TEST((response.error_code == KafkaError::none));
            BOOST_TEST(response.session_id == 0);
            BOOST_REQUIRE(response.responses.size() == 1u);
            BOOST_TEST(response.responses[0].partitions[0].records.bytes.size() != 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_disk_that_cannot_be_read_is_an_error_of_that_partition) {
    FetchWorld world;
    world.must_append({"a"});
    world.kill();  // and what was cached is gone
    world.start();
    world.machine.disk().options().faults.read_error = 1;
    const PartitionAnswer answer = world.answer(fetch_of("t", {{0, 0}}));
    BOOST_TEST((answer.error_code == KafkaError::kafka_storage_error));
    BOOST_TEST(answer.records.bytes.empty());
}

// --- Sizes ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_partition_that_is_not_open_is_told_in_a_way_that_consumers_outlive) {
    FetchWorld world;
    world.must_append({"a"}, 1);
    world.machine.run_for(2s);
    const std::string path = world.dir_of("t", 1) + "/00000000000000000000.log";
    world.kill();
    world.machine.flip_bit(path, 65, 1);
    world.start();
    BOOST_TEST(
        (world.answer(fetch_of("t", {{1, 0}})).error_code == KafkaError::not_leader_or_follower)
    );
}

BOOST_AUTO_TEST_CASE(nobody_copies_partitions_from_us_however_he_says_that_he_wants_to) {
    FetchWorld world;
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    request.replica_id = 2;
    const auto refused = world.answer_to<kafka::FetchResponse>(request, by_name);
    BOOST_TEST((refused.error_code == KafkaError::cluster_authorization_failed));
    request.replica_id = -1;
    request.replica_state.replica_id = 2;
    const auto refused_newer = world.answer_to<kafka::FetchResponse>(request, 15);
    BOOST_TEST((refused_newer.error_code == KafkaError::cluster_authorization_failed));
}

BOOST_AUTO_TEST_CASE(the_first_batch_comes_whatever_the_limits_and_then_no_more_than_they_allow) {
    FetchWorld world;
    for (const char* const value : {"one", "two", "six"}) {
        world.must_append({value});
    }
    const auto batch_bytes = static_cast<std::int32_t>(plain_batch({"one"}).size());
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    const auto values_with = [&](const std::int32_t max_bytes, const std::int32_t of_partition) {
        request.max_bytes = max_bytes;
        request.topics[0].partitions[0].partition_max_bytes = of_partition;
        return values_in(world.answer(request));
    };
    BOOST_TEST((values_with(0, 1 << 20) == Values{"one"}));
    BOOST_TEST((values_with(1 << 20, 0) == Values{"one"}));
    BOOST_TEST((values_with(-5, -5) == Values{"one"}));
    BOOST_TEST((values_with(1 << 20, 2 * batch_bytes) == Values{"one", "two"}));
    BOOST_TEST((values_with(2 * batch_bytes, 1 << 20) == Values{"one", "two"}));
    BOOST_TEST((values_with(3 * batch_bytes - 1, 1 << 20) == Values{"one", "two"}));
    BOOST_TEST((values_with(1 << 20, 1 << 20) == Values{"one", "two", "six"}));
}

BOOST_AUTO_TEST_CASE(only_one_partition_may_go_above_the_limit) {
    FetchWorld world;
    for (std::int32_t i = 0; i < 3; ++i) {
        world.must_append({std::string(400, 'x')}, i);
    }
    kafka::FetchRequest request = fetch_of("t", {{0, 0}, {1, 0}, {2, 0}});
    request.max_bytes = 100;
    for (int round = 0; round < 10; ++round) {
        int with_records = 0;
        for (const PartitionAnswer& answer : world.answers(request)) {
            BOOST_TEST((answer.error_code == KafkaError::none));
            BOOST_TEST(answer.high_watermark == 1);
            with_records += answer.records.bytes.empty() ? 0 : 1;
        }
        BOOST_TEST(with_records == 1);
    }
}

BOOST_AUTO_TEST_CASE(with_little_room_each_partition_gets_its_turn) {
    FetchWorld world;
    for (std::int32_t i = 0; i < 3; ++i) {
        world.must_append({std::string(400, 'x')}, i);
    }
    kafka::FetchRequest request = fetch_of("t", {{0, 0}, {1, 0}, {2, 0}});
    request.max_bytes = 100;
    std::vector<int> served(3, 0);
    for (int round = 0; round < 60; ++round) {
        const std::vector<PartitionAnswer> answers = world.answers(request);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            served[i] += answers[i].records.bytes.empty() ? 0 : 1;
        }
    }
    for (const int count : served) {
        BOOST_TEST(count > 5);
    }
}

// --- Long polls ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_fetch_at_the_end_waits_as_long_as_it_may_and_then_says_nothing) {
    FetchWorld world;
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    request.max_wait_ms = 500;
    const SteadyTime asked = world.machine.env().clock.now();
    const PartitionAnswer answer = world.answer(request);
    BOOST_TEST((world.machine.env().clock.now() >= asked + 500ms));
    BOOST_TEST((world.machine.env().clock.now() < asked + 600ms));
    BOOST_TEST((answer.error_code == KafkaError::none));
    BOOST_TEST(answer.records.bytes.empty());
    request.max_wait_ms = -1;
    static_cast<void>(world.answer(request));
    BOOST_TEST((world.machine.env().clock.now() < asked + 700ms));
}

BOOST_AUTO_TEST_CASE(a_fetch_that_asks_for_no_bytes_does_not_wait) {
    FetchWorld world;
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    request.max_wait_ms = 60'000;
    request.min_bytes = 0;
    const SteadyTime asked = world.machine.env().clock.now();
    static_cast<void>(world.answer(request));
    BOOST_TEST((world.machine.env().clock.now() < asked + 1s));
}

BOOST_AUTO_TEST_CASE(a_waiting_fetch_is_answered_as_soon_as_a_record_is_committed) {
    for (const std::size_t shard_count : {1u, 3u}) {
        FetchWorld world(shard_count);
        kafka::FetchRequest request = fetch_of("t", {{0, 0}, {1, 0}, {2, 0}});
        request.max_wait_ms = 60'000;
        auto outcome = world.begin(request, by_name);
        world.machine.run_for(5s);
        BOOST_TEST(!outcome.is_there());
        world.must_append({"a"}, 1);
        world.machine.run_for(1ms);
        BOOST_REQUIRE(outcome.is_there());
        const std::vector<PartitionAnswer> answers = world.answers_in(outcome.value());
        BOOST_TEST(answers[0].records.bytes.empty());
        BOOST_TEST((values_in(answers[1]) == Values{"a"}));
    }
}

BOOST_AUTO_TEST_CASE(what_is_written_and_not_yet_committed_wakes_nobody) {
    FetchWorld world;
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    request.max_wait_ms = 60'000;
    auto outcome = world.begin(request, by_name);
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
    });
    Slice bytes = world.machine.env().pool.copy_of(plain_batch({"a"}).view());
    replica::Partition& partition = *world.find("t");
    auto appended =
        world.machine.begin(partition.append_as_leader(std::move(bytes), replica::Acks::all));
    world.machine.run_for(5s);
    BOOST_TEST(world.find("t")->log_end_offset().value == 1);
    BOOST_TEST(!outcome.is_there());
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_until([&] { return appended.is_there(); });
    world.machine.run_for(1ms);
    BOOST_TEST(outcome.is_there());
}

BOOST_AUTO_TEST_CASE(a_fetch_waits_until_there_are_as_many_bytes_as_it_wants) {
    FetchWorld world;
    const auto batch_bytes = static_cast<std::int32_t>(plain_batch({"abc"}).size());
    kafka::FetchRequest request = fetch_of("t", {{0, 0}, {1, 0}});
    request.max_wait_ms = 60'000;
    request.min_bytes = 3 * batch_bytes;
    auto outcome = world.begin(request, by_name);
    world.must_append({"abc"}, 0);
    world.must_append({"abc"}, 1);
    world.machine.run_for(5s);
    BOOST_TEST(!outcome.is_there());
    world.must_append({"abc"}, 0);
    world.machine.run_for(1ms);
    BOOST_REQUIRE(outcome.is_there());
    const std::vector<PartitionAnswer> answers = world.answers_in(outcome.value());
    BOOST_TEST(values_in(answers[0]).size() == 2u);
    BOOST_TEST(values_in(answers[1]).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_record_that_is_committed_while_others_are_read_is_not_slept_over) {
    FetchWorld world;
    world.must_append({"first"});
    world.kill();  // so that the read goes to the disk
    world.start();
    const auto batch_bytes = static_cast<std::int32_t>(plain_batch({"first"}).size());
    kafka::FetchRequest request = fetch_of("t", {{0, 0}});
    request.max_wait_ms = 60'000;
    request.min_bytes = batch_bytes + 1;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::read ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto outcome = world.begin(request, by_name);
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    world.must_append({"second"});
    world.machine.judge_ops({});
    world.machine.release_ops();
    world.machine.run_for(1s);
    BOOST_REQUIRE(outcome.is_there());
    const PartitionAnswer answer = world.answers_in(outcome.value()).front();
    BOOST_TEST((values_in(answer) == Values{"first", "second"}));
}

BOOST_AUTO_TEST_CASE(every_served_version_gets_the_records) {
    FetchWorld world;
    world.must_append({"a", "b"});
    world.must_append({"c"});
    for (std::int16_t version = kafka::FetchRequest::version_min;
         version <= kafka::FetchRequest::version_max;
         ++version) {
        kafka::FetchRequest request = fetch_of("t", {{0, 0}});
        request.topics[0].topic_id.bytes = world.id_of_topic("t");
        const PartitionAnswer answer = world.answers(request, version).front();
        BOOST_TEST((values_in(answer) == Values{"a", "b", "c"}));
        BOOST_TEST(answer.high_watermark == 3);
        BOOST_TEST(answer.last_stable_offset == 3);
    }
}

BOOST_AUTO_TEST_SUITE_END()
