#include "collector/storage/log_directory.h"

#include "shared/base/limits.h"

#include <utility>

namespace logboom::storage {

namespace {

// How old a checkpoint may be; a longer time only makes recovery look at more.
constexpr Nanos checkpoint_interval = 1s;

}  // namespace

LogDirectory::LogDirectory(
    Env& env,
    LogDirectoryOptions options,
    const DirectoryStart& start,
    std::atomic<bool>& has_failed
)
    : env_(env)
    , options_(std::move(options))
    , start_(start)
    , has_failed_(has_failed)
    , checkpoints_(start.checkpoints)  // those of partitions that cannot be opened are kept, too
    , saved_(env.scheduler)
    , stop_requested_(env.scheduler)
    , tail_cache_(env.pool, options_.tail_cache_bytes)
    , metrics_(options_.registry)
    , sync_(env)
    , scope_(env.scheduler) {}

void LogDirectory::give_up(const Error& error, const std::string& file) {
    if (!has_failed_.exchange(true, std::memory_order_acq_rel)) {
        env_.log.error(
            "log directory given up after an I/O error: nothing is written to it or served from it "
            "any more",
            {kv("directory", quoted(path())),
             kv("file", quoted(file)),
             kv("error", to_string(error))}
        );
        scope_.spawn(write_failed_marker(quoted(file) + ": " + to_string(error) + "\n"));
    }
    // A member's tasks that wake up now may leave; they run later, the list is whole meanwhile.
    for (const auto& [number, member] : members_) {
        member->on_directory_failed();
    }
}

void LogDirectory::join(DirectoryMember& member) {
    LB_ASSERT(member.number_ == 0);
    member.number_ = ++last_number_;
    members_.emplace(member.number_, &member);
}

void LogDirectory::leave(DirectoryMember& member) {
    members_.erase(std::exchange(member.number_, 0));
}

LogDirectory::NumberedMember LogDirectory::member_after(const std::uint64_t number) const {
    const auto next = members_.upper_bound(number);
    return next == members_.end() ? NumberedMember() : NumberedMember{next->first, next->second};
}

DirectoryMember* LogDirectory::member(const std::uint64_t number) const {
    const auto found = members_.find(number);
    return found == members_.end() ? nullptr : found->second;
}

Task<void> LogDirectory::write_failed_marker(std::string text) {
    const std::string path = options_.path + "/" + std::string(failed_marker_name);
    Result<Ok> written = co_await env_.fs.replace_file(path, as_bytes(text));
    if (!written) {
        // Syncs fail; but what only a power loss takes away is needed no longer than that.
        written = co_await write_unsynced(path, as_bytes(text));
    }
    if (!written) {
        env_.log.error(
            "the marker of the failed log directory could not be written: do not use it again "
            "before its disk was checked",
            {kv("marker", quoted(path)), kv("error", to_string(written.error()))}
        );
    }
}

Task<Result<Ok>> LogDirectory::write_unsynced(std::string path, const ByteView text) {
    LB_CO_TRY(io::File file, co_await env_.fs.open(path, O_WRONLY | O_CREAT | O_TRUNC));
    const Result<Ok> written = co_await file.pwrite(text, 0);
    LB_CO_CHECK(co_await file.close());
    co_return written;
}

void LogDirectory::note_synced(const PartitionKey& key, const Offset synced_end) {
    Offset& known = checkpoints_[key].synced_end;
    known = std::max(known, synced_end);
    save_soon();
}

void LogDirectory::note_opened(const PartitionKey& key, const Checkpoint& found) {
    checkpoints_[key].raise_to(found);
    save_soon();
}

void LogDirectory::forget(const PartitionKey& key) {
    if (checkpoints_.erase(key) != 0) {
        save_soon();
    }
}

void LogDirectory::save_soon() {
    ++changes_;
    if (!is_writing_checkpoints_ && !is_stopping_) {
        is_writing_checkpoints_ = true;
        scope_.spawn(write_checkpoints());
    }
}

Task<void> LogDirectory::write_checkpoints() {
    while (changes_tried_ != changes_ && !is_stopping_) {
        const SteadyTime until = env_.clock.now() + checkpoint_interval;
        [[maybe_unused]] const Result<Ok> stopped = co_await stop_requested_.wait(until);
        [[maybe_unused]] const Result<Ok> written = co_await write_checkpoint();
    }
    is_writing_checkpoints_ = false;
}

Task<Result<Ok>> LogDirectory::save_log_starts(const std::vector<LogStart> starts) {
    for (const LogStart& start : starts) {
        Checkpoint& known = checkpoints_[start.key];
        known.log_start = std::max(known.log_start, start.offset);
        known.synced_end =
            std::max(known.synced_end, start.offset);  // only what is synced is deleted
    }
    const std::uint64_t wanted = ++changes_;
    while (changes_saved_ < wanted) {
        if (has_failed()) {
            co_return Error{ErrorCode::storage_failed, 0, "log directory was given up"};
        }
        LB_CO_CHECK(co_await write_checkpoint());
    }
    co_return Ok{};
}

/// Writes all changes so far, or waits for whoever is at it.
Task<Result<Ok>> LogDirectory::write_checkpoint() {
    if (is_saving_) {
        co_await saved_.wait_uncancelled();
        co_return Ok{};
    }
    if (changes_saved_ == changes_ || has_failed()) {
        co_return Ok{};
    }
    is_saving_ = true;
    const std::uint64_t changes = changes_tried_ = changes_;
    Buffer file;
    encode_checkpoints(checkpoints_, file);
    const std::string path = options_.path + "/" + std::string(checkpoint_prefix)
                           + std::to_string(options_.shard_index);
    const Result<Ok> written = co_await env_.fs.replace_file(path, file.view());
    is_saving_ = false;
    if (written) {
        changes_saved_ = changes;
    }
    saved_.wake_all();
    if (!written) {
        // The one before stands: the next recovery looks at more of the logs.
        env_.log.warn(
            "the recovery checkpoint could not be written",
            {kv("file", quoted(path)), kv("error", to_string(written.error()))}
        );
    }
    co_return written;
}

Task<void> LogDirectory::stop() {
    LB_ASSERT(members_.empty());
    is_stopping_ = true;
    stop_requested_.wake_all();
    co_await sync_.stop();
    co_await scope_.join();
    [[maybe_unused]] const Result<Ok> written = co_await write_checkpoint();
}

}  // namespace logboom::storage
