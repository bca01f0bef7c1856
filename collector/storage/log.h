// The log of one partition: segments, of which the last one is written to.
//
// A batch's life: append() gives it its offset and queues it -> the flusher writes what is queued, one
// write at a time -> a group sync makes it durable -> its Append is done. What is written but not synced
// can be read (`end_offset`), and nobody but followers may (`synced_end` bounds everyone else).
//
//   log_start ........ synced_end ........ end_offset ........ (queued)
//
// Retention takes whole segments off the front. What else a partition knows of the batches below an offset
// is kept in state snapshots: made when a segment is closed, at a clean stop, and before anything that no
// snapshot holds is deleted. So a start reads only what lies behind the newest one.
//
// A failed write drops its batches and all queued behind them: nobody was shown their offsets, and the
// next ones get them (R-A1). After a failed sync the directory is given up (R-F1). Shard: that of `env`.
#pragma once

#include "collector/storage/log_directory.h"
#include "collector/storage/segment.h"
#include "collector/storage/state_snapshot.h"
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
    std::int64_t segment_ms = -1;    // a segment with records is closed at this age; -1: at none
    std::int64_t retention_ms = -1;  // as RetentionLimits
    std::int64_t retention_bytes = -1;
};

/// What opening a log found.
struct RecoveryReport {
    bool was_clean = false;  // as a clean stop left it
    std::size_t segments_count = 0;
    std::size_t segments_read = 0;    // from their beginning; the others were known from a snapshot
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

    /// What is known of all batches below `end`, as sections of a state snapshot. `end` is the end of what
    /// is written; batches that are queued behind it must not show.
    virtual void encode_state(Offset end, StateSections& sections) const = 0;
    /// Begins anew with what a snapshot says; without sections with nothing. While the log is opened, maybe
    /// several times. An error: the sections are of no use, and an older snapshot is taken.
    virtual Result<Ok> restore_state(const StateSections& sections) = 0;
    /// Then each batch behind the snapshot in order.
    virtual void on_recovered_batch(const record::BatchView& batch) = 0;
    virtual void on_written(Offset end) = 0;
    /// Before the appends below `end` are done.
    virtual void on_synced(Offset end) = 0;
    /// Appends from `from` on were dropped, before they are done; their offsets will be given anew.
    virtual void on_dropped(Offset from) = 0;
    /// Retention: the log begins there from now on. It is on disk.
    virtual void on_start_moved(Offset log_start) = 0;
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

    /// Opens the log, or creates it; reads and checks what lies behind the newest state snapshot, cuts a
    /// torn tail, and syncs. Errors: `corrupt` if synced data is damaged or missing (logged with the
    /// place and what can be done): the log stays closed; `unsupported` for another version's files;
    /// `io`, `no_space`, `storage_failed`.
    Task<Result<Ok>> open();
    /// Writes and syncs what is queued, cuts the last file to its real length, leaves a state snapshot,
    /// and closes. Nobody appends or reads any more.
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
    /// The first record of the log below `end` with that timestamp or a later one.
    Task<Result<std::optional<FoundRecord>>> find_by_time(std::int64_t timestamp_ms, Offset end);
    /// The largest timestamp of the log and its first batch; there may be none.
    [[nodiscard]] LargestTimestamp largest_timestamp() const noexcept;

    /// Lower offsets are deleted, on disk too.
    [[nodiscard]] Offset start_offset() const noexcept { return log_start_; }
    /// End of what is written.
    [[nodiscard]] Offset end_offset() const noexcept { return written_end_; }
    [[nodiscard]] Offset synced_end() const noexcept { return synced_end_; }
    /// The directory was given up: nothing is appended or read any more.
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
    [[nodiscard]] const RecoveryReport& recovery() const noexcept { return recovery_; }
    [[nodiscard]] std::size_t segments_count() const noexcept { return segments_.size(); }

    // Retention asks for these (see DirectoryMember).
    Task<Result<std::optional<LogStart>>> prepare_retention(RetentionNow now) override;
    Task<void> delete_below(Offset log_start) override;

private:
    struct ReadHint {
        Offset next{-1};
        SegmentPtr segment;
        std::uint64_t position = 0;
    };
    struct Place {
        SegmentPtr segment;
        std::uint64_t position = 0;
    };
    /// Names in the partition's directory.
    struct FilesFound {
        std::vector<Offset> segments;   // by base offset
        std::vector<Offset> snapshots;  // by offset
        std::vector<Offset> indexes;    // by no order, of either kind
        bool accepts_lost_state = false;
    };
    /// What a start goes on from: the state below `offset`, and the segments below it that need not be
    /// read.
    struct StateFound {
        Offset offset;
        std::vector<SegmentFacts> segments;

        [[nodiscard]] const SegmentFacts* facts_of(Offset base_offset) const noexcept;
    };
    /// One attempt to recover behind a snapshot, and what it finds of the last segment.
    struct Recovery {
        StateFound from;
        bool fits = true;         // the log agrees with the snapshot
        bool is_resumed = false;  // the last segment is as a clean stop left it
        bool ends_well = true;    // behind its last batch are zeros or nothing
        std::uint64_t file_bytes = 0;
    };
    struct StateToWrite {
        Offset offset;
        bool describes_last_segment = false;
        Buffer file;
    };
    struct Indexes {
        OffsetIndex offset_index;
        TimeIndex time_index;
    };

    // log.cpp: writing
    void begin_flushing();
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
    Task<Result<Ok>> sync_file(std::shared_ptr<io::File> file);
    void give_up(const Error& error, const Segment& segment);

