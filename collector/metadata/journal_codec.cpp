#include "collector/metadata/image.h"
#include "collector/metadata/journal_record.h"
#include "metadata.pb.h"
#include "shared/base/limits.h"

#include <algorithm>

namespace logboom::metadata {

namespace {

constexpr Error malformed{ErrorCode::malformed, 0, "record of the metadata"};

template <typename Message>
void put(const Message& message, Buffer& out) {
    const std::string bytes = message.SerializeAsString();
    out.append(as_bytes(bytes));
}

template <typename Message>
Result<Message> parse(const ByteView bytes) {
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
    for (const TopicSetting& setting : topic.settings) {
        v1::TopicSetting& to = *message.add_settings();
        to.set_name(setting.name);
        to.set_value(setting.value);
    }
}

/// Whether the settings have a meaning is not asked: what was good once must not keep the node from starting.
Result<TopicSettings> get_settings(const v1::TopicRecord& message) {
    TopicSettings settings;
    for (const v1::TopicSetting& setting : message.settings()) {
        const bool is_in_order = settings.empty() || settings.back().name < setting.name();
        if (!is_in_order) {
            return malformed;
        }
        settings.push_back(TopicSetting{setting.name(), setting.value()});
    }
    return settings;
}

bool is_partitions_count(const std::int32_t count) noexcept {
    return count >= 1 && count <= limits::partitions_per_topic_max;
}

Result<TopicRecord> get_topic(const v1::TopicRecord& message) {
    TopicRecord topic;
    topic.name = message.name();
    LB_TRY(topic.id, to_id(message.id()));
    topic.partitions = message.partitions();
    topic.created_in_start = message.created_in_start();
    LB_TRY(topic.settings, get_settings(message));
    if (!is_topic_name(topic.name) || !is_partitions_count(topic.partitions)) {
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
    if (message.producer_ids_end() < 0) {
        return malformed;
    }
    image.producer_ids_end = ProducerId(message.producer_ids_end());
    for (const v1::DeletedTopic& topic : message.deleted()) {
        DeletedTopic decoded;
        LB_TRY(decoded.id, to_id(topic.id()));
        decoded.partitions = topic.partitions();
        if (!is_partitions_count(decoded.partitions)) {
            return malformed;
        }
        image.deleted.push_back(decoded);
    }
    return image;
}

Result<PartitionsRecord> get_partitions(const v1::PartitionsRecord& message) {
    PartitionsRecord record;
    LB_TRY(record.id, to_id(message.id()));
    record.partitions = message.partitions();
    if (!is_partitions_count(record.partitions)) {
        return malformed;
    }
    return record;
}

struct PutKind {
    v1::MetadataRecord& message;

    void operator()(const ImageRecord& image) const {
        v1::ImageRecord& to = *message.mutable_image();
        to.set_start_count(image.start_count);
        for (const TopicRecord& topic : image.topics) {
            put_topic(topic, *to.add_topics());
        }
        to.set_producer_ids_end(image.producer_ids_end.value);
        for (const DeletedTopic& topic : image.deleted) {
            v1::DeletedTopic& deleted = *to.add_deleted();
            deleted.set_id(std::string(as_text(topic.id)));
            deleted.set_partitions(topic.partitions);
        }
    }
    void operator()(const TopicRecord& topic) const {
        put_topic(topic, *message.mutable_topic_created());
    }
    void operator()(const StartRecord& start) const {
        message.mutable_started()->set_count(start.count);
    }
    void operator()(const TopicDeletedRecord& topic) const {
        message.mutable_topic_deleted()->set_id(std::string(as_text(topic.id)));
    }
    void operator()(const FilesRemovedRecord& topic) const {
        message.mutable_files_removed()->set_id(std::string(as_text(topic.id)));
    }
    void operator()(const PartitionsRecord& added) const {
        message.mutable_partitions_added()->set_id(std::string(as_text(added.id)));
        message.mutable_partitions_added()->set_partitions(added.partitions);
    }
    void operator()(const ProducerIdsRecord& ids) const {
        message.mutable_producer_ids_taken()->set_end(ids.end.value);
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
    case v1::MetadataRecord::kTopicDeleted: {
        LB_TRY(const Id128 id, to_id(message.topic_deleted().id()));
        record.kind = TopicDeletedRecord{id};
        return record;
    }
    case v1::MetadataRecord::kFilesRemoved: {
        LB_TRY(const Id128 id, to_id(message.files_removed().id()));
        record.kind = FilesRemovedRecord{id};
        return record;
    }
    case v1::MetadataRecord::kPartitionsAdded: {
        LB_TRY(record.kind, get_partitions(message.partitions_added()));
        return record;
    }
    case v1::MetadataRecord::kProducerIdsTaken: {
        if (message.producer_ids_taken().end() < 0) {
            return malformed;
        }
        record.kind = ProducerIdsRecord{ProducerId(message.producer_ids_taken().end())};
        return record;
    }
    case v1::MetadataRecord::KIND_NOT_SET: break;
    }
    return Error{ErrorCode::unsupported, 0, "kind of a metadata record"};
}

}  // namespace logboom::metadata
