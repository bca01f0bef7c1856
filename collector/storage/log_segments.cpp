// The files of a log's segments: made, closed, opened for readers.
#include "collector/storage/log.h"

#include <algorithm>

namespace logboom::storage {

namespace {

/// Segments that were begun together are not to be closed together: each is closed up to this part of its
/// age earlier, by chance.
constexpr std::int64_t roll_jitter_divisor = 10;

}  // namespace

std::string Log::path_of(const Offset base_offset, const std::string_view suffix) const {
    return path_ + "/" + segment_file_name(base_offset, suffix);
}

Task<Result<Ok>> Log::roll() {
    const SegmentPtr old = segments_.back();
    LB_CO_CHECK(co_await seal_active());
    LB_CO_TRY(SegmentPtr made, co_await create_segment(old->end_offset()));
    old->finish_indexes();
    co_await write_indexes(*old);
    old->forget_indexes();
    keep_open(old);
    segments_.push_back(std::move(made));
    LB_REACHED(env_, segment_rolled);
    described_end_ = Offset(-1);
    choose_roll_age();
    snapshot_soon();
    co_return Ok{};
}

void Log::choose_roll_age() {
    roll_age_ms_ = options_.segment_ms;
    if (roll_age_ms_ > 0) {
        const auto jitter_ms = static_cast<std::uint64_t>(roll_age_ms_ / roll_jitter_divisor);
        roll_age_ms_ -= static_cast<std::int64_t>(env_.rng.below(jitter_ms + 1));
    }
}

Task<void> Log::roll_soon() {
    is_roll_wanted_ = true;
    begin_flushing();
    while (is_roll_wanted_) {
        co_await quiet_.wait_uncancelled();
    }
}

Task<void> Log::roll_as_wanted() {
    if (active().size_bytes() != 0) {
        const Result<Ok> rolled = co_await roll();
        if (!rolled && !has_failed_) {
            env_.log.warn(
                "a new segment could not be begun; the one before goes on",
                {kv("partition", partition_dir_name(key_)), kv("error", to_string(rolled.error()))}
            );
        }
    }
    is_roll_wanted_ = false;
    quiet_.wake_all();
}

Task<Result<Ok>> Log::seal_active() {
    const SegmentPtr segment = segments_.back();
    const std::shared_ptr<io::File> file = segment->file;
    if (allocated_bytes_ > segment->size_bytes()) {
        const Result<Ok> cut = co_await file->truncate(segment->size_bytes());
        if (!cut) {
            give_up(cut.error(), *segment);
            co_return cut;
        }
        allocated_bytes_ = segment->size_bytes();
    }
    // The next file must not exist before all of this one is on disk: recovery relies on it.
    const Result<Ok> synced = co_await sync_file(file);
    if (has_failed_) {
        co_return Error{ErrorCode::storage_failed, 0, "log directory was given up"};
    }
    if (!synced) {
        give_up(synced.error(), *segment);
        co_return synced;
    }
    on_file_synced(segment->end_offset());
    co_return Ok{};
}

Task<Result<SegmentPtr>> Log::create_segment(const Offset base_offset) {
    const std::string path = path_of(base_offset, log_suffix);
    const std::string temporary = path + std::string(temporary_suffix);
    // Opened first: without a descriptor left for it the rename could not be made durable any more.
    LB_CO_TRY(io::File directory, co_await env_.fs.open(path_, O_RDONLY | O_DIRECTORY));
    LB_CO_TRY(
        io::File file, co_await env_.fs.open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW)
    );
    auto segment = std::make_shared<Segment>(base_offset);
    segment->file = std::make_shared<io::File>(std::move(file));
    const std::shared_ptr<io::File> opened = segment->file;
    const std::uint64_t size = std::min(limits::segment_step_bytes_min, options_.segment_bytes);
    const Result<Ok> allocated = co_await opened->allocate(0, size);
    if (!allocated && allocated.code() == ErrorCode::no_space) {
        [[maybe_unused]] const Result<Ok> removed = co_await env_.fs.unlink(temporary);
        co_return allocated.error();
    }
    const Result<Ok> synced = co_await opened->fsync();
    if (!synced) {
        give_up(synced.error(), *segment);
        co_return synced.error();
    }
    LB_CO_CHECK(co_await env_.fs.rename(temporary, path));
    const Result<Ok> dir_synced = co_await directory.fsync();
    if (!dir_synced) {
        give_up(dir_synced.error(), *segment);
        co_return dir_synced.error();
    }
    [[maybe_unused]] const Result<Ok> closed = co_await directory.close();
    can_allocate_ = allocated.has_value();
    allocated_bytes_ = allocated ? size : 0;
    step_bytes_ = limits::segment_step_bytes_min;
    co_return segment;
}

void Log::keep_open(SegmentPtr segment) {
    open_closed_.push_back(std::move(segment));
    if (open_closed_.size() > limits::closed_segment_files_max) {
        open_closed_.front()->file.reset();
        open_closed_.pop_front();
    }
}

Task<Result<std::shared_ptr<io::File>>> Log::open_for_reading(SegmentPtr segment) {
    if (segment->is_deleted) {
        co_return Error{ErrorCode::out_of_range, 0, "segment that was deleted"};
    }
    if (segment->file != nullptr) {
        co_return segment->file;
    }
    const std::string path = path_of(segment->base_offset(), log_suffix);
    Result<io::File> file = co_await env_.fs.open(path, O_RDONLY | O_NOFOLLOW);
    if (segment->is_deleted) {
        co_return Error{ErrorCode::out_of_range, 0, "segment that was deleted"};
    }
    if (!file) {
        const bool is_missing = file.code() == ErrorCode::not_found;
        co_return is_missing ? Error{ErrorCode::corrupt, ENOENT, "open segment"} : file.error();
    }
    if (segment->file == nullptr) {  // else somebody else was faster
        segment->file = std::make_shared<io::File>(std::move(*file));
        keep_open(segment);
    }
    co_return segment->file;
}

Task<Result<CleanLog>> Log::close() {
    is_closing_ = true;
    while (is_flushing_ || is_writing_state_ || syncs_running_ != 0 || retention_running_ != 0) {
        co_await quiet_.wait_uncancelled();
    }
    io::ListNode::unlink();  // no group sync any more: the last one is ours
    co_await scope_.join();
    Result<Ok> sealed = Error{ErrorCode::storage_failed, 0, "log directory was given up"};
    const bool is_as_found = described_end_ == written_end_;  // nothing was written since
    if (!has_failed_ && is_as_found) {
        sealed = Ok{};
    } else if (!has_failed_ && !segments_.empty()) {
        sealed = co_await seal_active();
    }
    if (sealed && !is_as_found) {
        co_await write_indexes(active());
        StateToWrite state = capture_state(LastSegment::included);
        [[maybe_unused]] const Result<Ok> written = co_await write_state(std::move(state));
    }
    directory_.leave(*this);
    directory_.tail_cache().forget(tail_);
    for (const SegmentPtr& segment : segments_) {
        const std::shared_ptr<io::File> file = std::move(segment->file);
        if (file != nullptr) {
            [[maybe_unused]] const Result<Ok> closed = co_await file->close();
        }
    }
    if (!sealed) {
        co_return sealed.error();
    }
    CleanLog clean;
    clean.key = key_;
    clean.log_end = written_end_;
    clean.segment_base = active().base_offset();
    clean.segment_bytes = active().size_bytes();
    co_return clean;
}

}  // namespace logboom::storage
