#include "collector/storage/log.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr Error failed_directory{ErrorCode::storage_failed, 0, "log directory was given up"};
// A sync that takes longer is worth a line: the disk is ill before it is dead.
constexpr Nanos slow_sync_time = 5s;

}  // namespace

Log::Log(
    Env& env,
    LogDirectory& directory,
    const PartitionKey& key,
    const LogOptions& options,
    LogObserver& observer
)
    : env_(env)
    , directory_(directory)
    , key_(key)
    , options_(options)
    , observer_(observer)
    , path_(directory.path() + "/" + partition_dir_name(key))
    , quiet_(env.scheduler)
    , scope_(env.scheduler) {
    options_.segment_bytes = std::min(options_.segment_bytes, limits::segment_bytes_max);
}

Result<AppendPtr> Log::append(Slice batch, const LeaderEpoch epoch, const Awaited awaited) {
    LB_ASSERT(!segments_.empty() && batch.size() >= limits::batch_header_bytes);
    if (has_failed_ || directory_.has_failed()) {
        return failed_directory;
    }
    if (is_closing_) {
        return Error{ErrorCode::closed, 0, "append to a closed log"};
    }
    if (queued_bytes_ + batch.size() > limits::log_pending_bytes_max
        || LB_FAULT(env_, put_off_batch)) {
        return Error{ErrorCode::busy, 0, "append queue of a log"};
    }
    record::patch_base_offset(batch.mutable_bytes(), next_offset_, epoch);
    const record::BatchHeader header = record::decode_batch_header(batch.view());
    queued_bytes_ += batch.size();
    auto append = std::make_shared<Append>(std::move(batch), header, env_, awaited == Awaited::yes);
    next_offset_ = header.end_offset();
    appends_.push_back(append);
    if (queued_bytes_ >= limits::log_write_bytes_max) {
        quiet_.wake_all();  // the flusher need not gather any more
    }
    begin_flushing();
    return append;
}

void Log::begin_flushing() {
    if (!is_flushing_) {
        is_flushing_ = true;
        scope_.spawn(flush_queued());
    }
}

Task<Result<Ok>> Log::wait(AppendPtr append) {
    co_await append->done.wait_uncancelled();
    if (append->error) {
        co_return *append->error;
    }
    co_return Ok{};
}

Task<Result<Ok>> Log::wait_written(AppendPtr append) {
    co_await append->written.wait_uncancelled();
    if (append->error) {
        co_return *append->error;
    }
    co_return Ok{};
}

Task<Result<Ok>> Log::wait_synced(const Offset last_offset) {
    if (last_offset < synced_end_) {
        co_return Ok{};
    }
    const auto found = std::partition_point(
        appends_.begin(),
        appends_.end(),
        [last_offset](const AppendPtr& append) { return append->last_offset < last_offset; }
    );
    if (found == appends_.end()) {
        co_return has_failed_ ? failed_directory
                              : Error{ErrorCode::out_of_range, 0, "offset that was not given out"};
    }
    AppendPtr append = *found;
    co_return co_await wait(std::move(append));
}

Task<void> Log::flush_queued() {
    while ((written_count_ < appends_.size() || is_roll_wanted_) && !has_failed_) {
        if (is_roll_wanted_) {
            co_await roll_as_wanted();
            continue;
        }
        if (syncs_running_ != 0 && queued_bytes_ < limits::log_write_bytes_max) {
            // What comes while a sync runs can be synced only after it: one write takes all of it. Each
            // write is a hand-over to a worker of the kernel (F1), which costs more than it copies.
            co_await quiet_.wait_uncancelled();
            continue;
        }
        const Result<Ok> written = co_await write_some();
        if (!written && !has_failed_) {
            co_await recover_from_failed_write(written.error());
        }
    }
    is_flushing_ = false;
    is_roll_wanted_ = false;
    quiet_.wake_all();
}

