// The only broker of a cluster as clients see it: topics that a test changes as it likes, behind a real
// connection of a simulated machine.
#pragma once

#include "shared/io/tcp_server.h"
#include "shared/kafka/header.h"
#include "shared/kafka/messages/api_versions.h"
#include "shared/kafka/messages/delete_topics.h"
#include "shared/kafka/messages/describe_configs.h"
#include "shared/kafka/messages/fetch.h"
#include "shared/kafka/messages/list_offsets.h"
#include "shared/kafka/messages/metadata.h"
#include "shared/record/batch_builder.h"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace logboom::tests {

class ModelBroker {
public:
    struct Partition {
        /// Record N has offset N and the timestamp N.
        std::vector<std::string> values;
        bool is_led = true;
        kafka::KafkaError fetch_error = kafka::KafkaError::none;
        kafka::KafkaError list_error = kafka::KafkaError::none;
    };
    struct Topic {
        kafka::Uuid id;
        std::vector<Partition> partitions;
    };

    ModelBroker(Env& env, const std::string& host)
        : env_(env)
        , host_(host)
        , server_(env, options_of(host), [this](Conn& conn) { return serve(conn); }) {}

    Task<Result<Ok>> start() { co_return co_await server_.start(); }

    /// A topic that is another one than all before, also than those with its name.
    Topic& make(const std::string& name, const std::size_t partitions_count) {
        Topic topic;
        topic.id.bytes[15] = std::byte{++topics_made_};
        topic.partitions.resize(partitions_count);
        return topics[name] = std::move(topic);
    }

    static constexpr std::uint16_t port = 9092;
    static constexpr std::int32_t node_id = 1;

    std::map<std::string, Topic> topics;

private:
    using KafkaError = kafka::KafkaError;

    static io::TcpServerOptions options_of(const std::string& host) {
        io::TcpServerOptions options;
        options.address = SocketAddress{host, port};
        options.connections_max = 10;
        return options;
    }

    Task<void> serve(Conn& conn) {
        [[maybe_unused]] const Result<Ok> ended = co_await answer_requests(conn);
    }
    Task<Result<Ok>> answer_requests(Conn& conn) {
        for (;;) {
            LB_CO_TRY(const Slice prefix, co_await conn.read_exact(kafka::frame_prefix_bytes));
            LB_CO_TRY(
                const std::uint32_t size,
                kafka::decode_frame_size(prefix.view(), limits::kafka_frame_bytes_max)
            );
            LB_CO_TRY(const Slice frame, co_await conn.read_exact(size));
            kafka::Reader body(frame.view());
            LB_CO_TRY(const kafka::RequestHeader header, kafka::decode_request_header(body));
            Buffer out;
            const bool has_news = answer(header, body, out);
            if (!has_news) {
                LB_CO_CHECK(co_await env_.sleep(100ms));
            }
            Slice piece = env_.pool.copy_of(out.view());
            LB_CO_CHECK(co_await conn.send(std::move(piece)));
        }
    }

    /// False: a Fetch has found nothing, and its answer is to wait a little.
    bool answer(const kafka::RequestHeader& header, kafka::Reader& body, Buffer& out) {
        bool has_news = true;
        if (header.is(kafka::ApiKey::api_versions)) {
            put(header, versions(), out);
        } else if (header.is(kafka::ApiKey::metadata)) {
            put(header, answer_to(request_in<kafka::MetadataRequest>(header, body)), out);
        } else if (header.is(kafka::ApiKey::list_offsets)) {
            put(header, answer_to(request_in<kafka::ListOffsetsRequest>(header, body)), out);
        } else if (header.is(kafka::ApiKey::describe_configs)) {
            put(header, answer_to(request_in<kafka::DescribeConfigsRequest>(header, body)), out);
        } else if (header.is(kafka::ApiKey::delete_topics)) {
            put(header, answer_to(request_in<kafka::DeleteTopicsRequest>(header, body)), out);
        } else {
            BOOST_REQUIRE(header.is(kafka::ApiKey::fetch));
            batches_.clear();
            const auto request = request_in<kafka::FetchRequest>(header, body);
            put(header, answer_to(request, has_news), out);
        }
        return has_news;
    }
    template <typename Request>
    static Request request_in(const kafka::RequestHeader& header, kafka::Reader& body) {
        auto request = Request::decode(body, header.api_version);
        BOOST_REQUIRE(request.has_value());
        return std::move(*request);
    }
    template <typename Response>
    static void put(const kafka::RequestHeader& header, const Response& response, Buffer& out) {
        kafka::Writer writer(out);
        kafka::encode_response(writer, response, header.api_version, header.correlation_id);
    }

    static kafka::ApiVersionsResponse versions() {
        kafka::ApiVersionsResponse response;
        for (const kafka::ApiInfo& api : kafka::all_apis()) {
            auto& range = response.api_keys.emplace_back();
            range.api_key = static_cast<std::int16_t>(api.key);
            range.min_version = api.advertised_min;
            range.max_version = api.advertised_max;
        }
        return response;
    }