    // log_segments.cpp: files of segments
    Task<Result<Ok>> roll();
    /// The flusher begins a new segment, unless the last one is empty; returns when it has tried.
    Task<void> roll_soon();
    Task<void> roll_as_wanted();
    Task<Result<SegmentPtr>> create_segment(Offset base_offset);
    Task<Result<Ok>> seal_active();
    Task<Result<std::shared_ptr<io::File>>> open_for_reading(SegmentPtr segment);
    void keep_open(SegmentPtr segment);
    void choose_roll_age();
    [[nodiscard]] std::string path_of(Offset base_offset, std::string_view suffix) const;

    // log_retention.cpp
    Task<Result<std::optional<LogStart>>> find_log_start(RetentionNow now);
    [[nodiscard]] std::size_t count_expired_now(RetentionNow now);
    Task<Result<Ok>> ensure_state_from(Offset log_start);
    void let_go(const SegmentPtr& segment);
    Task<void> unlink_segment(Offset base_offset);

    // log_state.cpp: state snapshots
    enum class LastSegment : bool { left_out, included };
    [[nodiscard]] StateToWrite capture_state(LastSegment last_segment) const;
    void snapshot_soon();
    Task<void> write_captured_states();
    Task<Result<Ok>> write_state(StateToWrite state);
    Task<void> prune_snapshots();
    [[nodiscard]] std::size_t good_snapshots_from(Offset offset) const;
    Task<Result<StateFound>> load_state(Offset offset);

    // log_recovery.cpp
    Task<Result<FilesFound>> list_files();
    Task<Result<Ok>> create_directory();
    Task<Result<Ok>> sync_names_in(std::string path);
    Task<void> remove_leftovers(FilesFound& files);
    Result<Ok> check_beginning(const FilesFound& files);
    Task<Result<Ok>> recover(const FilesFound& files);
    Task<Result<bool>> try_state(Offset offset, const FilesFound& files, bool& is_unreadable);
    Task<Result<bool>> recover_from(StateFound from, const FilesFound& files);
    Task<Result<Ok>> recover_without_state(const FilesFound& files);
    Task<Result<Ok>> drop_snapshots_ahead();
    Task<Result<Ok>> recover_segment(Offset base_offset, bool is_last, Recovery& recovery);
    Task<Result<bool>> take_as_known(const SegmentFacts& facts);
    Task<Result<SegmentPtr>> resume(const SegmentFacts& facts, std::shared_ptr<io::File> file);
    Task<Result<Ok>> scan(Segment& segment, Recovery& recovery);
    [[nodiscard]] bool continues(const Segment& segment, const record::BatchHeader& header) const;
    Task<Result<Ok>> check_indexes(Segment& segment, bool is_last);
    Result<Ok> check_last_segment(const Recovery& recovery);
    Task<Result<Ok>> write_back(const Segment& segment);
    Task<Result<Ok>> finish_last_segment(const Recovery& recovery);
    Error report_lost_state(const FilesFound& files) const;
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
    [[nodiscard]] SegmentPtr segment_of(Offset offset) const;
    Task<Result<std::uint64_t>> position_in(SegmentPtr segment, Offset offset);
    Task<Result<std::uint64_t>> position_of_time(SegmentPtr segment, std::int64_t timestamp_ms);
    Task<Result<std::optional<FoundRecord>>> find_in_segment(
        SegmentPtr segment, std::int64_t timestamp_ms, Offset end
    );
    Error report_unreadable(
        const Segment& segment, std::uint64_t position, Offset offset, const Error& error
    );

    // log_index_files.cpp
    Task<void> write_indexes(Segment& segment);
    Task<void> write_index(std::string path, ByteView bytes);
    Task<Result<Indexes>> indexes_of(SegmentPtr segment);
    Task<Result<Indexes>> read_indexes(const SegmentFacts& facts, std::size_t bytes_max);
    Task<Result<Indexes>> rebuild_indexes(SegmentPtr segment);

    [[nodiscard]] Segment& active() const noexcept { return *segments_.back(); }

    Env& env_;
    LogDirectory& directory_;
    PartitionKey key_;
    LogOptions options_;
    LogObserver& observer_;
    std::string path_;

    std::vector<SegmentPtr> segments_;    // by base offset; never empty once open
    std::deque<SegmentPtr> open_closed_;  // closed segments with an open file, oldest first
    Offset log_start_;
    std::uint64_t allocated_bytes_ = 0;  // length of the active segment's file
    std::uint64_t step_bytes_ = limits::segment_step_bytes_min;
    bool can_allocate_ = true;
    std::int64_t roll_age_ms_ = -1;  // of the active segment, with its jitter; -1: at none
    bool is_roll_wanted_ = false;

    // Snapshots on disk, by offset: those that are known to be good, and what else is there.
    std::vector<Offset> good_snapshots_;
    std::vector<Offset> other_snapshots_;
    Offset described_end_{-1};  // of a snapshot that describes the last segment, too
    std::optional<StateToWrite> captured_state_;
    bool is_writing_state_ = false;
    bool accepted_lost_state_ = false;  // the operator's mark is there until a snapshot is

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
    std::size_t syncs_running_ = 0;  // begun, or waiting for another one's end
    bool is_syncing_ = false;
    std::size_t retention_running_ = 0;
    bool warned_of_clock_ = false;
    io::WaitQueue quiet_;  // something has ended that close() or the flusher waits for

    LogTail tail_;
    std::array<ReadHint, 8> hints_;
    std::size_t next_hint_ = 0;
    Offset reported_offset_{-1};  // of the last range that could not be read: told once
    RecoveryReport recovery_;
    Scope scope_;
};

}  // namespace logboom::storage
