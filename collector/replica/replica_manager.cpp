#include "collector/replica/replica_manager.h"

#include "collector/storage/partition_files.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"

#include <algorithm>
#include <map>
#include <set>

namespace logboom::replica {

/// What lives on one shard; touched there only, but for the time in which the first shard waits for it.
struct ReplicaManager::OnShard {
    OnShard(
        Shard& home,
        storage::LogDirectoryOptions options,
        const storage::DirectoryStart& start,
        std::atomic<bool>& has_failed
    )
        : shard(home)
        , directory(home.env(), std::move(options), start, has_failed)
        , retention(home.env(), directory) {}

    Shard& shard;
    storage::LogDirectory directory;
    storage::Retention retention;
    std::map<PartitionKey, PartitionPtr> partitions;
    std::set<PartitionKey> faulty;
    // Of deleted topics: not in the table any more, and destroyed when only we hold them, since that must
    // happen here.
    std::vector<PartitionPtr> leaving;
    std::vector<storage::CleanLog> clean;
    bool all_clean = true;
};

/// Sorted by key.
struct ReplicaManager::Table {
    struct Row {
        PartitionKey key;
        PartitionPtr partition;
    };
    std::vector<Row> rows;
};

ReplicaManager::ReplicaManager(
    std::vector<Shard*> shards, ReplicaManagerOptions options, HighWatermarkListener& listener
)
    : shards_(std::move(shards))
    , options_(std::move(options))
    , listener_(listener)
    , table_(std::make_shared<const Table>()) {
    LB_ASSERT(!shards_.empty());
}

ReplicaManager::~ReplicaManager() = default;

Task<Result<Ok>> ReplicaManager::open(const metadata::ImagePtr image) {
    Env& env = shards_.front()->env();
    LB_CO_TRY(
        storage::DirectoryStart start, co_await storage::start_log_directory(env, options_.log_dir)
    );
    start_ = std::move(start);
    on_shards_.resize(shards_.size());
    std::function<Task<Result<Ok>>(std::size_t)> make = [this](const std::size_t index) {
        return make_shard(index);
    };
    LB_CO_CHECK(co_await on_each_shard(std::move(make)));
    Topics topics;
    for (const metadata::TopicImage& topic : image->topics()) {
        topics.push_back(&topic);
    }
    co_return co_await open_partitions(std::move(topics));
}

Task<Result<Ok>> ReplicaManager::make_shard(const std::size_t index) {
    storage::LogDirectoryOptions options;
    options.path = options_.log_dir;
    options.shard_index = index;
    options.tail_cache_bytes = options_.tail_cache_bytes;
    options.registry = options_.registry;
    on_shards_[index] =
        std::make_unique<OnShard>(*shards_[index], std::move(options), start_, has_failed_);
    if (options_.retention_interval > Nanos::zero()) {
        on_shards_[index]->retention.start(options_.retention_interval);
    }
    co_return Ok{};
}

Task<Result<Ok>> ReplicaManager::open_topic(const metadata::TopicImage& topic) {
    Topics topics{&topic};
    LB_CO_CHECK(co_await open_partitions(std::move(topics)));
    if (!has_all(topic)) {
        co_return Error{
            has_storage_failed() ? ErrorCode::storage_failed : ErrorCode::io,
            0,
            "partition that could not be opened"};
    }
    co_return Ok{};
}

Task<Result<Ok>> ReplicaManager::open_partitions(const Topics topics) {
    std::function<Task<Result<Ok>>(std::size_t)> work = [this, &topics](const std::size_t index) {
        return open_on_shard(index, topics);
    };
    const Result<Ok> opened = co_await on_each_shard(std::move(work));
    if (has_new_.exchange(false, std::memory_order_acq_rel)) {
        publish();
    }
    co_return opened;
}

Task<Result<Ok>> ReplicaManager::open_on_shard(const std::size_t index, const Topics& topics) {
    OnShard& on_shard = *on_shards_[index];
    for (const metadata::TopicImage* const topic : topics) {
        for (const metadata::PartitionImage& described : topic->partitions) {
            const PartitionKey key{topic->id, described.index};
            const bool is_ours = &home_of(key) == &on_shard.shard;
            if (!is_ours || on_shard.partitions.contains(key) || on_shard.faulty.contains(key)) {
                continue;
            }
            const metadata::TopicConfig config =
                topic_config_of(topic->settings, options_.topic_defaults);
            LB_CO_CHECK(co_await open_partition(on_shard, key, described.leader_epoch, config));
        }
    }
    co_return Ok{};
}

Task<Result<Ok>> ReplicaManager::open_partition(
    OnShard& on_shard,
    const PartitionKey key,
    const LeaderEpoch epoch,
    const metadata::TopicConfig config
) {
    Env& env = on_shard.shard.env();
    PartitionOptions partition_options;
    partition_options.log.segment_bytes = static_cast<std::uint64_t>(config.segment_bytes);
    partition_options.log.segment_ms = config.segment_ms;
    partition_options.log.retention_ms = config.retention_ms;
    partition_options.log.retention_bytes = config.retention_bytes;
    partition_options.topic = config;
    partition_options.producers = options_.producers;
    auto partition = std::make_shared<Partition>(
        env, on_shard.directory, key, epoch, partition_options, listener_
    );
    const Result<Ok> opened = co_await partition->open();
    if (opened) {
        const storage::RecoveryReport& report = partition->recovery();
        env.log.debug(
            "partition opened",
            {kv("partition", storage::partition_dir_name(key)),
             kv("log_end", report.log_end),
             kv("clean", report.was_clean),
             kv("segments", report.segments_count)}
        );
        on_shard.partitions.emplace(key, std::move(partition));
        has_new_.store(true, std::memory_order_release);
        co_return Ok{};
    }
    switch (opened.code()) {
    case ErrorCode::corrupt:
        on_shard.faulty.insert(key);  // logged with the place; the others are not harmed by it
        co_return Ok{};
    case ErrorCode::storage_failed:
    case ErrorCode::unsupported: co_return opened;
    default: break;
    }
    // It may come right later: the next call for this topic tries again.
    env.log.error(
        "partition cannot be opened and is not served",
        {kv("partition", storage::partition_dir_name(key)), kv("error", to_string(opened.error()))}
    );
    co_return has_storage_failed() ? Result<Ok>(opened.error()) : Result<Ok>(Ok{});
}

Task<Result<Ok>> ReplicaManager::remove_topic(const Id128 topic, const std::int32_t partitions) {
    if (has_storage_failed()) {
        co_return Error{ErrorCode::storage_failed, 0, "files of a deleted topic"};
    }
    std::function<Task<Result<Ok>>(std::size_t)> take = [this, topic](const std::size_t index) {
        return take_out_on_shard(index, topic);
    };
    LB_CO_CHECK(co_await on_each_shard(std::move(take)));
    publish();
    std::function<Task<Result<Ok>>(std::size_t)> remove =
        [this, topic, partitions](const std::size_t index) {
            return remove_on_shard(index, topic, partitions);
        };
    co_return co_await on_each_shard(std::move(remove));
}

Task<Result<Ok>> ReplicaManager::take_out_on_shard(const std::size_t index, const Id128 topic) {
    OnShard& on_shard = *on_shards_[index];
    const auto is_first = [&topic](const auto& entry) { return entry.first.topic == topic; };
    auto at = std::ranges::find_if(on_shard.partitions, is_first);
    while (at != on_shard.partitions.end() && at->first.topic == topic) {
        on_shard.leaving.push_back(std::move(at->second));
        at = on_shard.partitions.erase(at);
    }
    std::erase_if(on_shard.faulty, [&topic](const PartitionKey& key) {
        return key.topic == topic;
    });
    co_return Ok{};
}

Task<Result<Ok>> ReplicaManager::remove_on_shard(
    const std::size_t index, const Id128 topic, const std::int32_t partitions
) {
    OnShard& on_shard = *on_shards_[index];
    for (std::size_t i = 0; i < on_shard.leaving.size(); ++i) {
        Partition& partition = *on_shard.leaving[i];
        if (!partition.has_ended()) {
            co_await partition.end();
        }
    }
    bool is_ours = false;
    for (std::int32_t i = 0; i < partitions; ++i) {
        const PartitionKey key{topic, PartitionIndex(i)};
        // A checkpoint of any shard may name it: shards come and go between starts.
        on_shard.directory.forget(key);
        if (&home_of(key) == &on_shard.shard) {
            is_ours = true;
            Env& env = on_shard.shard.env();
            LB_CO_CHECK(co_await storage::remove_partition_files(env, options_.log_dir, key));
        }
    }
    std::erase_if(on_shard.leaving, [](const PartitionPtr& left) { return left.use_count() == 1; });
    if (!is_ours) {
        co_return Ok{};
    }
    const Result<Ok> synced = co_await on_shard.shard.env().fs.sync_dir(options_.log_dir);
    if (!synced) {
        on_shard.directory.give_up(synced.error(), options_.log_dir);
    }
    co_return synced;
}

Task<void> ReplicaManager::stop() {
    if (on_shards_.empty()) {
        co_return;
    }
    std::function<Task<Result<Ok>>(std::size_t)> work = [this](const std::size_t index) {
        return stop_on_shard(index);
    };
    const Result<Ok> stopped = co_await on_each_shard(std::move(work));
    std::vector<storage::CleanLog> clean;
    bool all_clean = stopped.has_value() && !has_storage_failed();
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        if (on_shard == nullptr || !on_shard->all_clean) {
            all_clean = false;
            continue;
        }
        clean.insert(clean.end(), on_shard->clean.begin(), on_shard->clean.end());
    }
    if (!all_clean) {
        co_return;
    }
    Env& env = shards_.front()->env();
    const Result<Ok> marked = co_await storage::write_clean_marker(env, options_.log_dir, clean);
    if (!marked) {
        env.log.warn(
            "the mark of a clean stop could not be written; the next start looks at the logs again",
            {kv("error", to_string(marked.error()))}
        );
    }
}

