// What administrators do to topics: settings at their creation, more partitions, deletion.
#include "shared/kafka/messages/create_partitions.h"
#include "shared/kafka/messages/create_topics.h"
#include "shared/kafka/messages/delete_topics.h"
#include "shared/kafka/messages/fetch.h"
#include "shared/kafka/messages/metadata.h"
#include "shared/kafka/messages/produce.h"
#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using record::Id128;

namespace {

using Pairs = std::vector<std::pair<std::string_view, std::optional<std::string_view>>>;

kafka::CreateTopicsRequest creation_of(const std::string_view name, const Pairs& settings = {}) {
    kafka::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    for (const auto& [key, value] : settings) {
        auto& config = topic.configs.emplace_back();
        config.name = key;
        config.value = value;
    }
    return request;
}

kafka::DeleteTopicsRequest deletion_of(const std::string_view name) {
    kafka::DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topics.emplace_back().name = name;
    request.topic_names = {name};
    return request;
}

kafka::CreatePartitionsRequest growth_of(const std::string_view name, const std::int32_t count) {
    kafka::CreatePartitionsRequest request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = count;
    return request;
}

struct AdminWorld : BrokerWorld {
    using BrokerWorld::BrokerWorld;

    kafka::CreateTopicsResponse::Topic created(const kafka::CreateTopicsRequest& request) {
        const auto response = answer_to<kafka::CreateTopicsResponse>(request);
        BOOST_REQUIRE(response.topics.size() == 1u);
        return response.topics.front();
    }
    kafka::DeleteTopicsResponse::Topic deleted(
        const kafka::DeleteTopicsRequest& request,
        const std::int16_t version = kafka::DeleteTopicsRequest::version_max
    ) {
        const auto response = answer_to<kafka::DeleteTopicsResponse>(request, version);
        BOOST_REQUIRE(response.responses.size() == 1u);
        return response.responses.front();
    }
    kafka::CreatePartitionsResponse::Topic grown(const kafka::CreatePartitionsRequest& request) {
        const auto response = answer_to<kafka::CreatePartitionsResponse>(request);
        BOOST_REQUIRE(response.results.size() == 1u);
        return response.results.front();
    }
    KafkaError produced(const std::string_view topic, const Buffer& batch) {
        kafka::ProduceRequest request;
        request.acks = -1;
        request.topic_data.emplace_back().name = topic;
        request.topic_data[0].partition_data.emplace_back().records.bytes = batch.view();
        const auto response = answer_to<kafka::ProduceResponse>(request);
        return response.responses[0].partition_responses[0].error_code;
    }
    std::size_t partitions_of(const std::string& name) {
        const metadata::ImagePtr image = store().image();
        return image->find(name)->partitions.size();
    }
};

constexpr std::int16_t by_name = 12;  // the last version of Fetch that names topics

kafka::FetchRequest long_poll(const std::string_view topic, const Id128& id = {}) {
    kafka::FetchRequest request;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    request.max_wait_ms = 60'000;
    auto& asked = request.topics.emplace_back();
    asked.topic = topic;
    asked.topic_id = kafka::Uuid{id};
    asked.partitions.emplace_back().partition_max_bytes = 1 << 20;
    return request;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(topic_admin)

// --- Settings of a new topic ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_setting_that_cannot_be_is_refused_with_a_sentence_that_names_it) {
    AdminWorld world;
    const std::vector<std::pair<Pairs, KafkaError>> wrong{
        {{{"retention", "1"}}, KafkaError::invalid_config},
        {{{"retention.ms", "long"}}, KafkaError::invalid_config},
        {{{"retention.ms", std::nullopt}}, KafkaError::invalid_config},
        {{{"cleanup.policy", "compact"}}, KafkaError::invalid_config},
        {{{"segment.ms", "1000"}, {"retention.ms", "-2"}}, KafkaError::invalid_config},
        {{{"retention.ms", "1"}, {"retention.ms", "2"}}, KafkaError::invalid_request}};
    for (const auto& [settings, error] : wrong) {
        for (const bool is_only_check : {true, false}) {
            kafka::CreateTopicsRequest request = creation_of("t", settings);
            request.validate_only = is_only_check;
            const auto answer = world.created(request);
            BOOST_TEST((answer.error_code == error));
            BOOST_TEST(answer.error_message->find(settings.back().first) != std::string::npos);
        }
    }
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(a_topic_cannot_take_larger_batches_than_the_node) {
    AdminWorld world;
    world.broker().options.batch_bytes_max = 1000;
    world.broker().options.topic_defaults.max_message_bytes = 1000;
    const auto larger = world.created(creation_of("t", {{"max.message.bytes", "1001"}}));
    BOOST_TEST((larger.error_code == KafkaError::invalid_config));
    BOOST_TEST(larger.error_message->find("1000") != std::string::npos);
    const auto as_large = world.created(creation_of("t", {{"max.message.bytes", "1000"}}));
    BOOST_TEST((as_large.error_code == KafkaError::none));
}

BOOST_AUTO_TEST_CASE(a_name_like_another_ones_and_counts_beside_assignments_are_refused) {
    AdminWorld world;
    world.must_create("a.b");
    const auto alike = world.created(creation_of("a_b"));
    BOOST_TEST((alike.error_code == KafkaError::invalid_topic_exception));
    BOOST_TEST(alike.error_message->find("a.b") != std::string::npos);
    kafka::CreateTopicsRequest request = creation_of("t");
    request.topics[0].assignments.emplace_back().broker_ids = {1};
    BOOST_TEST((world.created(request).error_code == KafkaError::invalid_request));
    request.topics[0].num_partitions = -1;
    request.topics[0].replication_factor = -1;
    const auto assigned = world.created(request);
    BOOST_TEST((assigned.error_code == KafkaError::invalid_replica_assignment));
}

BOOST_AUTO_TEST_CASE(a_check_finds_what_the_store_would_refuse) {
    AdminWorld world;
    constexpr std::uint32_t full_topics = limits::partitions_per_node_max
                                        / limits::partitions_per_topic_max;
    for (std::uint32_t i = 0; i < full_topics; ++i) {  // without their files
        metadata::NewTopic topic("t" + std::to_string(i), limits::partitions_per_topic_max);
        BOOST_REQUIRE(world.machine.run(world.store().create_topic(std::move(topic))).has_value());
    }
    kafka::CreateTopicsRequest request = creation_of("x");
    request.validate_only = true;
    const auto answer = world.created(request);
    BOOST_TEST((answer.error_code == KafkaError::policy_violation));
    BOOST_TEST(answer.error_message->find("number of partitions") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_topic_is_told_with_all_settings_in_force_and_where_they_come_from) {
    AdminWorld world;
    world.broker().options.topic_defaults.segment_bytes = 1 << 20;
    const auto answer = world.created(creation_of("t", {{"retention.ms", " 5000 "}}));
    BOOST_TEST((answer.error_code == KafkaError::none));
    BOOST_REQUIRE(answer.configs.has_value());
    BOOST_TEST(answer.configs->size() == metadata::topic_setting_infos().size());
    const auto find = [&answer](const std::string_view name) {
        return *std::ranges::find_if(*answer.configs, [name](const auto& config) {
            return config.name == name;
        });
    };
    BOOST_TEST((find("retention.ms").value == "5000"));
    BOOST_TEST(find("retention.ms").config_source == 1);
    BOOST_TEST((find("segment.bytes").value == "1048576"));
    BOOST_TEST(find("segment.bytes").config_source == 4);
    BOOST_TEST((find("cleanup.policy").value == "delete"));
    BOOST_TEST(find("cleanup.policy").config_source == 5);
    BOOST_TEST(world.find("t")->config().retention_ms == 5000);
}

BOOST_AUTO_TEST_CASE(who_gives_no_time_is_told_that_it_ran_out_and_the_topic_is_there) {
    AdminWorld world;
    kafka::CreateTopicsRequest request = creation_of("t");
    request.timeout_ms = 0;
    BOOST_TEST((world.created(request).error_code == KafkaError::request_timed_out));
    BOOST_TEST((world.created(request).error_code == KafkaError::topic_already_exists));
    kafka::CreatePartitionsRequest growth = growth_of("t", 2);
    growth.timeout_ms = -1;
    BOOST_TEST((world.grown(growth).error_code == KafkaError::request_timed_out));
    BOOST_TEST(world.partitions_of("t") == 2u);
    kafka::DeleteTopicsRequest deletion = deletion_of("t");
    deletion.timeout_ms = 0;
    BOOST_TEST((world.deleted(deletion).error_code == KafkaError::request_timed_out));
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(a_topics_own_bounds_hold_for_its_batches) {
    AdminWorld world;
    BOOST_REQUIRE(
        (world.created(creation_of("small", {{"max.message.bytes", "200"}})).error_code
         == KafkaError::none)
    );
    const Buffer large = plain_batch({std::string(300, 'x')});
    BOOST_TEST((world.produced("small", large) == KafkaError::message_too_large));
    BOOST_TEST((world.produced("small", plain_batch({"x"})) == KafkaError::none));
    static_cast<void>(
        world.created(creation_of("new", {{"message.timestamp.before.max.ms", "1000"}}))
    );
    BOOST_TEST((world.produced("new", plain_batch({"old"})) == KafkaError::invalid_timestamp));
    const Pairs stamped{
        {"message.timestamp.before.max.ms", "1000"}, {"message.timestamp.type", "LogAppendTime"}};
    static_cast<void>(world.created(creation_of("stamped", stamped)));
    BOOST_TEST((world.produced("stamped", plain_batch({"old"})) == KafkaError::none));
}

// --- CreatePartitions ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_growth_that_cannot_be_is_refused_with_its_own_error) {
    AdminWorld world;
    world.must_create("t", 3);
    const auto error_for = [&world](const kafka::CreatePartitionsRequest& request) {
        const auto answer = world.grown(request);
        BOOST_TEST(answer.error_message.has_value());
        return answer.error_code;
    };
    BOOST_TEST((error_for(growth_of("x", 3)) == KafkaError::unknown_topic_or_partition));
    for (const std::int32_t count : {3, 2, 0, -1, limits::partitions_per_topic_max + 1}) {
        BOOST_TEST((error_for(growth_of("t", count)) == KafkaError::invalid_partitions));
    }
    kafka::CreatePartitionsRequest request = growth_of("t", 4);
    request.topics[0].assignments.emplace().emplace_back().broker_ids = {1};
    BOOST_TEST((error_for(request) == KafkaError::invalid_replica_assignment));
    request = growth_of("t", 4);
    request.topics.push_back(request.topics.front());
    const auto twice = world.answer_to<kafka::CreatePartitionsResponse>(request);
    BOOST_REQUIRE(twice.results.size() == 1u);
    BOOST_TEST((twice.results[0].error_code == KafkaError::invalid_request));
    BOOST_TEST(world.partitions_of("t") == 3u);
}

BOOST_AUTO_TEST_CASE(a_growth_that_is_only_checked_changes_nothing) {
    AdminWorld world;
    world.must_create("t", 3);
    kafka::CreatePartitionsRequest request = growth_of("t", 4);
    request.validate_only = true;
    BOOST_TEST((world.grown(request).error_code == KafkaError::none));
    BOOST_TEST(world.partitions_of("t") == 3u);
}

BOOST_AUTO_TEST_CASE(new_partitions_can_be_written_to_when_they_are_answered) {
    for (std::int16_t version = 0; version <= kafka::CreatePartitionsRequest::version_max;
         ++version) {
        AdminWorld world(2);
        world.must_create("t", 1);
        const auto response =
            world.answer_to<kafka::CreatePartitionsResponse>(growth_of("t", 3), version);
        BOOST_TEST((response.results[0].error_code == KafkaError::none));
        BOOST_TEST(world.append("t", {"a"}, 2).has_value());
    }
}

// --- DeleteTopics --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_topic_that_is_not_there_cannot_be_deleted) {
    AdminWorld world;
    world.must_create("t");
    for (std::int16_t version = 1; version <= kafka::DeleteTopicsRequest::version_max; ++version) {
        const auto unknown = world.deleted(deletion_of("x"), version);
        BOOST_TEST((unknown.error_code == KafkaError::unknown_topic_or_partition));
        BOOST_TEST((unknown.name == "x"));
    }
    kafka::DeleteTopicsRequest by_id;
    by_id.topics.emplace_back().topic_id.bytes.fill(std::byte{0xee});
    const auto unknown = world.deleted(by_id);
    BOOST_TEST((unknown.error_code == KafkaError::unknown_topic_id));
    BOOST_TEST(!unknown.name.has_value());
    by_id.topics[0].topic_id.bytes = world.id_of_topic("t");
    by_id.topics[0].name = "t";
    BOOST_TEST((world.deleted(by_id).error_code == KafkaError::invalid_request));
    by_id.topics[0] = {};
    BOOST_TEST((world.deleted(by_id).error_code == KafkaError::invalid_request));
    BOOST_TEST(world.store().image()->topics().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_deleted_topic_is_unknown_to_everybody) {
    AdminWorld world(2);
    world.must_create("t", 3);
    const Id128 id = world.id_of_topic("t");
    BOOST_REQUIRE(world.append("t", {"a"}, 2).has_value());
    const auto answer = world.deleted(deletion_of("t"));
    BOOST_TEST((answer.error_code == KafkaError::none));
    BOOST_TEST((answer.topic_id.bytes == id));
    world.broker().options.auto_create = false;
    kafka::MetadataRequest metadata;
    metadata.topics.emplace().emplace_back().name = "t";
    const auto told = world.answer_to<kafka::MetadataResponse>(metadata);
    BOOST_TEST((told.topics[0].error_code == KafkaError::unknown_topic_or_partition));
    BOOST_TEST((world.produced("t", plain_batch({"a"})) == KafkaError::unknown_topic_or_partition));
    const auto by_name_answer = world.answer_to<kafka::FetchResponse>(long_poll("t"), by_name);
    const KafkaError unknown = by_name_answer.responses[0].partitions[0].error_code;
    BOOST_TEST((unknown == KafkaError::unknown_topic_or_partition));
    BOOST_TEST(
        (world.deleted(deletion_of("t")).error_code == KafkaError::unknown_topic_or_partition)
    );
}

BOOST_AUTO_TEST_CASE(a_topic_is_deleted_by_its_id_and_its_name_is_told) {
    AdminWorld world;
    world.must_create("t");
    kafka::DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topics.emplace_back().topic_id.bytes = world.id_of_topic("t");
    const auto answer = world.deleted(request);
    BOOST_TEST((answer.error_code == KafkaError::none));
    BOOST_TEST((answer.name == "t"));
    BOOST_TEST(world.store().image()->topics().empty());
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_named_twice_is_deleted_once) {
    AdminWorld world;
    world.must_create("t");
    kafka::DeleteTopicsRequest request = deletion_of("t");
    request.topics.push_back(request.topics.front());
    const auto response = world.answer_to<kafka::DeleteTopicsResponse>(request);
    BOOST_REQUIRE(response.responses.size() == 2u);
    BOOST_TEST((response.responses[0].error_code == KafkaError::none));
    BOOST_TEST((response.responses[1].error_code == KafkaError::unknown_topic_or_partition));
}

BOOST_AUTO_TEST_CASE(a_deletion_without_room_on_the_disk_changes_nothing) {
    AdminWorld world;
    world.must_create("t");
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    BOOST_TEST((world.deleted(deletion_of("t")).error_code == KafkaError::kafka_storage_error));
    world.machine.judge_ops({});
    BOOST_TEST(world.append("t", {"a"}).has_value());
}

BOOST_AUTO_TEST_CASE(who_waits_for_records_of_a_deleted_topic_is_told_at_once) {
    for (const std::size_t shard_count : {1u, 3u}) {
        AdminWorld world(shard_count);
        world.must_create("t");
        const Id128 id = world.id_of_topic("t");
        auto named = world.begin(long_poll("t"), by_name);
        auto by_id = world.begin(long_poll("", id), 13);
        world.machine.run_for(5s);
        BOOST_TEST(!named.is_there());
        BOOST_TEST(!by_id.is_there());
        BOOST_TEST((world.deleted(deletion_of("t")).error_code == KafkaError::none));
        world.machine.run_for(10ms);
        BOOST_REQUIRE(named.is_there());
        BOOST_REQUIRE(by_id.is_there());
        const auto first = world.answer_in<kafka::FetchResponse>(named.value(), by_name);
        const KafkaError of_name = first.responses[0].partitions[0].error_code;
        BOOST_TEST((of_name == KafkaError::unknown_topic_or_partition));
        const auto second = world.answer_in<kafka::FetchResponse>(by_id.value(), 13);
        const KafkaError of_id = second.responses[0].partitions[0].error_code;
        BOOST_TEST((of_id == KafkaError::unknown_topic_id));
    }
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_deleted_while_another_one_is_read_is_not_slept_over) {
    AdminWorld world;
    world.must_create("other");
    BOOST_REQUIRE(world.append("other", {"a"}).has_value());
    world.kill();  // so that the read goes to the disk
    world.start();
    for (int round = 0; round < 8; ++round) {  // which of the two is looked at first is random
        world.must_create("t");
        kafka::FetchRequest request = long_poll("t");
        request.topics.push_back(long_poll("other").topics.front());
        request.min_bytes = 1 << 20;
        world.machine.judge_ops([](const io::Op& op) {
            return op.kind == io::OpKind::read ? sim::OpGate::held : sim::OpGate::passes;
        });
        auto fetched = world.begin(request, by_name);
        world.machine.run_until([&] { return world.machine.held_ops() == 1; });
        BOOST_REQUIRE((world.deleted(deletion_of("t")).error_code == KafkaError::none));
        world.machine.judge_ops({});
        world.machine.release_ops();
        world.machine.run_for(100ms);
        BOOST_REQUIRE(fetched.is_there());
    }
}

BOOST_AUTO_TEST_CASE(who_waits_while_a_topic_is_deleted_is_never_slept_over) {
    for (std::uint64_t pause_us = 0; pause_us < 400; pause_us += 7) {
        AdminWorld world(2);
        world.must_create("t", 2);
        auto deleted = world.begin(deletion_of("t"));
        world.machine.run_for(std::chrono::microseconds(pause_us));
        auto waiting = world.begin(long_poll("t"), by_name);
        world.machine.run_until([&] { return deleted.is_there(); });
        world.machine.run_for(100ms);
        BOOST_REQUIRE(waiting.is_there());
    }
}

BOOST_AUTO_TEST_SUITE_END()
