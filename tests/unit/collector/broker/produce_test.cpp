#include "shared/kafka/messages/produce.h"

#include "tests/unit/collector/broker/broker_world.h"
#include "tests/unit/collector/replica/agent_batch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using Then = broker::Reply::Then;

namespace {

constexpr std::int16_t acks_all = -1;

/// Batches for partitions of topics, as one request.
struct Produce {
    explicit Produce(const std::int16_t acks) {
        request.acks = acks;
        request.timeout_ms = 1000;
    }

    Produce& add(const std::string_view topic, const std::int32_t index, const Buffer& batch) {
        if (request.topic_data.empty() || request.topic_data.back().name != topic) {
            request.topic_data.emplace_back().name = topic;
        }
        auto& partition = request.topic_data.back().partition_data.emplace_back();
        partition.index = index;
        partition.records.bytes = batch.view();
        return *this;
    }

    kafka::ProduceRequest request;
};

struct ProduceWorld : BrokerWorld {
    ProduceWorld() { must_create("t", 2); }

    /// The answer for one batch to the first partition.
    kafka::ProduceResponse::Partition answer_for(
        const Buffer& batch,
        const std::int16_t version = kafka::ProduceRequest::version_max,
        const std::int16_t acks = acks_all
    ) {
        const Produce produce = Produce(acks).add("t", 0, batch);
        const auto response = answer_to<kafka::ProduceResponse>(produce.request, version);
        BOOST_REQUIRE(response.responses.size() == 1u);
        BOOST_REQUIRE(response.responses[0].partition_responses.size() == 1u);
        return response.responses[0].partition_responses[0];
    }
    KafkaError error_for(
        const Buffer& batch, const std::int16_t version = kafka::ProduceRequest::version_max
    ) {
        return answer_for(batch, version).error_code;
    }
    std::int64_t log_end(const std::int32_t index = 0) {
        return find("t", index)->log_end_offset().value;
    }
};

Task<void> produce_and_note(BrokerWorld& world, broker::Request request, std::int64_t& base) {
    const broker::Reply reply = co_await broker::dispatch(world.broker(), std::move(request));
    const auto response = world.answer_in<kafka::ProduceResponse>(reply, 9);
    base = response.responses[0].partition_responses[0].base_offset;
}

template <typename T>
Buffer changed_batch(const std::size_t at, const T value) {
    Buffer batch = plain_batch({"one", "two"});
    codec::store_be(batch.data() + at, value);
    renew_crc(batch);
    return batch;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(produce)

// --- What is refused -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_unknown_topic_or_partition_is_told_per_partition) {
    ProduceWorld world;
    const Buffer batch = plain_batch({"a"});
    Produce produce(acks_all);
    produce.add("t", 0, batch).add("t", 2, batch).add("x", 0, batch);
    const auto response = world.answer_to<kafka::ProduceResponse>(produce.request);
    BOOST_REQUIRE(response.responses.size() == 2u);
    const auto& of_t = response.responses[0].partition_responses;
    BOOST_TEST((of_t[0].error_code == KafkaError::none));
    BOOST_TEST((of_t[1].error_code == KafkaError::unknown_topic_or_partition));
    BOOST_TEST(of_t[1].base_offset == -1);
    const auto& of_x = response.responses[1].partition_responses;
    BOOST_TEST((of_x[0].error_code == KafkaError::unknown_topic_or_partition));
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_not_sound_is_refused_with_its_own_error) {
    ProduceWorld world;
    Buffer damaged = plain_batch({"one", "two"});
    damaged.mutable_view()[damaged.size() - 1] ^= std::byte{1};
    BOOST_TEST((world.error_for(damaged) == KafkaError::corrupt_message));
    BOOST_TEST((world.error_for(Buffer()) == KafkaError::invalid_record));
    Buffer two = plain_batch({"one"});
    two.append(plain_batch({"two"}).view());
    BOOST_TEST((world.error_for(two) == KafkaError::invalid_record));
    const Buffer old_magic = changed_batch(16, std::int8_t{1});
    BOOST_TEST((world.error_for(old_magic) == KafkaError::unsupported_for_message_format));
    const Buffer control = changed_batch(21, std::int16_t{0x20});
    BOOST_TEST((world.error_for(control) == KafkaError::invalid_record));
    const Buffer append_time = changed_batch(21, std::int16_t{8});
    BOOST_TEST((world.error_for(append_time) == KafkaError::invalid_timestamp));
    const Buffer unknown_codec = changed_batch(21, std::int16_t{6});
    BOOST_TEST((world.error_for(unknown_codec) == KafkaError::unsupported_compression_type));
    BOOST_TEST(world.log_end() == 0);
}

BOOST_AUTO_TEST_CASE(a_batch_of_an_agent_does_not_come_in_at_this_door) {
    ProduceWorld world;
    const Buffer marked = batch_of(cursor_of(id_of(1), 0, 10));
    BOOST_TEST((world.error_for(marked) == KafkaError::invalid_record));
}

BOOST_AUTO_TEST_CASE(zstd_is_refused_from_clients_that_are_too_old_for_it) {
    ProduceWorld world;
    const Buffer batch = changed_batch(21, std::int16_t{4});
    BOOST_TEST((world.error_for(batch, 6) == KafkaError::unsupported_compression_type));
    BOOST_TEST((world.error_for(batch, 7) == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(a_time_far_in_the_future_is_refused) {
    ProduceWorld world;
    const std::int64_t now_ms = to_unix_ms(world.machine.env().clock.wall());
    constexpr std::int64_t hour_ms = 3'600'000;
    const auto batch_at = [](const std::int64_t time_ms) {
        Buffer batch = changed_batch(27, time_ms);
        codec::store_be(batch.data() + 35, time_ms);
        renew_crc(batch);
        return batch;
    };
    BOOST_TEST((world.error_for(batch_at(now_ms + 25 * hour_ms)) == KafkaError::invalid_timestamp));
    BOOST_TEST((world.error_for(batch_at(now_ms + 23 * hour_ms)) == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(a_batch_above_the_topics_limit_is_too_large) {
    ProduceWorld world;
    world.broker().options.batch_bytes_max = 200;
    const Buffer large = plain_batch({std::string(300, 'x')});
    BOOST_TEST((world.error_for(large) == KafkaError::message_too_large));
    BOOST_TEST((world.error_for(plain_batch({"small"})) == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(unknown_acknowledgements_and_transactions_append_nothing) {
    ProduceWorld world;
    const Buffer batch = plain_batch({"a"});
    BOOST_TEST((world.answer_for(batch, 9, 2).error_code == KafkaError::invalid_required_acks));
    Produce produce = Produce(acks_all).add("t", 0, batch);
    produce.request.transactional_id = "tx";
    const auto response = world.answer_to<kafka::ProduceResponse>(produce.request);
    const auto error = response.responses[0].partition_responses[0].error_code;
    BOOST_TEST((error == KafkaError::transactional_id_authorization_failed));
    // Who wants no answer gets none: his connection ends instead.
    produce.request.acks = 0;
    BOOST_TEST((world.ask(produce.request).then == broker::Reply::Then::close));
    BOOST_TEST(world.log_end() == 0);
}

BOOST_AUTO_TEST_CASE(a_full_and_a_failed_disk_are_errors_that_clients_retry) {
    ProduceWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    BOOST_TEST((world.error_for(plain_batch({"a"})) == KafkaError::kafka_storage_error));
    BOOST_TEST(kafka::is_retriable(KafkaError::kafka_storage_error));
    world.machine.judge_ops({});
    BOOST_TEST(world.answer_for(plain_batch({"a"})).base_offset == 0);
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.error_for(plain_batch({"a"})) == KafkaError::kafka_storage_error));
}

// --- Acknowledgements ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(with_acknowledgements_the_answer_comes_once_the_batch_is_on_disk) {
    for (const std::int16_t acks : {std::int16_t{1}, acks_all}) {
        ProduceWorld world;
        world.machine.judge_ops([](const io::Op& op) {
            return op.kind == io::OpKind::fdatasync ? sim::OpGate::held : sim::OpGate::passes;
        });
        const Buffer batch = plain_batch({"a", "b"});
        const Produce produce = Produce(acks).add("t", 1, batch);
        auto outcome = world.begin(produce.request);
        world.machine.run_for(10s);
        BOOST_TEST(!outcome.is_there());
        world.machine.judge_ops({});
        world.machine.release_ops();
        world.machine.run_until([&outcome] { return outcome.is_there(); });
        const auto response = world.answer_in<kafka::ProduceResponse>(outcome.value());
        const auto& answer = response.responses[0].partition_responses[0];
        BOOST_TEST((answer.error_code == KafkaError::none));
        BOOST_TEST(answer.base_offset == 0);
        BOOST_TEST(answer.log_start_offset == 0);
        BOOST_TEST(answer.log_append_time_ms == -1);
        BOOST_TEST(world.find("t", 1)->high_watermark().value == 2);
        BOOST_TEST(world.answer_for(batch).base_offset == 0);  // the other partition
    }
}

BOOST_AUTO_TEST_CASE(without_acknowledgements_nothing_is_said_if_all_went_well) {
    ProduceWorld world;
    const Buffer batch = plain_batch({"a"});
    const Produce produce = Produce(0).add("t", 0, batch).add("t", 1, batch);
    const broker::Reply reply = world.ask(produce.request);
    BOOST_TEST((reply.then == Then::say_nothing));
    BOOST_TEST(world.log_end(0) == 1);
    BOOST_TEST(world.log_end(1) == 1);
}

BOOST_AUTO_TEST_CASE(without_acknowledgements_an_error_closes_the_connection) {
    ProduceWorld world;
    const Buffer batch = plain_batch({"a"});
    const Produce unknown = Produce(0).add("t", 0, batch).add("x", 0, batch);
    BOOST_TEST((world.ask(unknown.request).then == Then::close));
    BOOST_TEST(world.log_end(0) == 1);  // what went well is there
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    const Produce full = Produce(0).add("t", 0, batch);
    BOOST_TEST((world.ask(full.request).then == Then::close));
}

BOOST_AUTO_TEST_CASE(every_served_version_appends_and_is_answered) {
    ProduceWorld world;
    std::int64_t expected = 0;
    for (std::int16_t version = kafka::ProduceRequest::version_min;
         version <= kafka::ProduceRequest::version_max;
         ++version) {
        const auto answer = world.answer_for(plain_batch({"a"}), version);
        BOOST_TEST((answer.error_code == KafkaError::none));
        BOOST_TEST(answer.base_offset == expected++);
    }
}

BOOST_AUTO_TEST_CASE(requests_that_follow_each_other_are_appended_in_their_order) {
    ProduceWorld world;
    Scope& connection = world.machine.make<Scope>(world.machine.env().scheduler);
    std::deque<Buffer> batches;
    std::vector<std::int64_t> bases(10, -1);
    for (std::int64_t& base : bases) {
        batches.push_back(plain_batch({"x"}));
        const Produce produce = Produce(acks_all).add("t", 0, batches.back());
        broker::Request request = world.request_of(produce.request, 9);
        connection.spawn_now(produce_and_note(world, std::move(request), base));
    }
    world.machine.run(connection.join());
    for (std::size_t i = 0; i < bases.size(); ++i) {
        BOOST_TEST(bases[i] == static_cast<std::int64_t>(i));
    }
}

BOOST_AUTO_TEST_SUITE_END()
