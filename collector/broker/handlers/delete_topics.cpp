#include "shared/kafka/messages/delete_topics.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"
#include "collector/broker/refusal.h"

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using Asked = kafka::DeleteTopicsRequest::Topic;
using Answer = kafka::DeleteTopicsResponse::Topic;

constexpr std::int16_t by_id_from_version = 6;

/// Versions that know names only, in the form of the later ones.
std::vector<Asked> all_asked(
    const kafka::DeleteTopicsRequest& request, const std::int16_t version
) {
    if (version >= by_id_from_version) {
        return request.topics;
    }
    std::vector<Asked> topics;
    for (const std::string_view name : request.topic_names) {
        topics.emplace_back().name = name;
    }
    return topics;
}

/// The topic that is meant, in `image`; or why there is none.
const metadata::TopicImage* find(
    const Asked& asked, const metadata::Image& image, Refusal& refusal
) {
    const bool has_id = !asked.topic_id.is_zero();
    if (asked.name.has_value() == has_id) {
        refusal = {KafkaError::invalid_request, "a topic is named either by its name or by its id"};
        return nullptr;
    }
    const metadata::TopicImage* const topic = has_id ? image.find(asked.topic_id.bytes)
                                                     : image.find(*asked.name);
    if (topic == nullptr) {
        refusal = has_id
                    ? Refusal{KafkaError::unknown_topic_id, "there is no topic of this id"}
                    : Refusal{KafkaError::unknown_topic_or_partition, "there is no such topic"};
    }
    return topic;
}

/// A topic that is named twice is not there the second time.
Task<Answer> remove(Broker& broker, const Asked& asked, const std::int32_t timeout_ms) {
    Answer answer;
    if (asked.name) {
        answer.name.emplace(*asked.name);
    }
    answer.topic_id = asked.topic_id;
    Refusal refusal;
    const metadata::ImagePtr image = broker.meta.image();
    const metadata::TopicImage* const topic = find(asked, *image, refusal);
    if (topic != nullptr) {
        answer.name = topic->name;
        answer.topic_id = kafka::Uuid{topic->id};
        const Result<metadata::ImagePtr> removed =
            co_await broker.topics.remove(broker.shard, topic->id);
        refusal = removed ? out_of_time(timeout_ms)
                          : Refusal{to_kafka(removed.code()), to_string(removed.error())};
    }
    if (refusal.is_set()) {
        answer.error_code = refusal.code;
        answer.error_message = std::move(refusal.message);
    }
    co_return answer;
}

}  // namespace

Task<Reply> handle_delete_topics(Broker& broker, Request request) {
    const std::int16_t version = request.header.api_version;
    const auto asked = kafka::DeleteTopicsRequest::decode(request.body, version);
    if (!asked) {
        co_return close_because("DeleteTopics cannot be read");
    }
    const std::vector<Asked> topics = all_asked(*asked, version);
    kafka::DeleteTopicsResponse response;
    for (const Asked& topic : topics) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            co_return close_because("");
        }
        Answer answer = co_await remove(broker, topic, asked->timeout_ms);
        response.responses.push_back(std::move(answer));
        co_await io::yield();
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
