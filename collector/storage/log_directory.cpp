#include "collector/storage/log_directory.h"

#include "shared/base/limits.h"

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
    , stop_requested_(env.scheduler)
    , tail_cache_(env.pool, options_.tail_cache_bytes)
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
    for (DirectoryMember* const member : members_) {
        member->on_directory_failed();
    }
}

Task<void> LogDirectory::write_failed_marker(std::string text) {
    const std::string path = options_.path + "/" + std::string(failed_marker_name);
    const Result<Ok> written = co_await env_.fs.replace_file(path, as_bytes(text));
    if (!written) {
        env_.log.error(
            "the marker of the failed log directory could not be written: do not use it again "
            "before its disk was checked",
            {kv("marker", quoted(path)), kv("error", to_string(written.error()))}
        );
    }
}

void LogDirectory::note_synced(const PartitionKey& key, const Offset synced_end) {
    Offset& known = checkpoints_[key];
    known = std::max(known, synced_end);
    checkpoint_soon();
}

void LogDirectory::forget(const PartitionKey& key) {
    if (checkpoints_.erase(key) != 0) {
        checkpoint_soon();
    }
}

void LogDirectory::checkpoint_soon() {
    is_checkpoint_due_ = true;
    if (!is_writing_checkpoints_ && !is_stopping_) {
        is_writing_checkpoints_ = true;
        scope_.spawn(write_checkpoints());
    }
}

Task<void> LogDirectory::write_checkpoints() {
    while (is_checkpoint_due_ && !is_stopping_) {
        const SteadyTime until = env_.clock.now() + checkpoint_interval;
        [[maybe_unused]] const Result<Ok> stopped = co_await stop_requested_.wait(until);
        [[maybe_unused]] const Result<Ok> written = co_await write_checkpoint();
    }
    is_writing_checkpoints_ = false;
}

Task<Result<Ok>> LogDirectory::write_checkpoint() {
    if (!is_checkpoint_due_ || has_failed()) {
        co_return Ok{};
    }
    is_checkpoint_due_ = false;
    Buffer file;
    encode_checkpoints(checkpoints_, file);
    const std::string path = options_.path + "/" + std::string(checkpoint_prefix)
                           + std::to_string(options_.shard_index);
    const Result<Ok> written = co_await env_.fs.replace_file(path, file.view());
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
