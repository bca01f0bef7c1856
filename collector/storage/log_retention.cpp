// Retention of one log: where it should begin, and taking off what lies before.
#include "collector/storage/log.h"

#include <algorithm>

namespace logboom::storage {

Task<Result<std::optional<LogStart>>> Log::prepare_retention(const RetentionNow now) {
    ++retention_running_;  // close() waits for us
    Result<std::optional<LogStart>> start = co_await find_log_start(now);
    --retention_running_;
    quiet_.wake_all();
    co_return start;
}

Task<Result<std::optional<LogStart>>> Log::find_log_start(const RetentionNow now) {
    const std::int64_t begun_ms = active().facts().first_append_ms;
    if (roll_age_ms_ >= 0 && begun_ms >= 0 && now.wall_ms - begun_ms >= roll_age_ms_
        && !is_closing_) {
        co_await roll_soon();
    }
    std::size_t count = count_expired_now(now);
    if (count == segments_.size() && active().size_bytes() != 0 && !is_closing_) {
        // As Kafka does: all of it is old, so a new segment begins behind it.
        co_await roll_soon();
        count = count_expired_now(now);
    }
    count = std::min(count, segments_.size() - 1);  // never the one that is written to
    if (count == 0 || has_failed_ || is_closing_) {
        co_return std::optional<LogStart>();
    }
    const LogStart start{key_, segments_[count]->base_offset()};
    LB_ASSERT(start.offset <= synced_end_);
    LB_CO_CHECK(co_await ensure_state_from(start.offset));
    co_return std::optional<LogStart>(start);
}

std::size_t Log::count_expired_now(const RetentionNow now) {
    std::vector<SegmentFacts> facts;
    facts.reserve(segments_.size());
    for (const SegmentPtr& segment : segments_) {
        facts.push_back(segment->facts());
    }
    const RetentionLimits limits{options_.retention_ms, options_.retention_bytes};
    const bool is_doubted = limits.retention_ms >= 0 && is_clock_behind(facts, now);
    if (is_doubted && !warned_of_clock_) {
        env_.log.warn(
            "a log was written to at a time far ahead of the clock, which was set back: nothing of it is "
            "deleted for its age until the clock is right",
            {kv("partition", partition_dir_name(key_))}
        );
    }
    warned_of_clock_ = is_doubted;
    return count_expired(facts, limits, now);
}

Task<void> Log::delete_below(const Offset log_start) {
    if (has_failed_ || is_closing_) {
        co_return;  // it is on disk; the next start does it
    }
    ++retention_running_;
    // Readers are told first: nobody begins with a file that is going.
    log_start_ = std::max(log_start_, log_start);
    observer_.on_start_moved(log_start_);
    std::vector<Offset> bases;
    std::uint64_t bytes = 0;
    while (segments_.size() > 1 && segments_.front()->end_offset() <= log_start) {
        const SegmentPtr segment = segments_.front();
        segments_.erase(segments_.begin());
        let_go(segment);
        bases.push_back(segment->base_offset());
        bytes += segment->size_bytes();
    }
    // The oldest first: also if the checkpoint with the start were lost, no hole would be left.
    for (const Offset base : bases) {
        co_await unlink_segment(base);
    }
    LB_REACHED(env_, segment_deleted);
    directory_.metrics().deleted_segments.add(bases.size());
    directory_.metrics().deleted_bytes.add(bytes);
    env_.log.info(
        "old segments deleted",
        {kv("partition", partition_dir_name(key_)),
         kv("segments", bases.size()),
         kv("bytes", bytes),
         kv("log_start", log_start_)}
    );
    --retention_running_;
    quiet_.wake_all();
}

/// Who reads the segment now goes on: he holds it and its file.
void Log::let_go(const SegmentPtr& segment) {
    segment->is_deleted = true;
    segment->file.reset();
    std::erase(open_closed_, segment);
    for (ReadHint& hint : hints_) {
        if (hint.segment == segment) {
            hint = ReadHint();
        }
    }
}

Task<void> Log::unlink_segment(const Offset base_offset) {
    const std::array<std::string_view, 3> suffixes{
        log_suffix, offset_index_suffix, time_index_suffix};
    for (const std::string_view suffix : suffixes) {
        const std::string path = path_of(base_offset, suffix);
        const Result<Ok> removed = co_await env_.fs.unlink(path);
        if (!removed && removed.code() != ErrorCode::not_found) {
            env_.log.warn(
                "a file of a deleted segment could not be removed; the next start tries again",
                {kv("file", quoted(path)), kv("error", to_string(removed.error()))}
            );
        }
    }
}

}  // namespace logboom::storage