Task<Result<Ok>> ReplicaManager::stop_on_shard(const std::size_t index) {
    if (on_shards_[index] == nullptr) {
        co_return Ok{};
    }
    OnShard& on_shard = *on_shards_[index];
    co_await on_shard.retention.stop();
    for (const auto& [key, partition] : on_shard.partitions) {
        const Result<storage::CleanLog> closed = co_await partition->close();
        if (closed) {
            on_shard.clean.push_back(*closed);
        } else {
            on_shard.all_clean = false;
        }
    }
    co_await on_shard.directory.stop();
    co_return Ok{};
}

Task<Result<Ok>> ReplicaManager::on_each_shard(
    const std::function<Task<Result<Ok>>(std::size_t)> work
) {
    std::vector<Result<Ok>> outcomes(shards_.size(), Result<Ok>(Ok{}));
    Scope scope(shards_.front()->env().scheduler);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        scope.spawn_now(on_one_shard(i, work, outcomes[i]));
    }
    co_await scope.join();
    for (const Result<Ok>& outcome : outcomes) {
        if (!outcome) {
            co_return outcome;
        }
    }
    co_return Ok{};
}

Task<void> ReplicaManager::on_one_shard(
    const std::size_t index,
    const std::function<Task<Result<Ok>>(std::size_t)>& work,
    Result<Ok>& outcome
) {
    std::function<Task<Result<Ok>>()> body = [&work, index] { return work(index); };
    outcome = co_await io::call_on(*shards_.front(), *shards_[index], std::move(body));
}