Task<Result<Ok>> Log::write_some() {
    const Append& first = *appends_[written_count_];
    if (active().should_roll(first.batch.size(), first.last_offset, options_.segment_bytes)
        || (active().size_bytes() != 0 && LB_FAULT(env_, roll_segment_early))) {
        LB_CO_CHECK(co_await roll());
    }
    std::uint64_t bytes = 0;
    const std::vector<AppendPtr> group = next_group(bytes);
    if (group.empty()) {
        co_return Ok{};  // the directory was given up while we rolled
    }
    LB_CO_CHECK(co_await write_group(group, bytes));
    if (!has_failed_) {
        on_group_written(group, bytes);
    }
    co_return Ok{};
}

std::vector<AppendPtr> Log::next_group(std::uint64_t& bytes) const {
    std::vector<AppendPtr> group;
    for (std::size_t i = written_count_; i < appends_.size(); ++i) {
        const Append& append = *appends_[i];
        const std::uint64_t size = append.batch.size();
        const std::uint64_t end_position = active().size_bytes() + bytes + size;
        const bool is_full = !group.empty()
                          && (bytes + size > limits::log_write_bytes_max
                              || end_position > options_.segment_bytes
                              || append.last_offset - active().base_offset() > INT32_MAX);
        if (is_full) {
            break;
        }
        group.push_back(appends_[i]);
        bytes += size;
    }
    return group;
}

Task<Result<Ok>> Log::write_group(const std::vector<AppendPtr>& group, const std::uint64_t bytes) {
    const SegmentPtr segment = segments_.back();
    const std::uint64_t position = segment->size_bytes();
    LB_CO_CHECK(co_await make_room(position + bytes));
    std::vector<ByteView> pieces;
    pieces.reserve(group.size());
    for (const AppendPtr& append : group) {
        pieces.push_back(append->batch.view());
    }
    const std::shared_ptr<io::File> file = segment->file;
    const Result<Ok> written = co_await file->pwritev(std::move(pieces), position);
    if (!written && written.code() != ErrorCode::no_space && !has_failed_) {
        give_up(written.error(), *segment);
    }
    co_return written;
}

void Log::on_group_written(const std::vector<AppendPtr>& group, const std::uint64_t bytes) {
    Segment& segment = active();
    segment.note_append(to_unix_ms(env_.clock.wall()));
    bool is_awaited = false;
    for (const AppendPtr& append : group) {
        LB_ASSERT(appends_[written_count_] == append);
        const Result<record::BatchView> batch = record::BatchView::parse(append->batch.view());
        LB_ASSERT(batch.has_value());
        segment.add(*batch);
        last_epoch_ = batch->header().leader_epoch;
        ++written_count_;
        is_awaited = is_awaited || append->is_awaited;
        LogTail::Batch cached;
        cached.base_offset = append->base_offset;
        cached.end_offset = append->last_offset + 1;
        cached.bytes = std::move(append->batch);
        directory_.tail_cache().add(tail_, std::move(cached));
        append->written.set();
    }
    if (LB_FAULT(env_, write_state_early)) {
        snapshot_soon();
    }
    queued_bytes_ -= bytes;
    allocated_bytes_ = std::max(allocated_bytes_, segment.size_bytes());
    written_end_ = segment.end_offset();
    observer_.on_written(written_end_);
    directory_.sync().request(
        *this,
        is_awaited ? SyncScheduler::Urgency::somebody_waits : SyncScheduler::Urgency::nobody_waits,
        bytes
    );
}

Task<Result<Ok>> Log::make_room(const std::uint64_t end_position) {
    if (end_position <= allocated_bytes_ || !can_allocate_) {
        co_return Ok{};
    }
    const std::uint64_t missing = end_position - allocated_bytes_;
    std::uint64_t size = std::max(missing, step_bytes_);
    if (end_position <= options_.segment_bytes) {
        size = std::min(size, options_.segment_bytes - allocated_bytes_);
    }
    const std::shared_ptr<io::File> file = active().file;
    Result<Ok> allocated = co_await file->allocate(allocated_bytes_, size);
    if (!allocated && allocated.code() == ErrorCode::no_space && size > missing) {
        size = missing;  // no room for the whole step does not mean none for these batches
        allocated = co_await file->allocate(allocated_bytes_, size);
    }
    if (allocated) {
        allocated_bytes_ += size;
        step_bytes_ = std::min(step_bytes_ * 2, limits::segment_step_bytes_max);
        co_return Ok{};
    }
    if (allocated.code() == ErrorCode::no_space) {
        co_return allocated;
    }
    // A file system without fallocate: its files grow with each write.
    can_allocate_ = false;
    co_return Ok{};
}

