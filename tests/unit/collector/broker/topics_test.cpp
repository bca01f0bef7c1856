// What clients ask before they produce or consume: metadata, topics, coordinators.
#include "shared/kafka/messages/create_topics.h"
#include "shared/kafka/messages/find_coordinator.h"
#include "shared/kafka/messages/metadata.h"
#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using TopicAnswer = kafka::MetadataResponse::Topic;

namespace {

kafka::MetadataRequest metadata_of(const std::vector<std::string_view>& names) {
    kafka::MetadataRequest request;
    request.topics.emplace();
    for (const std::string_view name : names) {
        request.topics->emplace_back().name = name;
    }
    return request;
}

TopicAnswer topic_of(
    BrokerWorld& world,
    const kafka::MetadataRequest& request,
    const std::int16_t version = kafka::MetadataRequest::version_max
) {
    const auto response = world.answer_to<kafka::MetadataResponse>(request, version);
    BOOST_REQUIRE(response.topics.size() == 1u);
    return response.topics.front();
}

kafka::CreateTopicsRequest creation_of(const std::string_view name, const std::int32_t partitions) {
    kafka::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    return request;
}

kafka::CreateTopicsResponse::Topic created(
    BrokerWorld& world, const kafka::CreateTopicsRequest& request
) {
    const auto response = world.answer_to<kafka::CreateTopicsResponse>(request);
    BOOST_REQUIRE(response.topics.size() == 1u);
    return response.topics.front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(topics_of_clients)

// --- Metadata ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_name_that_no_topic_can_have_is_invalid_and_made_by_nobody) {
    BrokerWorld world;
    for (const bool auto_create : {false, true}) {
        world.broker().options.auto_create = auto_create;
        const TopicAnswer answer = topic_of(world, metadata_of({"a/b"}));
        BOOST_TEST((answer.error_code == KafkaError::invalid_topic_exception));
    }
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(a_missing_topic_is_made_only_if_both_sides_allow_it) {
    BrokerWorld world;
    kafka::MetadataRequest request = metadata_of({"t"});
    request.allow_auto_topic_creation = false;
    BOOST_TEST((topic_of(world, request).error_code == KafkaError::unknown_topic_or_partition));
    world.broker().options.auto_create = false;
    request.allow_auto_topic_creation = true;
    BOOST_TEST((topic_of(world, request).error_code == KafkaError::unknown_topic_or_partition));
    BOOST_TEST(world.store().image()->topics().empty());
    world.broker().options.auto_create = true;
    world.broker().options.partitions_default = 3;
    const TopicAnswer made = topic_of(world, request);
    BOOST_TEST((made.error_code == KafkaError::none));
    BOOST_REQUIRE(made.partitions.size() == 3u);
    BOOST_TEST(made.partitions[2].leader_id == 1);
    BOOST_TEST((made.partitions[2].isr_nodes == std::vector<std::int32_t>{1}));
    BOOST_TEST((made.topic_id.bytes == world.id_of_topic("t")));
    BOOST_TEST(world.append("t", {"a"}, 2).has_value());
}

BOOST_AUTO_TEST_CASE(old_versions_make_a_topic_by_asking_for_it) {
    BrokerWorld world;
    BOOST_TEST((topic_of(world, metadata_of({"t"}), 0).error_code == KafkaError::none));
    BOOST_TEST(world.store().image()->topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(topics_that_brokers_write_are_not_made_by_asking_for_them) {
    BrokerWorld world;
    const TopicAnswer answer = topic_of(world, metadata_of({"__consumer_offsets"}));
    BOOST_TEST((answer.error_code == KafkaError::unknown_topic_or_partition));
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_id_has_its_own_error) {
    BrokerWorld world;
    world.must_create("t");
    kafka::MetadataRequest request;
    request.topics.emplace().emplace_back().topic_id.bytes = world.id_of_topic("t");
    BOOST_TEST((topic_of(world, request).name == "t"));
    request.topics->front().topic_id.bytes.fill(std::byte{0xee});
    BOOST_TEST((topic_of(world, request).error_code == KafkaError::unknown_topic_id));
}

BOOST_AUTO_TEST_CASE(all_topics_are_told_to_who_asks_for_all_and_none_to_who_asks_for_none) {
    BrokerWorld world;
    world.must_create("b", 2);
    world.must_create("a");
    kafka::MetadataRequest all;
    const auto response = world.answer_to<kafka::MetadataResponse>(all);
    BOOST_REQUIRE(response.topics.size() == 2u);
    BOOST_TEST((response.topics[0].name == "a"));
    BOOST_TEST(response.topics[1].partitions.size() == 2u);
    BOOST_REQUIRE(response.brokers.size() == 1u);
    BOOST_TEST(response.brokers[0].node_id == 1);
    BOOST_TEST((response.brokers[0].host == "broker.example"));
    BOOST_TEST(response.brokers[0].port == 9092);
    BOOST_TEST(response.controller_id == 1);
    BOOST_TEST((response.cluster_id == world.store().cluster_id()));
    const kafka::MetadataRequest none = metadata_of({});
    BOOST_TEST(world.answer_to<kafka::MetadataResponse>(none).topics.empty());
    BOOST_TEST(world.answer_to<kafka::MetadataResponse>(none, 0).topics.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_partition_that_is_not_open_has_no_leader) {
    BrokerWorld world;
    world.must_create("t", 2);
    BOOST_REQUIRE(world.append("t", {"a"}, 1).has_value());
    world.machine.run_for(2s);
    const std::string path = world.dir_of("t", 1) + "/00000000000000000000.log";
    world.kill();
    world.machine.flip_bit(path, 65, 1);
    world.start();
    const TopicAnswer answer = topic_of(world, metadata_of({"t"}));
    BOOST_REQUIRE(answer.partitions.size() == 2u);
    BOOST_TEST((answer.partitions[0].error_code == KafkaError::none));
    BOOST_TEST((answer.partitions[1].error_code == KafkaError::leader_not_available));
    BOOST_TEST(answer.partitions[1].leader_id == -1);
}

BOOST_AUTO_TEST_CASE(a_topic_that_found_no_room_is_opened_when_it_is_asked_for_again) {
    BrokerWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? ENOSPC : sim::OpGate::passes;
    });
    const TopicAnswer refused = topic_of(world, metadata_of({"t"}));
    BOOST_REQUIRE(refused.partitions.size() == 1u);
    BOOST_TEST((refused.partitions[0].error_code == KafkaError::leader_not_available));
    world.machine.judge_ops({});
    world.machine.run_for(2s);
    const TopicAnswer opened = topic_of(world, metadata_of({"t"}));
    BOOST_REQUIRE(opened.partitions.size() == 1u);
    BOOST_TEST((opened.partitions[0].error_code == KafkaError::none));
    BOOST_TEST(opened.partitions[0].leader_id == 1);
}

BOOST_AUTO_TEST_CASE(a_topic_that_found_no_room_is_opened_when_all_are_asked_for) {
    BrokerWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fallocate ? ENOSPC : sim::OpGate::passes;
    });
    static_cast<void>(topic_of(world, metadata_of({"t"})));
    world.machine.judge_ops({});
    world.machine.run_for(2s);
    const auto response = world.answer_to<kafka::MetadataResponse>(kafka::MetadataRequest());
    BOOST_REQUIRE(response.topics.size() == 1u);
    BOOST_REQUIRE(response.topics[0].partitions.size() == 1u);
    BOOST_TEST(response.topics[0].partitions[0].leader_id == 1);
}

// --- CreateTopics --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_topic_that_cannot_be_is_refused_with_its_own_error) {
    BrokerWorld world;
    world.must_create("there");
    const auto error_for = [&world](const kafka::CreateTopicsRequest& request) {
        const auto answer = created(world, request);
        BOOST_TEST(answer.error_message.has_value());
        return answer.error_code;
    };
    const auto wrong_name = error_for(creation_of("a/b", 1));
    BOOST_TEST((wrong_name == KafkaError::invalid_topic_exception));
    const auto internal = error_for(creation_of("__consumer_offsets", 1));
    BOOST_TEST((internal == KafkaError::invalid_topic_exception));
    BOOST_TEST((error_for(creation_of("there", 1)) == KafkaError::topic_already_exists));
    for (const std::int32_t partitions : {0, -2, limits::partitions_per_topic_max + 1}) {
        BOOST_TEST((error_for(creation_of("t", partitions)) == KafkaError::invalid_partitions));
    }
    kafka::CreateTopicsRequest request = creation_of("t", 1);
    request.topics[0].replication_factor = 3;
    BOOST_TEST((error_for(request) == KafkaError::invalid_replication_factor));
    request = creation_of("t", -1);
    request.topics[0].assignments.emplace_back().broker_ids = {1};
    BOOST_TEST((error_for(request) == KafkaError::invalid_replica_assignment));
    BOOST_TEST(world.store().image()->topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_named_twice_is_refused_once_and_not_made) {
    BrokerWorld world;
    kafka::CreateTopicsRequest request = creation_of("t", 1);
    request.topics.push_back(request.topics.front());
    BOOST_TEST((created(world, request).error_code == KafkaError::invalid_request));
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(a_creation_that_is_only_checked_makes_nothing) {
    BrokerWorld world;
    kafka::CreateTopicsRequest request = creation_of("t", 4);
    request.validate_only = true;
    const auto answer = created(world, request);
    BOOST_TEST((answer.error_code == KafkaError::none));
    BOOST_TEST(answer.num_partitions == 4);
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(a_created_topic_can_be_written_to) {
    BrokerWorld world(2);
    world.broker().options.partitions_default = 2;
    const auto answer = created(world, creation_of("t", -1));
    BOOST_TEST((answer.error_code == KafkaError::none));
    BOOST_TEST(answer.num_partitions == 2);
    BOOST_TEST(answer.replication_factor == 1);
    BOOST_TEST((answer.topic_id.bytes == world.id_of_topic("t")));
    BOOST_TEST(world.append("t", {"a"}, 1).has_value());
}

BOOST_AUTO_TEST_CASE(a_creation_without_room_is_an_error_that_clients_retry) {
    BrokerWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    const KafkaError error = created(world, creation_of("t", 1)).error_code;
    BOOST_TEST((error == KafkaError::kafka_storage_error));
    world.machine.judge_ops({});
    BOOST_TEST((created(world, creation_of("t", 1)).error_code == KafkaError::none));
}

// --- FindCoordinator -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(no_group_has_a_coordinator_here_and_clients_ask_again_later) {
    BrokerWorld world;
    for (std::int16_t version = kafka::FindCoordinatorRequest::version_min;
         version <= kafka::FindCoordinatorRequest::version_max;
         ++version) {
        kafka::FindCoordinatorRequest request;
        constexpr std::int16_t many_keys_from = 4;
        if (version >= many_keys_from) {
            request.coordinator_keys = {"group-a", "group-b"};
        } else {
            request.key = "group-a";
        }
        const auto response = world.answer_to<kafka::FindCoordinatorResponse>(request, version);
        if (version >= many_keys_from) {
            BOOST_REQUIRE(response.coordinators.size() == 2u);
            BOOST_TEST((response.coordinators[1].key == "group-b"));
            for (const auto& coordinator : response.coordinators) {
                BOOST_TEST(static_cast<int>(coordinator.error_code) == 15);
                BOOST_TEST(coordinator.node_id == -1);
            }
        } else {
            BOOST_TEST(static_cast<int>(response.error_code) == 15);
            BOOST_TEST(response.node_id == -1);
        }
    }
    BOOST_TEST(kafka::is_retriable(KafkaError::coordinator_not_available));
}

BOOST_AUTO_TEST_CASE(an_unknown_type_of_coordinator_is_a_wrong_request) {
    BrokerWorld world;
    kafka::FindCoordinatorRequest request;
    request.coordinator_keys = {"group"};
    request.key_type = 7;
    const auto response = world.answer_to<kafka::FindCoordinatorResponse>(request);
    BOOST_REQUIRE(response.coordinators.size() == 1u);
    BOOST_TEST((response.coordinators[0].error_code == KafkaError::invalid_request));
}

BOOST_AUTO_TEST_SUITE_END()