void ReplicaManager::publish() {
    auto table = std::make_shared<Table>();
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        for (const auto& [key, partition] : on_shard->partitions) {
            table->rows.push_back(Table::Row{key, partition});
        }
    }
    std::sort(table->rows.begin(), table->rows.end(), [](const Table::Row& a, const Table::Row& b) {
        return a.key < b.key;
    });
    table_.store(std::move(table));
}

PartitionPtr ReplicaManager::find(const Id128& topic, const PartitionIndex index) const {
    const PartitionKey key{topic, index};
    const std::shared_ptr<const Table> table = table_.load();
    const auto found =
        std::partition_point(table->rows.begin(), table->rows.end(), [&key](const Table::Row& row) {
            return row.key < key;
        });
    return found != table->rows.end() && found->key == key ? found->partition : nullptr;
}

bool ReplicaManager::has_all(const metadata::TopicImage& topic) const {
    return std::all_of(
        topic.partitions.begin(),
        topic.partitions.end(),
        [&](const metadata::PartitionImage& partition) {
            return find(topic.id, partition.index) != nullptr;
        }
    );
}

Shard& ReplicaManager::home_of(const PartitionKey& key) const noexcept {
    std::array<std::byte, 4> index{};
    codec::store_be(index.data(), key.index.value);
    const std::uint32_t hash = codec::crc32c(index, codec::crc32c(key.topic));
    return *shards_[hash % shards_.size()];
}

std::size_t ReplicaManager::faulty_count() const noexcept {
    std::size_t count = 0;
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        count += on_shard->faulty.size();
    }
    return count;
}

}  // namespace logboom::replica
