// The files of a log's segments: made, closed, opened for readers.
#include "collector/storage/log.h"

#include <algorithm>

namespace logboom::storage {

std::string Log::path_of(const Offset base_offset, const std::string_view suffix) const {
    return path_ + "/" + segment_file_name(base_offset, suffix);
}

Task<Result<Ok>> Log::roll() {
    Segment& old = active();
    LB_CO_CHECK(co_await seal_active());
    LB_CO_TRY(std::unique_ptr<Segment> made, co_await create_segment(old.end_offset()));
    old.finish_indexes();
    co_await write_indexes(old);
    old.forget_indexes();
    open_closed_.push_back(&old);
    segments_.push_back(std::move(made));
    if (open_closed_.size() > limits::closed_segment_files_max) {
        open_closed_.front()->file.reset();
        open_closed_.pop_front();
    }
    co_return Ok{};
}

Task<Result<Ok>> Log::seal_active() {
    Segment& segment = active();
    const std::shared_ptr<io::File> file = segment.file;
    if (allocated_bytes_ > segment.size_bytes()) {
        const Result<Ok> cut = co_await file->truncate(segment.size_bytes());
        if (!cut) {
            give_up(cut.error(), segment);
            co_return cut;
        }
        allocated_bytes_ = segment.size_bytes();
    }
    // The next file must not exist before all of this one is on disk: recovery relies on it.
    const Result<Ok> synced = co_await file->fdatasync();
    if (!synced) {
        give_up(synced.error(), segment);
        co_return synced;
    }
    if (!has_failed_) {
        on_file_synced(segment.end_offset());
    }
    co_return Ok{};
}

Task<Result<std::unique_ptr<Segment>>> Log::create_segment(const Offset base_offset) {
    const std::string path = path_of(base_offset, log_suffix);
    const std::string temporary = path + std::string(temporary_suffix);
    LB_CO_TRY(
        io::File file, co_await env_.fs.open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW)
    );
    auto segment = std::make_unique<Segment>(base_offset);
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
    const Result<Ok> dir_synced = co_await env_.fs.sync_dir(path_);
    if (!dir_synced) {
        give_up(dir_synced.error(), *segment);
        co_return dir_synced.error();
    }
    can_allocate_ = allocated.has_value();
    allocated_bytes_ = allocated ? size : 0;
    step_bytes_ = limits::segment_step_bytes_min;
    co_return segment;
}

Task<void> Log::write_indexes(Segment& segment) {
    const std::array<std::string_view, 2> suffixes{offset_index_suffix, time_index_suffix};
    for (const std::string_view suffix : suffixes) {
        Buffer bytes;
        if (suffix == offset_index_suffix) {
            segment.offset_index().encode(bytes);
        } else {
            segment.time_index().encode(bytes);
        }
        const std::string path = path_of(segment.base_offset(), suffix);
        Result<io::File> file =
            co_await env_.fs.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
        Result<Ok> written = Ok{};
        if (!file) {
            written = file.error();
        } else {
            written = co_await file->pwrite(bytes.view(), 0);
            [[maybe_unused]] const Result<Ok> closed = co_await file->close();
        }
        if (!written) {
            // A cache: whoever misses it makes it anew from the log.
            env_.log.warn(
                "an index could not be written; it is made anew when it is needed",
                {kv("file", quoted(path)), kv("error", to_string(written.error()))}
            );
        }
    }
}

Task<Result<std::shared_ptr<io::File>>> Log::open_for_reading(Segment& segment) {
    if (segment.file == nullptr) {
        const std::string path = path_of(segment.base_offset(), log_suffix);
        LB_CO_TRY(io::File file, co_await env_.fs.open(path, O_RDONLY | O_NOFOLLOW));
        if (segment.file == nullptr) {  // else somebody else was faster
            segment.file = std::make_shared<io::File>(std::move(file));
            open_closed_.push_back(&segment);
            if (open_closed_.size() > limits::closed_segment_files_max) {
                open_closed_.front()->file.reset();
                open_closed_.pop_front();
            }
        }
    }
    co_return segment.file;
}

Task<Result<CleanLog>> Log::close() {
    is_closing_ = true;
    while (is_flushing_ || syncs_running_ != 0) {
        co_await quiet_.wait_uncancelled();
    }
    io::ListNode::unlink();  // no group sync any more: the last one is ours
    co_await scope_.join();
    Result<Ok> sealed = Error{ErrorCode::storage_failed, 0, "log directory was given up"};
    if (!has_failed_ && !segments_.empty()) {
        sealed = co_await seal_active();
        co_await write_indexes(active());
    }
    directory_.leave(*this);
    directory_.tail_cache().forget(tail_);
    for (const std::unique_ptr<Segment>& segment : segments_) {
        if (segment->file != nullptr) {
            [[maybe_unused]] const Result<Ok> closed = co_await segment->file->close();
            segment->file.reset();
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
