// One partition of a topic on this node: its log, what its leader knows beside the log (the agents'
// positions, the idempotent producers) and the high watermark. With one replica a record is committed once
// it is synced here.
//
// When its topic is deleted it ends: whoever comes is told that there is no such partition, who waits for
// records is woken, and its log is closed when the last one has left (`end`). It is destroyed when nobody
// holds it any more.
//
// All members are for the partition's home shard, except where "any shard" is said.
#pragma once

#include "collector/metadata/topic_config.h"
#include "collector/replica/cursor_table.h"
#include "collector/replica/producer_table.h"
#include "collector/storage/log.h"
#include "shared/io/chunk_pool.h"
#include "shared/io/env.h"
#include "shared/rpc/agent_messages.h"

#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <vector>

namespace logboom::replica {

using record::Id128;
using storage::PartitionKey;

enum class Acks : std::uint8_t { none, leader, all };

/// Where a batch came to lie.
struct AppendedAt {
    Offset base_offset;
    Offset last_offset;
    Offset log_start_offset;
    std::int64_t log_append_time_ms = -1;  // -1: the batch carries its records' own times
};

/// The answer to one batch of an agent.
struct AgentAppend {
    enum class Outcome : std::uint8_t {
        appended,           ///< committed
        duplicate,          ///< was there already, and is committed
        rejected_position,  ///< re-cut at (generation_known, to_known)
        fenced,             ///< a newer epoch of this agent is known
        invalid             ///< the batch contradicts itself, its envelope or the connection
    };
    Outcome outcome = Outcome::invalid;
    Offset base_offset{-1};  // of an appended batch
    std::uint64_t generation_known = 0;
    std::uint64_t to_known = 0;
};

/// Whole batches, one per slice, one behind the other.
struct PartitionRead {
    std::vector<Slice> batches;
    Offset high_watermark;
    Offset log_start_offset;
    Offset log_end_offset;
};

/// offset -1 and timestamp -1: there is no such record.
struct TimestampOffset {
    std::int64_t timestamp_ms = -1;
    Offset offset{-1};
};

/// What a Hello is answered with.
struct AgentPositions {
    bool are_known =
        true;  // false: the log has failed, or its topic is deleted, and nobody can tell
    std::uint32_t agent_epoch_max = 0;  // highest epoch of the agent in this partition
    std::vector<rpc::StreamPosition> streams;
};

class Partition;

/// Told on the partition's home shard, each time its high watermark has moved, and when the partition ends.
/// Does not suspend.
class HighWatermarkListener {
public:
    HighWatermarkListener() = default;
    HighWatermarkListener(const HighWatermarkListener&) = delete;
    HighWatermarkListener& operator=(const HighWatermarkListener&) = delete;
    virtual ~HighWatermarkListener() = default;
    virtual void on_high_watermark(Partition& partition) = 0;
};

struct PartitionOptions {
    storage::LogOptions log;
    metadata::TopicConfig topic;
    ProducerTableOptions producers;
};

class Partition final : private storage::LogObserver {
public:
    /// All but `key` and `options` outlive the partition. `env` is that of the home shard.
    Partition(
        Env& env,
        storage::LogDirectory& directory,
        const PartitionKey& key,
        LeaderEpoch leader_epoch,
        const PartitionOptions& options,
        HighWatermarkListener& listener
    );

    /// Opens or creates the log and finds the agents' positions: in its newest state snapshot and in the
    /// batches behind it. Errors: `corrupt`: synced data is damaged and the partition must not be served
    /// (logged with the place); `io`, `no_space`, `unsupported`, `storage_failed`.
    Task<Result<Ok>> open();
    /// Waits for what is queued and syncs it. Nobody calls `append` afterwards.
    Task<Result<storage::CleanLog>> close();
    /// Its topic is deleted. From the call on everything is answered with `not_found`; who waits for records
    /// is woken. Returns when the last task has left and the log is closed. In place of `close`.
    Task<void> end();

    /// Appends one batch that the door has checked (`record::check_batch`). Its base offset and leader
    /// epoch are filled in in place: nobody else reads these bytes meanwhile. It is queued before the
    /// first suspension, so calls made one behind the other keep their order.
    ///
    /// `leader`, `all`: returns when the batch is synced and committed. `none`: returns when it is in the
    /// file, so that a producer that asks for no answer does not fill our memory.
    ///
    /// A batch of an idempotent producer is judged by the producer table: a duplicate is not appended and
    /// answered as the original, once that is committed. Errors: `fenced` (a newer epoch of the producer is
    /// known), `out_of_order` (it does not continue the producer's sequence), `no_space`, `busy` (retriable),
    /// `not_found` (the topic is deleted), `storage_failed`.
    Task<Result<AppendedAt>> append_as_leader(Slice batch, Acks acks);

    /// Appends one batch of `agent_id` by the rules of the cursor table; answers when the batch, or for a
    /// duplicate what is known, is committed. Queued before the first suspension, as above.
    /// Errors: `no_space`, `busy`, `not_found`, `storage_failed` as above, and `too_large`; what is wrong
    /// with the batch is an outcome.
    Task<Result<AgentAppend>> append_from_agent(
        Id128 agent_id, Slice batch, rpc::BatchEnvelope envelope, std::uint32_t batch_bytes_max
    );

