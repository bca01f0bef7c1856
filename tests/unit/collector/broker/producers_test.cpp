// Idempotent producers at Kafka's door: their ids, and their batches.
#include "shared/kafka/messages/find_coordinator.h"
#include "shared/kafka/messages/init_producer_id.h"
#include "shared/kafka/messages/produce.h"
#include "tests/unit/collector/broker/broker_world.h"
#include "tests/unit/collector/replica/producer_batch.h"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using IdRequest = kafka::InitProducerIdRequest;
using IdResponse = kafka::InitProducerIdResponse;
using PartitionAnswer = kafka::ProduceResponse::Partition;

namespace {

struct ProducersWorld : BrokerWorld {
    explicit ProducersWorld(const std::size_t shard_count = 1) : BrokerWorld(shard_count) {
        must_create("t", 2);
    }

    /// Batches for the partitions 0, 1, ... of topic t, as one request.
    std::vector<PartitionAnswer> produce(
        const std::vector<const Buffer*>& batches,
        const std::int16_t version = kafka::ProduceRequest::version_max
    ) {
        kafka::ProduceRequest request;
        request.acks = -1;
        request.timeout_ms = 1000;
        request.topic_data.emplace_back().name = "t";
        for (std::size_t i = 0; i < batches.size(); ++i) {
            auto& partition = request.topic_data[0].partition_data.emplace_back();
            partition.index = static_cast<std::int32_t>(i);
            partition.records.bytes = batches[i]->view();
        }
        const auto response = answer_to<kafka::ProduceResponse>(request, version);
        BOOST_REQUIRE(response.responses.size() == 1u);
        return response.responses[0].partition_responses;
    }
    PartitionAnswer produce(const Buffer& batch) { return produce({&batch}).front(); }
    std::int64_t must_have_id() {
        const auto response = answer_to<IdResponse>(IdRequest());
        BOOST_REQUIRE((response.error_code == KafkaError::none));
        return response.producer_id;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(producers)

// --- Ids -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(transactions_are_refused_for_good_and_not_for_later) {
    ProducersWorld world;
    for (std::int16_t version = 0; version <= IdRequest::version_max; ++version) {
        IdRequest request;
        request.transactional_id = "tx";
        const auto refused = world.answer_to<IdResponse>(request, version);
        BOOST_TEST((refused.error_code == KafkaError::transactional_id_authorization_failed));
        BOOST_TEST(refused.producer_id == -1);
        request.transactional_id = "";
        const auto empty = world.answer_to<IdResponse>(request, version);
        BOOST_TEST((empty.error_code == KafkaError::invalid_request));
    }
    kafka::FindCoordinatorRequest coordinator;
    coordinator.key_type = 1;
    coordinator.coordinator_keys = {"tx"};
    const auto response = world.answer_to<kafka::FindCoordinatorResponse>(coordinator);
    const KafkaError error = response.coordinators[0].error_code;
    BOOST_TEST((error == KafkaError::transactional_id_authorization_failed));
    BOOST_TEST(!kafka::is_retriable(error));
}

BOOST_AUTO_TEST_CASE(without_room_for_ids_clients_ask_again_later) {
    ProducersWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    const auto refused = world.answer_to<IdResponse>(IdRequest());
    BOOST_TEST((refused.error_code == KafkaError::coordinator_not_available));
    BOOST_TEST(refused.producer_id == -1);
    BOOST_TEST(kafka::is_retriable(refused.error_code));
    world.machine.judge_ops({});
    BOOST_TEST(world.must_have_id() >= 0);
}

BOOST_AUTO_TEST_CASE(each_producer_has_an_id_of_its_own_in_every_version_and_after_a_crash) {
    std::set<std::int64_t> given;
    ProducersWorld world(2);
    for (int life = 0; life < 3; ++life) {
        for (std::int16_t version = 0; version <= IdRequest::version_max; ++version) {
            IdRequest request;
            request.transaction_timeout_ms = 60'000;
            request.producer_id = given.empty() ? -1 : *given.begin();  // it has one already
            request.producer_epoch = 3;
            const auto response = world.answer_to<IdResponse>(request, version);
            BOOST_TEST((response.error_code == KafkaError::none));
            BOOST_TEST(response.producer_epoch == 0);
            BOOST_TEST(given.insert(response.producer_id).second);
        }
        world.kill();
        world.start();
    }
}

// --- Batches -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_batch_without_an_epoch_or_a_number_is_invalid) {
    ProducersWorld world;
    const auto no_epoch = world.produce(producer_batch({"a"}, 7, -1, 0));
    BOOST_TEST((no_epoch.error_code == KafkaError::invalid_record));
    const auto no_number = world.produce(producer_batch({"a"}, 7, 0, -1));
    BOOST_TEST((no_number.error_code == KafkaError::invalid_record));
    BOOST_TEST(world.find("t")->log_end_offset().value == 0);
}

BOOST_AUTO_TEST_CASE(a_gap_and_an_older_epoch_have_their_own_errors_with_a_sentence) {
    ProducersWorld world;
    BOOST_REQUIRE((world.produce(producer_batch({"a"}, 7, 1, 0)).error_code == KafkaError::none));
    const auto gap = world.produce(producer_batch({"c"}, 7, 1, 2));
    BOOST_TEST((gap.error_code == KafkaError::out_of_order_sequence_number));
    BOOST_TEST(gap.error_message->find("sequence") != std::string::npos);
    BOOST_TEST(gap.base_offset == -1);
    const auto fenced = world.produce(producer_batch({"b"}, 7, 0, 1));
    BOOST_TEST((fenced.error_code == KafkaError::invalid_producer_epoch));
    BOOST_TEST(fenced.error_message->find("epoch") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_retry_is_answered_with_the_offset_of_the_batch_in_every_version) {
    ProducersWorld world;
    const std::int64_t id = world.must_have_id();
    const Buffer batch = producer_batch({"a", "b"}, id, 0, 0);
    for (std::int16_t version = kafka::ProduceRequest::version_min;
         version <= kafka::ProduceRequest::version_max;
         ++version) {
        for (const PartitionAnswer& answer : world.produce({&batch, &batch}, version)) {
            BOOST_TEST((answer.error_code == KafkaError::none));
            BOOST_TEST(answer.base_offset == 0);
            BOOST_TEST(answer.log_append_time_ms == -1);
        }
    }
    BOOST_TEST(world.find("t", 0)->log_end_offset().value == 2);
    BOOST_TEST(world.find("t", 1)->log_end_offset().value == 2);
}

BOOST_AUTO_TEST_CASE(a_partition_that_refuses_a_batch_does_not_keep_others_from_theirs) {
    ProducersWorld world;
    const Buffer first = producer_batch({"a"}, 7, 0, 0);
    BOOST_REQUIRE((world.produce({&first, &first})[1].error_code == KafkaError::none));
    const Buffer gap = producer_batch({"c"}, 7, 0, 2);
    const Buffer second = producer_batch({"b"}, 7, 0, 1);
    const std::vector<PartitionAnswer> answers = world.produce({&gap, &second});
    BOOST_TEST((answers[0].error_code == KafkaError::out_of_order_sequence_number));
    BOOST_TEST((answers[1].error_code == KafkaError::none));
    BOOST_TEST(answers[1].base_offset == 1);
}

BOOST_AUTO_TEST_SUITE_END()
