// Where the cluster's metadata is kept: a seam with several engines. Changes are durable before they are
// answered and visible in the image from then on.
#pragma once

#include "collector/metadata/image.h"
#include "collector/metadata/journal_record.h"
#include "shared/io/task.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace logboom::metadata {

/// A topic that is to be. A constructor, since it is written as an argument of awaited calls.
struct NewTopic {
    NewTopic(std::string name_of_it, const std::int32_t partitions_count, TopicSettings own = {})
        : name(std::move(name_of_it))
        , partitions(partitions_count)
        , settings(std::move(own)) {}

    std::string name;
    std::int32_t partitions;
    TopicSettings settings;  // none that `refuse_topic_setting` refuses
};

/// Producer ids from `first` on, `end` exclusive.
struct ProducerIdBlock {
    ProducerId first;
    ProducerId end;
};

class MetaStore {
public:
    MetaStore() = default;
    MetaStore(const MetaStore&) = delete;
    MetaStore& operator=(const MetaStore&) = delete;
    virtual ~MetaStore() = default;

    /// Reads what is kept. Called once, before anything else. Errors: `corrupt` and `unsupported`
    /// (another version) for what must not be guessed at, `io`, `no_space`.
    virtual Task<Result<Ok>> open() = 0;
    /// Ends the work with the store. Nothing is asked of it afterwards but its image.
    virtual Task<void> close() = 0;

    // All that changes something. Shard: the store's. Errors besides those named: `no_space` (retriable);
    // `storage_failed` for good.

    /// Creates a topic with a new id; the image returned has it. Errors: those of `check`.
    virtual Task<Result<ImagePtr>> create_topic(NewTopic topic) = 0;
    /// Deletes a topic; the image returned lacks it. `deleted_topics` names it until its files are removed.
    /// Error `not_found`.
    virtual Task<Result<ImagePtr>> delete_topic(Id128 id) = 0;
    /// The files of a deleted topic are gone, durably.
    virtual Task<Result<Ok>> files_removed(Id128 id) = 0;
    /// Gives a topic more partitions, `count` in all. Errors: `not_found`; `invalid_argument` unless there
    /// are fewer now and at most limits::partitions_per_topic_max then; `busy` for too many in all.
    virtual Task<Result<ImagePtr>> add_partitions(Id128 id, std::int32_t count) = 0;
    /// Takes producer ids that nobody else is or was ever given, whatever happens to this node.
    virtual Task<Result<ProducerIdBlock>> take_producer_ids() = 0;

    /// Topics that were deleted and whose files may still be there. Shard: the store's.
    [[nodiscard]] virtual std::vector<DeletedTopic> deleted_topics() const = 0;
    /// Whether the topic can be created now. Errors: `already_exists`; `invalid_argument` for a name against
    /// Kafka's rule or one that differs from another only by '.' and '_', or a number of partitions outside
    /// 1 .. limits::partitions_per_topic_max; `busy` for too many topics, partitions or settings in all.
    /// Any shard.
    [[nodiscard]] virtual Result<Ok> check(const NewTopic& topic) const = 0;
    /// The newest image. Any shard.
    [[nodiscard]] virtual ImagePtr image() const = 0;
    /// Kafka's form of the cluster's id: 22 characters. Any shard, after `open`.
    [[nodiscard]] virtual std::string cluster_id() const = 0;
    /// Any shard, after `open`.
    [[nodiscard]] virtual BrokerId node_id() const = 0;
};

}  // namespace logboom::metadata
