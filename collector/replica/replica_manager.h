// All partitions of this node: which shard each lives on, opening and creating their logs, and finding
// them from any shard.
#pragma once

#include "collector/metadata/image.h"
#include "collector/replica/partition.h"
#include "collector/storage/log_directory.h"
#include "shared/io/shard.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace logboom::replica {

struct ReplicaManagerOptions {
    /// Holds the partitions' directories; made if missing.
    std::string log_dir;
    /// In force where a topic has no settings of its own.
    metadata::TopicConfig topic_defaults;
    ProducerTableOptions producers;
    /// Recently appended bytes that each shard keeps for consumers at the end of the log.
    std::uint64_t tail_cache_bytes = limits::tail_cache_bytes_default;
    /// How often each shard looks for segments to delete or to close; zero: never.
    Nanos retention_interval{};
    /// Where the logs count; null: nobody looks. Outlives the manager.
    metrics::Registry* registry = nullptr;
};

class ReplicaManager {
public:
    /// `shards` are all shards of the node; calls come from the first one. `listener` is called on the
    /// home shards. All outlive the manager.
    ReplicaManager(
        std::vector<Shard*> shards, ReplicaManagerOptions options, HighWatermarkListener& listener
    );
    ReplicaManager(const ReplicaManager&) = delete;
    ReplicaManager& operator=(const ReplicaManager&) = delete;
    ~ReplicaManager();

    /// Opens all partitions of the image, each on its home shard. A partition whose synced data is
    /// damaged is logged and not served (`find` does not know it); the others are. Errors: the log
    /// directory cannot be used at all. Shard: the first.
    Task<Result<Ok>> open(metadata::ImagePtr image);
    /// Creates or opens the partitions of one more topic; those that are open already stay as they are.
    /// When it returns, the directories are synced and the partitions can be written to. Shard: the
    /// first, one call at a time.
    Task<Result<Ok>> open_topic(const metadata::TopicImage& topic);
    /// Ends the partitions of a topic that is deleted and is not in the image any more, and removes their
    /// files, durably. What is not there is no error: it is called again for a topic whose removal was cut
    /// short. Errors: `storage_failed`; `io` for files that cannot be removed. Shard: the first, one call of
    /// this or `open_topic` at a time.
    Task<Result<Ok>> remove_topic(Id128 topic, std::int32_t partitions);
    /// Syncs and closes all logs and leaves the mark of a clean stop. The doors are closed. Shard: the
    /// first.
    Task<void> stop();

    /// Any shard. Nothing: there is no such partition, or it is not open. Whoever holds a partition lets go
    /// of it before the manager is destroyed.
    [[nodiscard]] PartitionPtr find(const Id128& topic, PartitionIndex index) const;
    /// Any shard. All partitions of the topic are open.
    [[nodiscard]] bool has_all(const metadata::TopicImage& topic) const;
    /// Any shard.
    [[nodiscard]] Shard& home_of(const Partition& partition) const noexcept {
        return home_of(partition.key());
    }
    [[nodiscard]] Shard& home_of(const PartitionKey& key) const noexcept;
    /// Whether the log directory was given up after an I/O error: the program should end. Any shard.
    [[nodiscard]] bool has_storage_failed() const noexcept {
        return has_failed_.load(std::memory_order_acquire);
    }
    /// Partitions that are not served because their data is damaged. Shard: the first.
    [[nodiscard]] std::size_t faulty_count() const noexcept;

private:
    struct OnShard;
    struct Table;

    using Topics = std::vector<const metadata::TopicImage*>;

    Task<Result<Ok>> make_shard(std::size_t index);
    Task<Result<Ok>> open_partitions(Topics topics);
    Task<Result<Ok>> open_on_shard(std::size_t index, const Topics& topics);
    Task<Result<Ok>> open_partition(
        OnShard& on_shard, PartitionKey key, LeaderEpoch epoch, metadata::TopicConfig config
    );
    Task<Result<Ok>> take_out_on_shard(std::size_t index, Id128 topic);
    Task<Result<Ok>> remove_on_shard(std::size_t index, Id128 topic, std::int32_t partitions);
    Task<Result<Ok>> stop_on_shard(std::size_t index);
    /// Runs `work` on all shards at once; the first error of a shard is the answer.
    Task<Result<Ok>> on_each_shard(std::function<Task<Result<Ok>>(std::size_t)> work);
    Task<void> on_one_shard(
        std::size_t index,
        const std::function<Task<Result<Ok>>(std::size_t)>& work,
        Result<Ok>& outcome
    );
    void publish();

    std::vector<Shard*> shards_;
    ReplicaManagerOptions options_;
    HighWatermarkListener& listener_;
    std::atomic<std::shared_ptr<const Table>> table_;
    std::atomic<bool> has_new_{false};  // partitions that are not in the table yet
    storage::DirectoryStart start_;
    std::atomic<bool> has_failed_{false};
    std::vector<std::unique_ptr<OnShard>> on_shards_;  // empty until the directory was started
};

}  // namespace logboom::replica
