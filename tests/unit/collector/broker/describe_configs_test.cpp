#include "shared/kafka/messages/describe_configs.h"

#include "tests/unit/collector/broker/broker_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using namespace logboom::tests;
using kafka::KafkaError;
using Request = kafka::DescribeConfigsRequest;
using Response = kafka::DescribeConfigsResponse;

namespace {

constexpr std::int8_t topic_resource = 2;
constexpr std::int8_t broker_resource = 4;

Request request_for(const std::int8_t kind, const std::string_view name) {
    Request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kind;
    resource.resource_name = name;
    return request;
}

struct ConfigsWorld : BrokerWorld {
    Response::Described described(
        const Request& request, const std::int16_t version = Request::version_max
    ) {
        const auto response = answer_to<Response>(request, version);
        BOOST_REQUIRE(response.results.size() == 1u);
        return response.results.front();
    }
    void must_create_with(const std::string& name, const metadata::TopicSettings& settings) {
        const auto created = machine.run(topics().create(machine.shard(), name, 1, settings));
        BOOST_REQUIRE(created.has_value());
    }
};

const Response::Config& find(const Response::Described& described, const std::string_view name) {
    const auto found = std::ranges::find_if(described.configs, [name](const auto& config) {
        return config.name == name;
    });
    BOOST_REQUIRE(found != described.configs.end());
    return *found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(describe_configs)

BOOST_AUTO_TEST_CASE(what_has_no_settings_here_is_told_by_its_own_error) {
    ConfigsWorld world;
    const auto error_for = [&world](const std::int8_t kind, const std::string_view name) {
        const auto described = world.described(request_for(kind, name));
        BOOST_TEST(described.error_message.has_value());
        BOOST_TEST(described.configs.empty());
        BOOST_TEST(described.resource_type == kind);
        BOOST_TEST((described.resource_name == name));
        return described.error_code;
    };
    BOOST_TEST((error_for(topic_resource, "x") == KafkaError::unknown_topic_or_partition));
    BOOST_TEST((error_for(topic_resource, "a/b") == KafkaError::invalid_topic_exception));
    for (const std::string_view other : {"2", "01", "one", "-1", "1 "}) {
        BOOST_TEST((error_for(broker_resource, other) == KafkaError::invalid_request));
    }
    for (const int kind : {0, 1, 3, 8, 16, 32, -5}) {
        const KafkaError error = error_for(static_cast<std::int8_t>(kind), "1");
        BOOST_TEST((error == KafkaError::invalid_request));
    }
}

BOOST_AUTO_TEST_CASE(one_unknown_resource_does_not_keep_others_from_their_answers) {
    ConfigsWorld world;
    world.must_create("t");
    Request request = request_for(topic_resource, "x");
    request.resources.push_back(request_for(topic_resource, "t").resources.front());
    const auto response = world.answer_to<Response>(request);
    BOOST_REQUIRE(response.results.size() == 2u);
    BOOST_TEST((response.results[0].error_code == KafkaError::unknown_topic_or_partition));
    BOOST_TEST((response.results[1].error_code == KafkaError::none));
    BOOST_TEST(!response.results[1].configs.empty());
}

BOOST_AUTO_TEST_CASE(settings_nobody_has_set_for_all_nodes_are_none) {
    ConfigsWorld world;
    const auto described = world.described(request_for(broker_resource, ""));
    BOOST_TEST((described.error_code == KafkaError::none));
    BOOST_TEST(described.configs.empty());
}

BOOST_AUTO_TEST_CASE(a_topic_is_described_with_value_source_and_what_lies_behind) {
    ConfigsWorld world;
    world.broker().options.topic_defaults.retention_ms = 1000;
    world.must_create_with("t", {{"retention.ms", "77"}, {"segment.ms", "60000"}});
    Request request = request_for(topic_resource, "t");
    request.include_synonyms = true;
    request.include_documentation = true;
    const auto described = world.described(request);
    BOOST_TEST(described.configs.size() == metadata::topic_setting_infos().size());
    const Response::Config& retention = find(described, "retention.ms");
    BOOST_TEST((retention.value == "77"));
    BOOST_TEST(retention.config_source == 1);
    BOOST_TEST(retention.config_type == 5);
    BOOST_TEST(!retention.is_sensitive);
    BOOST_TEST(!retention.documentation->empty());
    using Synonym = Response::Synonym;
    const std::vector<Synonym> layers{
        Synonym{"retention.ms", "77", 1},
        Synonym{"log.retention.ms", "1000", 4},
        Synonym{"log.retention.ms", "604800000", 5}};
    BOOST_TEST((retention.synonyms == layers));
    const std::vector<Synonym> of_segment{
        Synonym{"segment.ms", "60000", 1}, Synonym{"log.roll.ms", "3600000", 5}};
    BOOST_TEST((find(described, "segment.ms").synonyms == of_segment));
    const Response::Config& policy = find(described, "cleanup.policy");
    BOOST_TEST((policy.value == "delete"));
    BOOST_TEST(policy.config_source == 5);
    BOOST_TEST(policy.config_type == 7);
}

BOOST_AUTO_TEST_CASE(synonyms_and_sentences_are_told_to_who_asks_for_them) {
    ConfigsWorld world;
    world.must_create("t");
    const auto plain = world.described(request_for(topic_resource, "t"));
    BOOST_TEST(find(plain, "retention.ms").synonyms.empty());
    BOOST_TEST(!find(plain, "retention.ms").documentation.has_value());
    for (std::int16_t version = 1; version <= Request::version_max; ++version) {
        Request request = request_for(topic_resource, "t");
        request.include_synonyms = true;
        const auto described = world.described(request, version);
        BOOST_TEST(find(described, "retention.ms").synonyms.size() == 1u);
        BOOST_TEST((find(described, "retention.ms").value == "604800000"));
    }
}

BOOST_AUTO_TEST_CASE(only_the_settings_that_are_asked_for_are_told) {
    ConfigsWorld world;
    world.must_create("t");
    Request request = request_for(topic_resource, "t");
    request.resources[0].configuration_keys = {"retention.ms", "segment.ms", "no.such"};
    BOOST_TEST(world.described(request).configs.size() == 2u);
    request.resources[0].configuration_keys = {"no.such"};
    BOOST_TEST(world.described(request).configs.empty());
}

BOOST_AUTO_TEST_CASE(the_node_is_described_with_what_its_configuration_says) {
    ConfigsWorld world;
    world.broker().options.partitions_default = 6;
    world.broker().options.rack = "dc1";
    world.broker().options.topic_defaults.segment_bytes = 1 << 20;
    world.broker().options.topic_defaults.retention_ms = -1;
    world.broker().options.log_dir = "/data/log";
    Request request = request_for(broker_resource, "1");
    request.include_synonyms = true;
    const auto described = world.described(request);
    BOOST_TEST((find(described, "num.partitions").value == "6"));
    BOOST_TEST(find(described, "num.partitions").config_source == 4);
    BOOST_TEST(find(described, "num.partitions").synonyms.size() == 2u);
    BOOST_TEST((find(described, "auto.create.topics.enable").value == "true"));
    BOOST_TEST(find(described, "auto.create.topics.enable").config_source == 5);
    BOOST_TEST((find(described, "log.segment.bytes").value == "1048576"));
    BOOST_TEST((find(described, "log.retention.ms").value == "-1"));
    BOOST_TEST((find(described, "log.retention.hours").value == "-1"));
    BOOST_TEST((find(described, "log.retention.hours").synonyms.back().value == "168"));
    BOOST_TEST((find(described, "broker.rack").value == "dc1"));
    BOOST_TEST((find(described, "log.dirs").value == "/data/log"));
    BOOST_TEST((find(described, "advertised.listeners").value == "PLAINTEXT://broker.example:9092")
    );
    BOOST_TEST((find(described, "producer.id.expiration.ms").value == "86400000"));
    BOOST_TEST(std::ranges::is_sorted(described.configs, {}, &Response::Config::name));
    const auto same = [](const auto& a, const auto& b) { return a.name == b.name; };
    BOOST_TEST((std::ranges::adjacent_find(described.configs, same) == described.configs.end()));
}

BOOST_AUTO_TEST_CASE(an_answer_is_bounded_and_who_asks_for_more_is_told_to_ask_in_pieces) {
    ConfigsWorld world;
    world.must_create("t");
    Request request;
    request.resources.resize(4000, request_for(topic_resource, "t").resources.front());
    const auto response = world.answer_to<Response>(request);
    BOOST_REQUIRE(response.results.size() == 4000u);
    std::size_t told = 0;
    for (const Response::Described& described : response.results) {
        told += described.configs.size();
    }
    BOOST_TEST(told >= limits::kafka_described_settings_max);
    BOOST_TEST(told < limits::kafka_described_settings_max + 100);
    BOOST_TEST((response.results.back().error_code == KafkaError::policy_violation));
}

BOOST_AUTO_TEST_SUITE_END()
