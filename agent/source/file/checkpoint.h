// The local memory of streams (D5): an append-only file of CRC frames. It is a cache: what is lost here
// comes back from the collectors' positions, so a bad file never stops the start.
//
//   checkpoint.log      the generation in use        checkpoint.old   the one before it
//   checkpoint.new      being written by a compaction; ignored at start
#pragma once

#include "agent/source/file/checkpoint_codec.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace logboom::source {

struct CheckpointOptions {
    std::string dir;
    Nanos write_interval = 1s;
    Nanos new_stream_delay = 10ms;  // so that thousands of new files are not as many writes
    Nanos sync_interval = 5s;
    std::size_t updates_max = 1000;  // written at once
    std::uint64_t file_bytes_max = 16u << 20;
    std::uint64_t compact_bytes_min = 256u << 10;
};

class Checkpoint {
public:
    Checkpoint(Env& env, CheckpointOptions options, metrics::Registry& registry);

    /// Reads what is there and begins to write behind it. What cannot be read is cut off with a warning.
    /// Errors: those of creating or opening the file.
    Task<Result<Ok>> start();
    /// Writes and syncs what is pending.
    Task<void> stop();

    /// Nothing was remembered: the first start, or the file is lost.
    [[nodiscard]] bool was_empty() const noexcept { return was_empty_; }
    [[nodiscard]] const std::map<Id128, CheckpointEntry>& entries() const noexcept {
        return entries_;
    }
    [[nodiscard]] bool knows_input(const std::string& name) const { return inputs_.contains(name); }
    /// When an input was started for the very first time (T22); nothing: it was not yet.
    [[nodiscard]] std::optional<WallTime> input_started(const std::string& name) const;

    /// Remembers; written soon, several at once. `put_input` and `put` may be made durable by `flush`.
    void put(CheckpointEntry entry);
    /// The same of a stream that nobody else knows yet: written within moments, since a file that is
    /// rotated away while we are down is looked for only if it is remembered.
    void put_new(CheckpointEntry entry);
    void forget(const Id128& stream);
    void put_input(const std::string& name, WallTime started);
    /// Writes and syncs now. Errors: those of the file system; it is tried again.
    Task<Result<Ok>> flush();

private:
    Task<void> run();
    Task<Result<bool>> load(std::string name);
    [[nodiscard]] std::size_t replay(ByteView bytes);
    Task<Result<Ok>> write_what_is_due();
    Task<Result<Ok>> write_all();
    Task<Result<Ok>> write_pending();
    Task<Result<Ok>> sync();
    Task<Result<Ok>> compact();
    [[nodiscard]] bool should_compact() const noexcept;
    Task<void> begin_writing();
    void end_writing();
    void append_entry(const CheckpointEntry& entry, Buffer& out);
    void append_input(const std::string& name, Buffer& out);
    void note(const Result<Ok>& written);
    [[nodiscard]] std::string path(std::string_view name) const;

    Env& env_;
    CheckpointOptions options_;
    std::map<Id128, CheckpointEntry> entries_;
    std::map<std::string, std::int64_t> inputs_;  // first started at, in ms
    std::set<Id128> dirty_;                       // to be written: the entry, or that it is gone
    std::set<std::string> dirty_inputs_;
    std::unique_ptr<io::File> file_;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t live_bytes_ = 0;  // as of the last compaction or load
    bool is_synced_ = true;
    bool was_empty_ = true;
    bool is_failing_ = false;
    bool is_writing_ = false;  // one at a time, each behind the other
    SteadyTime synced_at_{};
    Buffer value_;
    io::Event changed_;
    io::Event hurry_;
    io::Event written_;
    Scope scope_;
    metrics::Counter& writes_;
    metrics::Counter& failures_;
};

}  // namespace logboom::source
