// What is kept of the metadata, as plain structs. Their bytes are Protobuf (metadata.proto), made and read
// by journal_codec.cpp alone.
#pragma once

#include "collector/metadata/topic_config.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/source_cursor.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace logboom::metadata {

using record::Id128;

/// Who this node is.
struct NodeMeta {
    Id128 cluster_id{};
    BrokerId node_id;

    bool operator==(const NodeMeta&) const = default;
};

/// A topic came to be. Its partitions count their leader epochs from the start named here.
struct TopicRecord {
    std::string name;
    Id128 id{};
    std::int32_t partitions = 0;
    std::uint32_t created_in_start = 0;
    TopicSettings settings;

    bool operator==(const TopicRecord&) const = default;
};

/// A topic is no more; the files of its partitions may still be there.
struct TopicDeletedRecord {
    Id128 id{};

    bool operator==(const TopicDeletedRecord&) const = default;
};

/// The files of a deleted topic are no more.
struct FilesRemovedRecord {
    Id128 id{};

    bool operator==(const FilesRemovedRecord&) const = default;
};

/// A topic has so many partitions, more than before.
struct PartitionsRecord {
    Id128 id{};
    std::int32_t partitions = 0;

    bool operator==(const PartitionsRecord&) const = default;
};

/// All producer ids below `end` may have been given out.
struct ProducerIdsRecord {
    ProducerId end;

    bool operator==(const ProducerIdsRecord&) const = default;
};

/// The store was opened.
struct StartRecord {
    std::uint32_t count = 0;  // from 1

    bool operator==(const StartRecord&) const = default;
};

/// A topic that was deleted and whose files may still be there.
struct DeletedTopic {
    Id128 id{};
    std::int32_t partitions = 0;

    bool operator==(const DeletedTopic&) const = default;
};

/// All that came before, in one piece.
struct ImageRecord {
    std::uint32_t start_count = 0;
    std::vector<TopicRecord> topics;
    ProducerId producer_ids_end;
    std::vector<DeletedTopic> deleted;

    bool operator==(const ImageRecord&) const = default;
};

struct JournalRecord {
    std::uint64_t sequence = 0;  // from 1, without holes
    std::variant<
        ImageRecord,
        TopicRecord,
        StartRecord,
        TopicDeletedRecord,
        FilesRemovedRecord,
        PartitionsRecord,
        ProducerIdsRecord>
        kind;

    bool operator==(const JournalRecord&) const = default;
};

/// Append the encoded form.
void encode(const NodeMeta& meta, Buffer& out);
void encode(const JournalRecord& record, Buffer& out);
/// `malformed` if the bytes are no such message or a value has no meaning in its type; `unsupported` for
/// a kind of record that this version does not know.
[[nodiscard]] Result<NodeMeta> decode_node_meta(ByteView bytes);
[[nodiscard]] Result<JournalRecord> decode_journal_record(ByteView bytes);

}  // namespace logboom::metadata