Task<void> Log::recover_from_failed_write(const Error error) {
    drop_queued(error);
    if (error.code != ErrorCode::no_space) {
        env_.log.warn(
            "append failed; the producers are told to retry",
            {kv("partition", partition_dir_name(key_)), kv("error", to_string(error))}
        );
        co_return;
    }
    LB_REACHED(env_, disk_full);
    env_.log.warn(
        "log directory is full; the producers are told to retry",
        {kv("partition", partition_dir_name(key_)), kv("error", to_string(error))}
    );
    const SegmentPtr segment = segments_.back();
    const std::shared_ptr<io::File> file = segment->file;
    const Result<Ok> cut = co_await file->truncate(segment->size_bytes());
    if (!cut && !has_failed_) {
        give_up(cut.error(), *segment);
        co_return;
    }
    allocated_bytes_ = segment->size_bytes();
    step_bytes_ = limits::segment_step_bytes_min;
}

void Log::drop_queued(const Error& error) {
    std::vector<AppendPtr> dropped(
        appends_.begin() + static_cast<std::ptrdiff_t>(written_count_), appends_.end()
    );
    appends_.resize(written_count_);
    queued_bytes_ = 0;
    next_offset_ = written_end_;
    observer_.on_dropped(written_end_);
    for (const AppendPtr& append : dropped) {
        append->error = error;
        append->written.set();
        append->done.set();
    }
}

Task<void> Log::sync_written() {
    if (has_failed_ || synced_end_ == written_end_) {
        co_return;
    }
    const SegmentPtr segment = segments_.back();
    const std::shared_ptr<io::File> file = segment->file;
    const Offset end = written_end_;
    const SteadyTime begin = env_.clock.now();
    ++syncs_running_;
    const Result<Ok> synced = co_await sync_file(file);
    --syncs_running_;
    quiet_.wake_all();
    const Nanos took = env_.clock.now() - begin;
    if (took > slow_sync_time) {
        env_.log.warn(
            "a sync of the log took very long; is the disk failing?",
            {kv("partition", partition_dir_name(key_)), kv("took_ms", took / Millis(1))}
        );
    }
    if (has_failed_) {
        co_return;
    }
    if (!synced) {
        give_up(synced.error(), *segment);
        co_return;
    }
    on_file_synced(end);
}

/// One at a time: of several syncs of one file the kernel tells an error to the first alone, and the others
/// would take for durable what it has dropped.
Task<Result<Ok>> Log::sync_file(std::shared_ptr<io::File> file) {
    while (is_syncing_) {
        co_await quiet_.wait_uncancelled();
    }
    if (has_failed_) {
        co_return failed_directory;
    }
    is_syncing_ = true;
    const Result<Ok> synced = co_await file->fdatasync();
    is_syncing_ = false;
    quiet_.wake_all();
    co_return synced;
}

void Log::on_file_synced(const Offset end) {
    if (end <= synced_end_) {
        return;
    }
    synced_end_ = end;
    directory_.note_synced(key_, end);
    observer_.on_synced(end);
    while (!appends_.empty() && appends_.front()->last_offset < end) {
        LB_ASSERT(written_count_ != 0);
        appends_.front()->done.set();
        appends_.pop_front();
        --written_count_;
    }
}

void Log::give_up(const Error& error, const Segment& segment) {
    directory_.give_up(error, path_of(segment.base_offset(), log_suffix));
}

void Log::on_directory_failed() {
    if (has_failed_) {
        return;
    }
    LB_REACHED(env_, storage_given_up);
    has_failed_ = true;
    std::deque<AppendPtr> waiting;
    waiting.swap(appends_);
    written_count_ = 0;
    queued_bytes_ = 0;
    next_offset_ = written_end_;
    observer_.on_dropped(synced_end_);
    for (const AppendPtr& append : waiting) {
        append->error = failed_directory;
        append->written.set();
        append->done.set();
    }
}

}  // namespace logboom::storage
