// Topics as the doors see them: found in the image, created in the store and opened on their shards.
#pragma once

#include "collector/metadata/meta_store.h"
#include "collector/replica/replica_manager.h"
#include "shared/io/shard.h"

#include <string>

namespace logboom::replica {

class TopicService {
public:
    /// The store lives on `store_shard`. All outlive the service.
    TopicService(metadata::MetaStore& store, ReplicaManager& replicas, Shard& store_shard);

    /// Any shard: the newest image there is.
    [[nodiscard]] metadata::ImagePtr image() const { return store_.image(); }
    /// Creates a topic and opens its partitions; when this returns, they can be written to. `from` is
    /// the caller's shard. Errors: `already_exists`, `invalid_argument` (name or count), `busy` (too many
    /// topics), those of the store and of opening a log.
    Task<Result<metadata::ImagePtr>> create(Shard& from, std::string name, std::int32_t partitions);
    /// The same, and no error if it is there already.
    Task<Result<metadata::ImagePtr>> ensure(Shard& from, std::string name, std::int32_t partitions);

private:
    Task<Result<metadata::ImagePtr>> create_on_store_shard(
        std::string name, std::int32_t partitions
    );

    metadata::MetaStore& store_;
    ReplicaManager& replicas_;
    Shard& store_shard_;
    // One creation at a time: the second one for a name then finds the topic, opened.
    bool creating_ = false;
    io::WaitQueue turn_;
};

}  // namespace logboom::replica
