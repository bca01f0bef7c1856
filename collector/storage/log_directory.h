// One log directory as one shard sees it: the group syncs, the cache of appended batches and the recovery
// checkpoint of this shard's logs, and whether the directory can still be trusted.
#pragma once

#include "collector/storage/checkpoint.h"
#include "collector/storage/retention.h"
#include "collector/storage/storage_metrics.h"
#include "collector/storage/sync_scheduler.h"
#include "collector/storage/tail_cache.h"
#include "shared/base/limits.h"

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace logboom::storage {

/// A log of this directory and shard.
class DirectoryMember : public SyncTarget {
public:
    /// The directory was given up: everything that waits ends with `storage_failed`.
    virtual void on_directory_failed() = 0;

    /// Begins a new segment if the last one is old enough. Then the offset at which the log should
    /// begin by the limits of its retention; nothing if all of it stays. What lies below the offset is
    /// in a state snapshot that is on disk. Errors: that could not be made, and nothing may be deleted.
    virtual Task<Result<std::optional<LogStart>>> prepare_retention(RetentionNow now) = 0;
    /// Deletes the segments below `log_start`, which is on disk.
    virtual Task<void> delete_below(Offset log_start) = 0;

private:
    friend class LogDirectory;
    std::uint64_t number_ = 0;  // among the members; 0: has not joined
};

struct LogDirectoryOptions {
    std::string path;
    /// Names this shard's checkpoint file.
    std::size_t shard_index = 0;
    std::uint64_t tail_cache_bytes = limits::tail_cache_bytes_default;
    /// Where the directory's logs count; null: nobody looks. Outlives the directory.
    metrics::Registry* registry = nullptr;
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
    [[nodiscard]] StorageMetrics& metrics() noexcept { return metrics_; }

    /// Whether some shard has given the directory up (R-F1). Any shard.
    [[nodiscard]] bool has_failed() const noexcept {
        return has_failed_.load(std::memory_order_acquire);
    }
    /// Never syncs, writes or serves anything from here again: after a failed write-back nobody knows
    /// what the disk holds. Tells all members and leaves a marker for the next start.
    void give_up(const Error& error, const std::string& file);

    void join(DirectoryMember& member);
    void leave(DirectoryMember& member);
    /// A member and its number, which is never given to another one.
    struct NumberedMember {
        std::uint64_t number = 0;
        DirectoryMember* member = nullptr;
    };
    /// The member that joined first after the one with that number; null: there is none. So they are gone
    /// through from 0 on, over awaits in which some come and go.
    [[nodiscard]] NumberedMember member_after(std::uint64_t number) const;
    /// Null if it has left.
    [[nodiscard]] DirectoryMember* member(std::uint64_t number) const;

    /// What a log was found to be; the checkpoint follows within a second.
    void note_opened(const PartitionKey& key, const Checkpoint& found);
    /// `key` is on disk up to `synced_end`; the checkpoint follows within a second.
    void note_synced(const PartitionKey& key, Offset synced_end);
    /// The partition is no more: the next checkpoint does not name it.
    void forget(const PartitionKey& key);
    /// The logs begin there from now on: on disk when it returns, with one write for all of them.
    Task<Result<Ok>> save_log_starts(std::vector<LogStart> starts);
    /// Ends the syncs and writes the checkpoint. All members have left.
    Task<void> stop();

private:
    void save_soon();
    Task<void> write_checkpoints();
    Task<Result<Ok>> write_checkpoint();
    Task<void> write_failed_marker(std::string text);
    Task<Result<Ok>> write_unsynced(std::string path, ByteView text);

    Env& env_;
    LogDirectoryOptions options_;
    const DirectoryStart& start_;
    std::atomic<bool>& has_failed_;
    std::map<std::uint64_t, DirectoryMember*> members_;
    std::uint64_t last_number_ = 0;
    Checkpoints checkpoints_;
    std::uint64_t changes_ = 0;        // of `checkpoints_` ...
    std::uint64_t changes_tried_ = 0;  // ... which somebody has begun to write ...
    std::uint64_t changes_saved_ = 0;  // ... and which are in the file
    bool is_saving_ = false;
    io::WaitQueue saved_;
    bool is_writing_checkpoints_ = false;
    bool is_stopping_ = false;
    io::WaitQueue stop_requested_;
    TailCache tail_cache_;
    StorageMetrics metrics_;
    SyncScheduler sync_;
    Scope scope_;
};

}  // namespace logboom::storage