    /// Reads whole batches from the one that holds `from` up to the high watermark: at least one if
    /// there is any, then no more than `bytes_max` bytes. Errors: `out_of_range` (below the log's start
    /// or above its end), `corrupt`, `io`, `not_found`, `storage_failed`.
    Task<Result<PartitionRead>> read(Offset from, std::uint32_t bytes_max);

    /// The first committed record whose timestamp is `timestamp_ms` or later.
    Task<Result<TimestampOffset>> find_offset_by_time(std::int64_t timestamp_ms);
    /// The first record with the largest timestamp of all.
    Task<Result<TimestampOffset>> find_max_timestamp();

    /// Where the streams asked for of `agent_id` stand, or of all of them those behind `after`, in the order
    /// of their ids, one more than fit one answer at most; unknown ones are left out. Answers when all that
    /// it tells of is committed. `streams` outlives the task.
    Task<AgentPositions> positions(
        Id128 agent_id,
        bool all_streams,
        const std::vector<Id128>& streams,
        std::optional<Id128> after = std::nullopt
    );

    /// Any shard.
    [[nodiscard]] const PartitionKey& key() const noexcept { return key_; }
    [[nodiscard]] LeaderEpoch leader_epoch() const noexcept { return leader_epoch_; }
    [[nodiscard]] const metadata::TopicConfig& config() const noexcept { return config_; }
    /// Its topic is deleted.
    [[nodiscard]] bool has_ended() const noexcept {
        return has_ended_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] Offset high_watermark() const noexcept {
        return Offset(high_watermark_.load(std::memory_order_seq_cst));
    }
    [[nodiscard]] Offset log_start_offset() const noexcept {
        return Offset(log_start_.load(std::memory_order_acquire));
    }
    [[nodiscard]] Offset log_end_offset() const noexcept {
        return Offset(log_end_.load(std::memory_order_acquire));
    }
    /// A bit per shard that has fetches waiting here; set and cleared by the FetchHub.
    [[nodiscard]] std::atomic<std::uint64_t>& fetch_interest() noexcept { return fetch_interest_; }

    /// What recovery found, after `open`.
    [[nodiscard]] const storage::RecoveryReport& recovery() const noexcept {
        return log_.recovery();
    }
    [[nodiscard]] const CursorTable& cursors() const noexcept { return cursors_; }
    [[nodiscard]] const ProducerTable& producers() const noexcept { return producers_; }

private:
    /// A task at work here: the log stays open as long.
    class Use {
    public:
        explicit Use(Partition& partition) noexcept : partition_(partition) { ++partition_.uses_; }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use() {
            if (--partition_.uses_ == 0) {
                partition_.unused_.wake_all();
            }
        }

    private:
        Partition& partition_;
    };

    void encode_state(Offset end, storage::StateSections& sections) const override;
    Result<Ok> restore_state(const storage::StateSections& sections) override;
    void on_recovered_batch(const record::BatchView& batch) override;
    void recover_producer(const record::BatchHeader& header);
    void recover_cursor(const record::BatchView& batch);
    void on_written(Offset end) override;
    void on_synced(Offset end) override;
    void on_dropped(Offset from) override;
    void on_start_moved(Offset log_start) override;

    void note_verdict(CursorTable::Verdict verdict, const record::SourceCursor& cursor) const;
    Task<Result<AgentAppend>> answer_known(AgentAppend answer, Offset last_offset);
    Task<Result<AppendedAt>> answer_duplicate(ProducerBatch original, Acks acks);
    Task<Result<AppendedAt>> answer_unawaited(storage::AppendPtr append, AppendedAt at);
    Task<Result<AppendedAt>> wait_appended(storage::AppendPtr append, AppendedAt at);
    /// Gives the batch its offsets, by the clock of the topic, and queues it.
    Result<storage::AppendPtr> queue(Slice batch, storage::Log::Awaited awaited);
    Task<bool> wait_settled(const std::vector<CursorTable::Stream>& streams);
    [[nodiscard]] std::vector<CursorTable::Stream> known_streams(
        const Id128& agent_id, const std::vector<Id128>& streams
    ) const;

    Env& env_;
    PartitionKey key_;
    LeaderEpoch leader_epoch_;
    metadata::TopicConfig config_;
    HighWatermarkListener& listener_;
    storage::Log log_;
    CursorTable cursors_;
    ProducerTableOptions producer_options_;
    ProducerTable producers_;
    std::size_t uses_ = 0;
    io::WaitQueue unused_;
    std::atomic<bool> has_ended_{false};
    std::atomic<std::int64_t> high_watermark_{0};
    std::atomic<std::int64_t> log_start_{0};
    std::atomic<std::int64_t> log_end_{0};
    std::atomic<std::uint64_t> fetch_interest_{0};
};

/// Whoever works with a partition holds it: that of a deleted topic lives until the last one lets go.
using PartitionPtr = std::shared_ptr<Partition>;

}  // namespace logboom::replica
