#include "collector/storage/checkpoint.h"
#include "shared/codec/crc_frame.h"
#include "storage.pb.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr std::string_view checkpoint_kind = "LBCP";
constexpr std::string_view clean_kind = "LBCL";

constexpr Error corrupt{ErrorCode::corrupt, 0, "content of a checkpoint"};

template <typename Message>
void put(const std::string_view kind, const Message& message, Buffer& out) {
    const std::string payload = message.SerializeAsString();
    codec::append_framed_file(kind, checkpoint_version, as_bytes(payload), out);
}

template <typename Message>
Result<Ok> get(const ByteView file, const std::string_view kind, Message& message) {
    LB_TRY(const ByteView payload, codec::read_framed_file(file, kind, checkpoint_version));
    if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))
        || !message.is_whole()) {
        return corrupt;
    }
    return Ok{};
}

template <typename Entry>
void put_key(const PartitionKey& key, Entry& entry) {
    entry.set_topic_id(std::string(as_text(key.topic)));
    entry.set_index(key.index.value);
}

template <typename Entry>
Result<PartitionKey> get_key(const Entry& entry) {
    PartitionKey key;
    if (entry.topic_id().size() != key.topic.size() || entry.index() < 0) {
        return corrupt;
    }
    const ByteView id = as_bytes(entry.topic_id());
    std::copy(id.begin(), id.end(), key.topic.begin());
    key.index = PartitionIndex(entry.index());
    return key;
}

}  // namespace

void encode_checkpoints(const Checkpoints& checkpoints, Buffer& out) {
    v1::RecoveryCheckpoint message;
    for (const auto& [key, checkpoint] : checkpoints) {
        v1::CheckpointEntry& entry = *message.add_partitions();
        put_key(key, entry);
        entry.set_synced_end(checkpoint.synced_end.value);
        entry.set_log_start(checkpoint.log_start.value);
    }
    message.set_is_whole(true);
    put(checkpoint_kind, message, out);
}

Result<Checkpoints> decode_checkpoints(const ByteView file) {
    v1::RecoveryCheckpoint message;
    LB_CHECK(get(file, checkpoint_kind, message));
    Checkpoints checkpoints;
    for (const v1::CheckpointEntry& entry : message.partitions()) {
        LB_TRY(const PartitionKey key, get_key(entry));
        if (entry.log_start() < 0 || entry.synced_end() < entry.log_start()) {
            return corrupt;
        }
        checkpoints[key] = {Offset(entry.synced_end()), Offset(entry.log_start())};
    }
    return checkpoints;
}

void encode_clean_marker(const std::vector<CleanLog>& logs, Buffer& out) {
    v1::CleanMarker message;
    for (const CleanLog& log : logs) {
        v1::CleanEntry& entry = *message.add_partitions();
        put_key(log.key, entry);
        entry.set_log_end(log.log_end.value);
        entry.set_segment_base(log.segment_base.value);
        entry.set_segment_bytes(log.segment_bytes);
    }
    message.set_is_whole(true);
    put(clean_kind, message, out);
}

Result<std::vector<CleanLog>> decode_clean_marker(const ByteView file) {
    v1::CleanMarker message;
    LB_CHECK(get(file, clean_kind, message));
    std::vector<CleanLog> logs;
    for (const v1::CleanEntry& entry : message.partitions()) {
        LB_TRY(const PartitionKey key, get_key(entry));
        if (entry.log_end() < 0 || entry.segment_base() < 0) {
            return corrupt;
        }
        CleanLog log;
        log.key = key;
        log.log_end = Offset(entry.log_end());
        log.segment_base = Offset(entry.segment_base());
        log.segment_bytes = entry.segment_bytes();
        logs.push_back(log);
    }
    return logs;
}

}  // namespace logboom::storage
