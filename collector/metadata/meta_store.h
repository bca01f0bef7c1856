// Where the cluster's metadata is kept: a seam with several engines. Changes are durable before they are
// answered and visible in the image from then on.
#pragma once

#include "collector/metadata/image.h"
#include "shared/io/task.h"

#include <cstdint>
#include <string>

namespace logboom::metadata {

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

    /// Creates a topic with a new id; the image returned has it.
    ///
    /// Errors: `already_exists`; `invalid_argument` for a name against Kafka's rule or a number of
    /// partitions outside 1 .. limits::partitions_per_topic_max; `busy` if there are
    /// limits::topics_max topics; `no_space` (retriable); `storage_failed` for good.
    /// Shard: the store's.
    virtual Task<Result<ImagePtr>> create_topic(std::string name, std::int32_t partitions) = 0;

    /// The newest image. Any shard.
    [[nodiscard]] virtual ImagePtr image() const = 0;
    /// Kafka's form of the cluster's id: 22 characters. Any shard, after `open`.
    [[nodiscard]] virtual std::string cluster_id() const = 0;
    /// Any shard, after `open`.
    [[nodiscard]] virtual BrokerId node_id() const = 0;
};

}  // namespace logboom::metadata
