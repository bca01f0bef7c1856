#include "collector/metadata/image.h"
#include "collector/metadata/journal_record.h"
#include "shared/base/limits.h"

#include "metadata.pb.h"

#include <algorithm>

namespace logboom::metadata {

namespace {

constexpr Error malformed{ErrorCode::malformed, 0, "record of the metadata"};

template <typename Message> void put(const Message& message, Buffer& out) {
    const std::string bytes = message.SerializeAsString();
    out.append(as_bytes(bytes));
}

template <typename Message> Result<Message> parse(const ByteView bytes) {
    Message message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return malformed;
    }
    return message;
}

Result<Id128> to_id(const std::string& bytes) {
    Id128 id{};
    if (bytes.size() != id.size()) {
        return malformed;
    }
    const ByteView view = as_bytes(bytes);
    std::copy(view.begin(), view.end(), id.begin());
    return id;
}

void put_topic(const TopicRecord& topic, v1::TopicRecord& message) {
    message.set_name(topic.name);
    message.set_id(std::string(as_text(topic.id)));
    message.set_partitions(topic.partitions);
    message.set_created_in_start(topic.created_in_start);
}

Result<TopicRecord> get_topic(const v1::TopicRecord& message) {
    TopicRecord topic;
    topic.name = message.name();
    LB_TRY(topic.id, to_id(message.id()));
    topic.partitions = message.partitions();
    topic.created_in_start = message.created_in_start();
    if (!is_topic_name(topic.name) || topic.partitions < 1
        || topic.partitions > limits::partitions_per_topic_max) {
        return malformed;
    }
    return topic;
}

Result<ImageRecord> get_image(const v1::ImageRecord& message) {
    ImageRecord image;
    image.start_count = message.start_count();
    for (const v1::TopicRecord& topic : message.topics()) {
        LB_TRY(TopicRecord decoded, get_topic(topic));
        image.topics.push_back(std::move(decoded));
    }
    return image;
}

struct PutKind {
    v1::MetadataRecord& message;

    void operator()(const ImageRecord& image) const {
        v1::ImageRecord& to = *message.mutable_image();
        to.set_start_count(image.start_count);
        for (const TopicRecord& topic : image.topics) {
            put_topic(topic, *to.add_topics());
        }
    }
    void operator()(const TopicRecord& topic) const {
        put_topic(topic, *message.mutable_topic_created());
    }
    void operator()(const StartRecord& start) const {
        message.mutable_started()->set_count(start.count);
    }
};

}  // namespace

void encode(const NodeMeta& meta, Buffer& out) {
    v1::NodeMeta message;
    message.set_cluster_id(std::string(as_text(meta.cluster_id)));
    message.set_node_id(meta.node_id.value);
    put(message, out);
}

void encode(const JournalRecord& record, Buffer& out) {
    v1::MetadataRecord message;
    message.set_sequence(record.sequence);
    std::visit(PutKind{message}, record.kind);
    put(message, out);
}

Result<NodeMeta> decode_node_meta(const ByteView bytes) {
    LB_TRY(const v1::NodeMeta message, parse<v1::NodeMeta>(bytes));
    NodeMeta meta;
    LB_TRY(meta.cluster_id, to_id(message.cluster_id()));
    if (message.node_id() < 0) {
        return malformed;
    }
    meta.node_id = BrokerId(message.node_id());
    return meta;
}

Result<JournalRecord> decode_journal_record(const ByteView bytes) {
    LB_TRY(const v1::MetadataRecord message, parse<v1::MetadataRecord>(bytes));
    JournalRecord record;
    record.sequence = message.sequence();
    switch (message.kind_case()) {
    case v1::MetadataRecord::kImage: {
        LB_TRY(record.kind, get_image(message.image()));
        return record;
    }
    case v1::MetadataRecord::kTopicCreated: {
        LB_TRY(record.kind, get_topic(message.topic_created()));
        return record;
    }
    case v1::MetadataRecord::kStarted:
        record.kind = StartRecord{message.started().count()};
        return record;
    case v1::MetadataRecord::KIND_NOT_SET: break;
    }
    return Error{ErrorCode::unsupported, 0, "kind of a metadata record"};
}

}  // namespace logboom::metadata