    [[nodiscard]] kafka::MetadataResponse answer_to(const kafka::MetadataRequest& request) const {
        kafka::MetadataResponse response;
        auto& self = response.brokers.emplace_back();
        self.node_id = node_id;
        self.host = host_;
        self.port = port;
        response.controller_id = node_id;
        if (!request.topics.has_value()) {
            for (const auto& [name, topic] : topics) {
                response.topics.push_back(described(name));
            }
            return response;
        }
        for (const auto& asked : *request.topics) {
            response.topics.push_back(described(asked.name.value_or("")));
        }
        return response;
    }
    [[nodiscard]] kafka::MetadataResponse::Topic described(const std::string_view name) const {
        kafka::MetadataResponse::Topic answer;
        answer.name = name;
        const auto topic = topics.find(std::string(name));
        if (topic == topics.end()) {
            answer.error_code = KafkaError::unknown_topic_or_partition;
            return answer;
        }
        answer.topic_id = topic->second.id;
        for (const Partition& partition : topic->second.partitions) {
            auto& told = answer.partitions.emplace_back();
            told.partition_index = static_cast<std::int32_t>(answer.partitions.size()) - 1;
            told.leader_epoch = 1;
            told.replica_nodes = {node_id};
            told.leader_id = partition.is_led ? node_id : -1;
            told.error_code = partition.is_led ? KafkaError::none
                                               : KafkaError::leader_not_available;
            if (partition.is_led) {
                told.isr_nodes = {node_id};
            }
        }
        return answer;
    }

    /// Null: there is no such partition.
    [[nodiscard]] static const Partition* find(const Topic* const topic, const std::int32_t index) {
        const auto at = static_cast<std::size_t>(index);
        return topic == nullptr || at >= topic->partitions.size() ? nullptr
                                                                  : &topic->partitions[at];
    }
    [[nodiscard]] const Topic* topic_with(const kafka::Uuid& id) const {
        for (const auto& [name, topic] : topics) {
            if (topic.id == id) {
                return &topic;
            }
        }
        return nullptr;
    }

    [[nodiscard]] kafka::ListOffsetsResponse answer_to(const kafka::ListOffsetsRequest& request
    ) const {
        kafka::ListOffsetsResponse response;
        for (const auto& asked : request.topics) {
            auto& topic = response.topics.emplace_back();
            topic.name = asked.name;
            const auto found = topics.find(std::string(asked.name));
            for (const auto& wanted : asked.partitions) {
                const Partition* const partition =
                    find(found == topics.end() ? nullptr : &found->second, wanted.partition_index);
                auto& told = topic.partitions.emplace_back();
                told.partition_index = wanted.partition_index;
                if (partition == nullptr || !partition->is_led) {
                    told.error_code = KafkaError::not_leader_or_follower;
                } else if (partition->list_error != KafkaError::none) {
                    told.error_code = partition->list_error;
                } else {
                    const auto end = static_cast<std::int64_t>(partition->values.size());
                    const std::int64_t at = std::max<std::int64_t>(0, wanted.timestamp);
                    told.offset = wanted.timestamp == -1 ? end : at < end || at == 0 ? at : -1;
                }
            }
        }
        return response;
    }

    [[nodiscard]] static kafka::DescribeConfigsResponse answer_to(
        const kafka::DescribeConfigsRequest& request
    ) {
        kafka::DescribeConfigsResponse response;
        for (const auto& resource : request.resources) {
            auto& described = response.results.emplace_back();
            described.resource_type = resource.resource_type;
            described.resource_name = resource.resource_name;
        }
        return response;
    }

    [[nodiscard]] kafka::DeleteTopicsResponse answer_to(const kafka::DeleteTopicsRequest& request) {
        kafka::DeleteTopicsResponse response;
        for (const auto& asked : request.topics) {
            auto& told = response.responses.emplace_back();
            told.name = std::string(asked.name.value_or(""));
            const bool was_there = topics.erase(*told.name) > 0;
            told.error_code = was_there ? KafkaError::none : KafkaError::unknown_topic_or_partition;
        }
        return response;
    }

    [[nodiscard]] kafka::FetchResponse answer_to(
        const kafka::FetchRequest& request, bool& has_news
    ) {
        has_news = false;
        kafka::FetchResponse response;
        for (const auto& asked : request.topics) {
            auto& topic = response.responses.emplace_back();
            topic.topic_id = asked.topic_id;
            const Topic* const found = topic_with(asked.topic_id);
            for (const auto& wanted : asked.partitions) {
                auto& told = topic.partitions.emplace_back();
                told.partition_index = wanted.partition;
                const Partition* const partition = find(found, wanted.partition);
                if (partition == nullptr) {
                    told.error_code = KafkaError::unknown_topic_id;
                } else if (!partition->is_led) {
                    told.error_code = KafkaError::not_leader_or_follower;
                } else if (partition->fetch_error != KafkaError::none) {
                    told.error_code = partition->fetch_error;
                } else {
                    told.high_watermark = static_cast<std::int64_t>(partition->values.size());
                    told.records.bytes = records_of(*partition, wanted.fetch_offset);
                }
                has_news = has_news || told.error_code != KafkaError::none
                        || !told.records.bytes.empty();
            }
        }
        return response;
    }
    /// One batch; it lives until the next Fetch.
    ByteView records_of(const Partition& partition, const std::int64_t from) {
        if (from >= static_cast<std::int64_t>(partition.values.size())) {
            return ByteView();
        }
        record::BatchBuilder builder;
        builder.begin(record::RecordHeaders());
        for (auto offset = static_cast<std::size_t>(from); offset < partition.values.size();
             ++offset) {
            builder.append(static_cast<std::int64_t>(offset), as_bytes(partition.values[offset]));
        }
        Buffer& batch = batches_.emplace_back();
        static_cast<void>(builder.seal_without_cursor(batch));
        record::patch_base_offset(batch.mutable_view(), Offset(from), LeaderEpoch(1));
        return batch.view();
    }

    Env& env_;
    std::string host_;
    std::uint8_t topics_made_ = 0;
    std::deque<Buffer> batches_;
    io::TcpServer server_;
};

}  // namespace logboom::tests
