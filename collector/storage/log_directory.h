// One log directory as one shard sees it: the group syncs, the cache of appended batches and the recovery
// checkpoint of this shard's logs, and whether the directory can still be trusted.
#pragma once

#include "collector/storage/checkpoint.h"
#include "collector/storage/sync_scheduler.h"
#include "collector/storage/tail_cache.h"
#include "shared/base/limits.h"

#include <atomic>
#include <string>
#include <vector>

namespace logboom::storage {

/// A log of this directory and shard.
class DirectoryMember : public SyncTarget {
public:
    /// The directory was given up: everything that waits ends with `storage_failed`.
    virtual void on_directory_failed() = 0;
};

struct LogDirectoryOptions {
    std::string path;
    /// Names this shard's checkpoint file.
    std::size_t shard_index = 0;
    std::uint64_t tail_cache_bytes = limits::tail_cache_bytes_default;
};

/// Shard: that of `env`; what is said of "any shard" aside.
class LogDirectory {
public:
    /// `start` and `has_failed` are shared by all shards of the directory and outlive it.
    LogDirectory(
        Env& env,
        LogDirectoryOptions options,
        const DirectoryStart& start,
        std::atomic<bool>& has_failed
    );

    [[nodiscard]] const std::string& path() const noexcept { return options_.path; }
    [[nodiscard]] const DirectoryStart& start() const noexcept { return start_; }
    [[nodiscard]] SyncScheduler& sync() noexcept { return sync_; }
    [[nodiscard]] TailCache& tail_cache() noexcept { return tail_cache_; }

    /// Whether some shard has given the directory up (R-F1). Any shard.
    [[nodiscard]] bool has_failed() const noexcept {
        return has_failed_.load(std::memory_order_acquire);
    }
    /// Never syncs, writes or serves anything from here again: after a failed write-back nobody knows
    /// what the disk holds. Tells all members and leaves a marker for the next start.
    void give_up(const Error& error, const std::string& file);

    void join(DirectoryMember& member) { members_.push_back(&member); }
    void leave(DirectoryMember& member) { std::erase(members_, &member); }

    /// `key` is on disk up to `synced_end`; the checkpoint follows within a second.
    void note_synced(const PartitionKey& key, Offset synced_end);
    /// The partition is no more: the next checkpoint does not name it.
    void forget(const PartitionKey& key);
    /// Ends the syncs and writes the checkpoint. All members have left.
    Task<void> stop();

private:
    void checkpoint_soon();
    Task<void> write_checkpoints();
    Task<Result<Ok>> write_checkpoint();
    Task<void> write_failed_marker(std::string text);

    Env& env_;
    LogDirectoryOptions options_;
    const DirectoryStart& start_;
    std::atomic<bool>& has_failed_;
    std::vector<DirectoryMember*> members_;
    Checkpoints checkpoints_;
    bool is_checkpoint_due_ = false;
    bool is_writing_checkpoints_ = false;
    bool is_stopping_ = false;
    io::WaitQueue stop_requested_;
    TailCache tail_cache_;
    SyncScheduler sync_;
    Scope scope_;
};

}  // namespace logboom::storage
