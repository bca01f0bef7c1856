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
    /// The same, and no error if it is there already; partitions of it that are not open are tried again,
    /// a moment after they have failed.
    Task<Result<metadata::ImagePtr>> ensure(Shard& from, std::string name, std::int32_t partitions);

private:
    Task<Result<metadata::ImagePtr>> create_on_store_shard(
        std::string name, std::int32_t partitions
    );
    Task<Result<metadata::ImagePtr>> ensure_on_store_shard(
        std::string name, std::int32_t partitions
    );
    Task<Result<Ok>> open_again(const metadata::TopicImage& topic);
    Task<void> take_turn();
    void end_turn();

    metadata::MetaStore& store_;
    ReplicaManager& replicas_;
    Shard& store_shard_;
    // One creation at a time: the second one for a name then finds the topic, opened.
    bool creating_ = false;
    io::WaitQueue turn_;
    SteadyTime retry_after_{};  // of partitions that could not be opened
};

}  // namespace logboom::replica
