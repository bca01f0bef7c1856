// Topics as the doors see them: found in the image, created in the store and opened on their shards, deleted
// from the store and removed from their shards.
#pragma once

#include "collector/metadata/meta_store.h"
#include "collector/replica/replica_manager.h"
#include "shared/io/shard.h"
#include "shared/io/turn.h"

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
    Task<Result<metadata::ImagePtr>> create(
        Shard& from,
        std::string name,
        std::int32_t partitions,
        metadata::TopicSettings settings = metadata::TopicSettings()
    );
    /// The same, and no error if it is there already; partitions of it that are not open are tried again,
    /// a moment after they have failed.
    Task<Result<metadata::ImagePtr>> ensure(Shard& from, std::string name, std::int32_t partitions);
    /// Gives a topic more partitions, `count` in all, and opens them. Errors: `not_found`,
    /// `invalid_argument`, `busy`, those of the store and of opening a log.
    Task<Result<metadata::ImagePtr>> add_partitions(Shard& from, Id128 id, std::int32_t count);
    /// Deletes a topic: nobody finds it any more when this returns, and its files are gone. Files that cannot
    /// be removed are logged and tried again by the next start. Errors: `not_found`, those of the store.
    Task<Result<metadata::ImagePtr>> remove(Shard& from, Id128 id);
    /// Removes the files of deleted topics that were left by the last run. Shard: the store's, once, before
    /// the doors open.
    Task<void> finish_removals();

private:
    Task<Result<metadata::ImagePtr>> create_on_store_shard(metadata::NewTopic topic);
    Task<Result<metadata::ImagePtr>> create_alone(metadata::NewTopic topic);
    Task<Result<metadata::ImagePtr>> add_partitions_on_store_shard(Id128 id, std::int32_t count);
    Task<Result<metadata::ImagePtr>> add_partitions_alone(Id128 id, std::int32_t count);
    Task<Result<metadata::ImagePtr>> remove_on_store_shard(Id128 id);
    Task<Result<metadata::ImagePtr>> remove_alone(Id128 id);
    Task<void> remove_files(metadata::DeletedTopic topic);
    Task<Result<metadata::ImagePtr>> ensure_on_store_shard(
        std::string name, std::int32_t partitions
    );
    Task<Result<metadata::ImagePtr>> open_again(std::string name);

    metadata::MetaStore& store_;
    ReplicaManager& replicas_;
    Shard& store_shard_;
    // One change at a time: the second creation of a name then finds the topic, opened.
    io::Turn turn_;
    SteadyTime retry_after_{};  // of partitions that could not be opened
};

}  // namespace logboom::replica
