#include "collector/storage/retention.h"

#include "collector/storage/log_directory.h"

#include <algorithm>
#include <chrono>

namespace logboom::storage {

namespace {

/// A wall clock that moved by more between two passes was set by somebody, maybe wrongly.
constexpr Nanos clock_jump_max = 1h;
/// How far ahead of us the last append of a log may be before we doubt our clock.
constexpr std::int64_t ahead_ms_max = Millis(24h).count();
/// Logs that are looked at in one go; the shard has other work.
constexpr std::size_t logs_per_turn = 64;

std::size_t count_expired_by_age(
    const std::span<const SegmentFacts> segments,
    const std::int64_t retention_ms,
    const RetentionNow now
) {
    const auto stays = std::find_if(segments.begin(), segments.end(), [&](const SegmentFacts& one) {
        return one.newest_ms() < 0 || now.wall_ms - one.newest_ms() <= retention_ms;
    });
    return static_cast<std::size_t>(stays - segments.begin());
}

std::size_t count_expired_by_size(
    const std::span<const SegmentFacts> segments, const std::uint64_t retention_bytes
) {
    std::uint64_t bytes = 0;
    for (const SegmentFacts& segment : segments) {
        bytes += segment.size_bytes;
    }
    std::size_t count = 0;
    while (count < segments.size() && bytes - segments[count].size_bytes >= retention_bytes) {
        bytes -= segments[count].size_bytes;
        ++count;
    }
    return count;
}

}  // namespace

bool is_clock_behind(const std::span<const SegmentFacts> segments, const RetentionNow now) {
    return std::any_of(segments.begin(), segments.end(), [now](const SegmentFacts& segment) {
        return segment.last_append_ms - now.wall_ms > ahead_ms_max;
    });
}

std::size_t count_expired(
    const std::span<const SegmentFacts> segments,
    const RetentionLimits& limits,
    const RetentionNow now
) {
    std::size_t count = 0;
    if (limits.retention_ms >= 0 && now.is_clock_sane && !is_clock_behind(segments, now)) {
        count = count_expired_by_age(segments, limits.retention_ms, now);
    }
    if (limits.retention_bytes >= 0) {
        const auto bytes = static_cast<std::uint64_t>(limits.retention_bytes);
        count = std::max(count, count_expired_by_size(segments, bytes));
    }
    return count;
}

Retention::Retention(Env& env, LogDirectory& directory)
    : env_(env)
    , directory_(directory)
    , scope_(env.scheduler) {}

void Retention::start(const Nanos interval) {
    LB_ASSERT(interval > Nanos::zero() && scope_.empty());
    scope_.spawn(run(interval));
}

Task<void> Retention::stop() {
    scope_.cancel();
    co_await scope_.join();
}

Task<void> Retention::run(const Nanos interval) {
    Result<Ok> slept = Ok{};
    while (slept && !directory_.has_failed()) {
        co_await run_pass();
        slept = co_await env_.sleep(interval);
    }
}

RetentionNow Retention::look_at_clock() {
    const SteadyTime steady = env_.clock.now();
    const WallTime wall = env_.clock.wall();
    RetentionNow now;
    now.wall_ms = to_unix_ms(wall);
    if (has_run_) {
        const Nanos jump = (wall - last_wall_) - (steady - last_steady_);
        now.is_clock_sane = std::chrono::abs(jump) <= clock_jump_max;
        if (!now.is_clock_sane) {
            directory_.metrics().retention_failures.add();
            env_.log.warn(
                "the clock was set: nothing is deleted for its age in this pass; set it right before "
                "the next one",
                {kv("jump_s", std::chrono::duration_cast<std::chrono::seconds>(jump).count())}
            );
        }
    }
    has_run_ = true;
    last_steady_ = steady;
    last_wall_ = wall;
    return now;
}

Task<void> Retention::run_pass() {
    const RetentionNow now = look_at_clock();
    const std::vector<Due> due = co_await find_due(now);
    if (!due.empty()) {
        co_await delete_due(due);
    }
}

Task<std::vector<Retention::Due>> Retention::find_due(const RetentionNow now) {
    std::vector<Due> found;
    std::size_t looked_at = 0;
    LogDirectory::NumberedMember at = directory_.member_after(0);
    while (at.member != nullptr && !scope_.is_cancelled() && !directory_.has_failed()) {
        const Result<std::optional<LogStart>> start = co_await at.member->prepare_retention(now);
        if (!start) {
            directory_.metrics().retention_failures.add();  // logged there
        } else if (*start) {
            found.push_back(Due{at.number, **start});
        }
        if (++looked_at % logs_per_turn == 0) {
            co_await io::yield();
        }
        at = directory_.member_after(at.number);
    }
    co_return found;
}

Task<void> Retention::delete_due(const std::vector<Due>& due) {
    std::vector<LogStart> starts;
    starts.reserve(due.size());
    for (const Due& one : due) {
        if (directory_.member(one.member) != nullptr) {  // else its topic was deleted meanwhile
            starts.push_back(one.start);
        }
    }
    // First on disk, then true: else a power loss could show deleted records again, to consumers that
    // were told that the log begins behind them.
    const Result<Ok> saved = co_await directory_.save_log_starts(std::move(starts));
    if (!saved) {
        directory_.metrics().retention_failures.add();
        env_.log.warn(
            "where the logs begin could not be written; nothing is deleted",
            {kv("logs", due.size()), kv("error", to_string(saved.error()))}
        );
        co_return;
    }
    for (const Due& one : due) {
        DirectoryMember* const member = directory_.member(one.member);
        if (member != nullptr) {
            co_await member->delete_below(one.start.offset);
        }
    }
}

}  // namespace logboom::storage
