// The log of one partition: segments, of which the last one is written to.
//
// A batch's life: append() gives it its offset and queues it -> the flusher writes what is queued, one
// write at a time -> a group sync makes it durable -> its Append is done. What is written but not synced
// can be read (`end_offset`), and nobody but followers may (`synced_end` bounds everyone else).
//
//   log_start ........ synced_end ........ end_offset ........ (queued)
//
// A failed write drops its batches and all queued behind them: nobody was shown their offsets, and the
// next ones get them (R-A1). After a failed sync the directory is given up (R-F1). Shard: that of `env`.
#pragma once

#include "collector/storage/log_directory.h"
#include "collector/storage/segment.h"
#include "shared/record/batch.h"

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace logboom::storage {

class BatchReader;

struct LogOptions {
    std::uint64_t segment_bytes = limits::segment_bytes_default;
};

/// What opening a log found.
struct RecoveryReport {
    bool was_clean = false;  // as a clean stop left it
    std::size_t segments_count = 0;
    std::size_t indexes_rebuilt = 0;  // missing or damaged index files of closed segments
    std::uint64_t dropped_bytes = 0;  // of a torn tail; zeros behind the last batch are none
    Offset log_end;
};

/// One batch on its way to the disk.
struct Append {
    Append(Slice bytes, const record::BatchHeader& header, Env& env, const bool somebody_waits)
        : batch(std::move(bytes))
        , base_offset(header.base_offset)
        , last_offset(header.last_offset())
        , is_awaited(somebody_waits)
        , written(env.scheduler)
        , done(env.scheduler) {}

    Slice batch;  // empty once it is written
    Offset base_offset;
    Offset last_offset;
    bool is_awaited;
    std::optional<Error> error;  // set before `written` and `done`
    io::Event written;           // in the file, or given up
    io::Event done;              // synced, or given up with `error`
};
using AppendPtr = std::shared_ptr<Append>;

/// Told by the log, on its shard; none of these suspends.
class LogObserver {
public:
    LogObserver() = default;
    LogObserver(const LogObserver&) = delete;
    LogObserver& operator=(const LogObserver&) = delete;
    virtual ~LogObserver() = default;

    /// Each batch of the log in order, while it is opened.
    virtual void on_recovered_batch(const record::BatchView& batch) = 0;
    virtual void on_written(Offset end) = 0;
    /// Before the appends below `end` are done.
    virtual void on_synced(Offset end) = 0;
    /// Appends from `from` on were dropped, before they are done; their offsets will be given anew.
    virtual void on_dropped(Offset from) = 0;
};

struct FoundRecord {
    std::int64_t timestamp_ms = 0;
    Offset offset;
};

class Log final : private DirectoryMember {
public:
    /// All but `key` and `options` outlive the log.
    Log(Env& env,
        LogDirectory& directory,
        const PartitionKey& key,
        const LogOptions& options,
        LogObserver& observer);

    /// Opens the log, or creates it; checks and reads all of it, cuts a torn tail, and syncs. Errors:
    /// `corrupt` if synced data is damaged or missing (logged with the place): the log stays closed;
    /// `io`, `no_space`, `storage_failed`.
    Task<Result<Ok>> open();
    /// Writes and syncs what is queued, cuts the last file to its real length, and closes. Nobody appends
    /// or reads any more.
    Task<Result<CleanLog>> close();

    enum class Awaited : bool { no, yes };
    /// Gives the batch its offset and `epoch` in place and queues it. `batch` is one sound batch.
    /// Errors: `busy` (too much is queued), `storage_failed`, `closed`.
    Result<AppendPtr> append(Slice batch, LeaderEpoch epoch, Awaited awaited);
    /// Waits until the append is durable or given up. Not cut short by cancellation.
    [[nodiscard]] static Task<Result<Ok>> wait(AppendPtr append);
    /// Waits until its bytes are in the file, not yet durable, or given up. Not cut short either.
    [[nodiscard]] static Task<Result<Ok>> wait_written(AppendPtr append);
    /// As `wait`, for whoever knows an offset that was given out.
    Task<Result<Ok>> wait_synced(Offset last_offset);
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_bytes_; }

    /// Whole batches from the one that holds `from` on, one per slice, ending at or before `end`: at
    /// least one, then no more than `bytes_max`. Empty if `from` is at or above `end`. Errors:
    /// `out_of_range`, `corrupt` (nothing is returned of a damaged range), `io`, `storage_failed`.
    Task<Result<std::vector<Slice>>> read(Offset from, std::uint32_t bytes_max, Offset end);
    /// The first record below `end` with that timestamp or a later one.
    Task<Result<std::optional<FoundRecord>>> find_by_time(std::int64_t timestamp_ms, Offset end);
    /// The largest timestamp of the log and its first batch; there may be none.
    [[nodiscard]] LargestTimestamp largest_timestamp() const noexcept;

    [[nodiscard]] Offset start_offset() const noexcept { return segments_.front()->base_offset(); }
    /// End of what is written.
    [[nodiscard]] Offset end_offset() const noexcept { return written_end_; }
    [[nodiscard]] Offset synced_end() const noexcept { return synced_end_; }
    /// The directory was given up: nothing is appended or read any more.
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
    [[nodiscard]] const RecoveryReport& recovery() const noexcept { return recovery_; }
    [[nodiscard]] std::size_t segments_count() const noexcept { return segments_.size(); }

private:
    struct ReadHint {
        Offset next{-1};
        const Segment* segment = nullptr;
        std::uint64_t position = 0;
    };
    struct Place {
        Segment* segment = nullptr;
        std::uint64_t position = 0;
    };

    // log.cpp: writing
    Task<void> flush_queued();
    Task<Result<Ok>> write_some();
    Task<Result<Ok>> write_group(const std::vector<AppendPtr>& group, std::uint64_t bytes);
    [[nodiscard]] std::vector<AppendPtr> next_group(std::uint64_t& bytes) const;
    void on_group_written(const std::vector<AppendPtr>& group, std::uint64_t bytes);
    Task<Result<Ok>> make_room(std::uint64_t end_position);
    Task<void> recover_from_failed_write(Error error);
    void drop_queued(const Error& error);
    Task<void> sync_written() override;
    void on_file_synced(Offset end);
    void on_directory_failed() override;
    void give_up(const Error& error, const Segment& segment);

    // log_segments.cpp: files of segments
    Task<Result<Ok>> roll();
    Task<Result<std::unique_ptr<Segment>>> create_segment(Offset base_offset);
    Task<Result<Ok>> seal_active();
    Task<void> write_indexes(Segment& segment);
    Task<Result<std::shared_ptr<io::File>>> open_for_reading(Segment& segment);
    [[nodiscard]] std::string path_of(Offset base_offset, std::string_view suffix) const;

    // log_recovery.cpp
    Task<Result<std::vector<Offset>>> list_segments();
    Task<Result<Ok>> create_directory();
    Task<Result<Ok>> sync_names_in(std::string path);
    Task<Result<Ok>> recover_segment(Offset base_offset, bool is_last);
    Task<Result<Ok>> scan(Segment& segment, std::uint64_t file_bytes, bool& ends_well);
    [[nodiscard]] bool continues(const Segment& segment, const record::BatchHeader& header) const;
    Task<Result<Ok>> check_indexes(Segment& segment, bool is_last);
    Task<Result<Ok>> finish_last_segment(
        Segment& segment, std::uint64_t file_bytes, bool ends_well
    );
    Error report_damage(const Segment& segment, const char* what) const;
    Error report_other_heads(const Segment& segment, std::size_t entry) const;
    Error report_damage_at(
        const Segment& segment, const char* what, std::uint64_t position, Offset offset
    ) const;

    // log_read.cpp
    [[nodiscard]] std::vector<Slice> read_from_tail(
        Offset from, std::uint32_t bytes_max, Offset end
    ) const;
    Task<Result<std::vector<Slice>>> read_from_disk(
        Offset from, std::uint32_t bytes_max, Offset end
    );
    Task<Result<Place>> find_place(Offset from);
    [[nodiscard]] Segment& segment_of(Offset offset) const;
    Task<Result<std::uint64_t>> position_in(Segment& segment, Offset offset);
    Task<Result<Offset>> start_of_time(Segment& segment, std::int64_t timestamp_ms);
    Task<Result<std::optional<FoundRecord>>> find_in_segment(
        Segment& segment, std::int64_t timestamp_ms, Offset end
    );

    [[nodiscard]] Segment& active() const noexcept { return *segments_.back(); }

    Env& env_;
    LogDirectory& directory_;
    PartitionKey key_;
    LogOptions options_;
    LogObserver& observer_;
    std::string path_;

    std::vector<std::unique_ptr<Segment>> segments_;  // by base offset; never empty once open
    std::deque<Segment*> open_closed_;   // closed segments with an open file, oldest first
    std::uint64_t allocated_bytes_ = 0;  // length of the active segment's file
    std::uint64_t step_bytes_ = limits::segment_step_bytes_min;
    bool can_allocate_ = true;

    // In the order of their offsets: first those that are written, then the queued ones.
    std::deque<AppendPtr> appends_;
    std::size_t written_count_ = 0;
    std::uint64_t queued_bytes_ = 0;
    Offset next_offset_;  // of the next append
    Offset written_end_;
    Offset synced_end_;
    LeaderEpoch last_epoch_{-1};
    bool is_flushing_ = false;
    bool is_closing_ = false;
    bool has_failed_ = false;
    std::size_t syncs_running_ = 0;
    io::WaitQueue quiet_;  // flusher or a sync has ended

    LogTail tail_;
    std::array<ReadHint, 8> hints_;
    std::size_t next_hint_ = 0;
    RecoveryReport recovery_;
    Scope scope_;
};

}  // namespace logboom::storage
