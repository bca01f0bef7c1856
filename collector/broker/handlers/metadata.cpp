#include "shared/kafka/messages/metadata.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"

#include <algorithm>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using TopicAnswer = kafka::MetadataResponse::Topic;

constexpr std::int16_t metadata_by_id_from = 12;
/// Answered in one go before others get their turn.
constexpr std::size_t topics_per_turn = 256;

/// A partition that is not open, because it is being made or is damaged, has no leader: then clients ask
/// again later instead of trying it.
TopicAnswer describe(const Broker& broker, const metadata::TopicImage& topic) {
    const std::int32_t node_id = broker.meta.node_id().value;
    TopicAnswer answer;
    answer.name = topic.name;
    answer.topic_id = kafka::Uuid{topic.id};
    answer.is_internal = metadata::is_internal_topic_name(topic.name);
    for (const metadata::PartitionImage& partition : topic.partitions) {
        auto& described = answer.partitions.emplace_back();
        described.partition_index = partition.index.value;
        described.leader_epoch = partition.leader_epoch.value;
        described.replica_nodes = {node_id};
        if (broker.replicas.find(topic.id, partition.index) == nullptr) {
            described.error_code = KafkaError::leader_not_available;
            described.leader_id = -1;
            continue;
        }
        described.leader_id = node_id;
        described.isr_nodes = {node_id};
    }
    return answer;
}

/// Metadata 0-3 has no word for it: there asking for a topic means that it may be created.
Task<KafkaError> create_missing(Broker& broker, const std::string_view name) {
    const Result<metadata::ImagePtr> created = co_await broker.topics.ensure(
        broker.shard, std::string(name), broker.options.partitions_default
    );
    if (created) {
        co_return KafkaError::none;
    }
    co_return created.code() == ErrorCode::invalid_argument ? KafkaError::invalid_topic_exception
                                                            : KafkaError::leader_not_available;
}

/// One topic asked for by its name or id. The answer borrows from `asked`, and from `held_images` the name of
/// one that was asked for by its id: images are large, and each topic that is made here makes another.
Task<TopicAnswer> answer_topic(
    Broker& broker,
    const kafka::MetadataRequest::Topic& asked,
    const bool may_create,
    std::vector<metadata::ImagePtr>& held_images
) {
    TopicAnswer answer;
    answer.name = asked.name;
    metadata::ImagePtr image = broker.meta.image();
    if (!asked.name) {
        const metadata::TopicImage* const found = image->find(asked.topic_id.bytes);
        if (found != nullptr) {
            if (held_images.empty() || held_images.back() != image) {
                held_images.push_back(image);
            }
            co_return describe(broker, *found);
        }
        answer.topic_id = asked.topic_id;
        answer.error_code = KafkaError::unknown_topic_id;
        co_return answer;
    }
    const metadata::TopicImage* found = image->find(*asked.name);
    const bool is_to_make = found == nullptr && may_create
                         && !metadata::is_internal_topic_name(*asked.name);
    // One whose partitions could not be opened when it was made is tried again.
    const bool is_to_open = found != nullptr && !broker.replicas.has_all(*found);
    if (is_to_make || is_to_open) {
        answer.error_code = co_await create_missing(broker, *asked.name);
        image = broker.meta.image();
        found = image->find(*asked.name);
    } else if (found == nullptr) {
        answer.error_code = metadata::is_topic_name(*asked.name)
                              ? KafkaError::unknown_topic_or_partition
                              : KafkaError::invalid_topic_exception;
    }
    if (found != nullptr) {
        answer = describe(broker, *found);
        answer.name = asked.name;
    }
    co_return answer;
}

/// Versions 10 and 11 have the fields, and no broker ever answered them there.
Reply refuse_all(
    Broker& broker, const kafka::RequestHeader& header, const kafka::MetadataRequest& asked
) {
    kafka::MetadataResponse response;
    for (const auto& topic : *asked.topics) {
        TopicAnswer& answer = response.topics.emplace_back();
        answer.name = topic.name.value_or("");
        answer.topic_id = topic.topic_id;
        answer.error_code = KafkaError::invalid_request;
    }
    return reply_with(broker.env().pool, header, response);
}

}  // namespace

Task<Reply> handle_metadata(Broker& broker, Request request) {
    const std::int16_t version = request.header.api_version;
    const auto asked = kafka::MetadataRequest::decode(request.body, version);
    if (!asked) {
        co_return close_because("Metadata cannot be read");
    }
    const bool asks_by_id = version < metadata_by_id_from && asked->topics
                         && std::ranges::any_of(*asked->topics, [](const auto& topic) {
                                return !topic.name || !topic.topic_id.is_zero();
                            });
    if (asks_by_id) {
        co_return refuse_all(broker, request.header, *asked);
    }
    const metadata::ImagePtr image = broker.meta.image();
    const std::int32_t node_id = broker.meta.node_id().value;
    const std::string cluster_id = broker.meta.cluster_id();
    kafka::MetadataResponse response;
    auto& self = response.brokers.emplace_back();
    self.node_id = node_id;
    self.host = broker.options.advertise.host;
    self.port = broker.options.advertise.port;
    if (!broker.options.rack.empty()) {
        self.rack = broker.options.rack;
    }
    response.cluster_id = cluster_id;
    response.controller_id = node_id;
    const bool wants_all = !asked->topics || (version == 0 && asked->topics->empty());
    if (wants_all) {
        for (const metadata::TopicImage& topic : image->topics()) {
            // Tried again, as if it was asked for by its name; one that was deleted since is not made anew.
            const bool is_to_open = !broker.replicas.has_all(topic)
                                 && broker.meta.image()->find(topic.id) != nullptr;
            if (is_to_open) {
                [[maybe_unused]] const KafkaError opened =
                    co_await create_missing(broker, topic.name);
            }
            response.topics.push_back(describe(broker, topic));
        }
        co_return reply_with(broker.env().pool, request.header, response);
    }
    const bool may_create = broker.options.auto_create && asked->allow_auto_topic_creation;
    std::vector<metadata::ImagePtr> held_images;
    std::size_t answered = 0;
    for (const auto& topic : *asked->topics) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            co_return close_because("");
        }
        if (++answered % topics_per_turn == 0) {
            co_await io::yield();
        }
        TopicAnswer answer = co_await answer_topic(broker, topic, may_create, held_images);
        response.topics.push_back(std::move(answer));
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
