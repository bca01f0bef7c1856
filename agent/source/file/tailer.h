// Reads streams to their ends, a block per turn: checks that the file is still the one it was (T17),
// hands its lines to the batcher, and at the end decides what is next: wait, send the tail without its
// line end (T32), let the next file of the path begin (T40), let go (T14).
#pragma once

#include "agent/source/file/checkpoint.h"
#include "agent/source/file/stream_table.h"
#include "agent/source/file/turn_queue.h"
#include "shared/metrics/registry.h"

#include <string>
#include <vector>

namespace logboom::source {

struct TailerOptions {
    std::uint32_t open_files_max = 4096;
    /// Files read at once: a slow disk under one must not hold up the others.
    std::uint32_t readers = 2;
    Nanos rotated_poll = 250ms;   // a rotated file's directory may not be watched
    Nanos quiet_without_lease = 60s;  // where nobody can tell whether a file has a writer
    Nanos recheck_interval = 1s;
};

/// What the tailer asks of those around it.
struct TailerEvents {
    /// The file at a path is not the stream's any more.
    std::function<void(const std::string& path)> suspect;
    /// A stream that will not be read any more was marked `gone`.
    std::function<void(Stream&)> let_go;
};

class Tailer {
public:
    Tailer(
        Env& env,
        TailerOptions options,
        StreamTable& streams,
        TurnQueue& turns,
        Identifier& identifier,
        Checkpoint& checkpoint,
        const ship::Outlet& outlet,
        metrics::Registry& registry
    );
    void connect_events(TailerEvents events) { events_ = std::move(events); }

    void start();
    Task<void> stop();
    /// Files that are open.
    [[nodiscard]] std::uint32_t open_count() const noexcept { return open_count_; }
    /// A file was handed to a stream.
    void opened() noexcept { ++open_count_; }
    /// Every stream is read to what its file had when it was last looked at, and acknowledged.
    [[nodiscard]] bool is_drained() const;

private:
    enum class After : std::uint8_t { done, again };
    struct Counters {
        explicit Counters(metrics::Registry& registry);
        metrics::Counter& bytes_read;
        metrics::Counter& truncations;
        metrics::Counter& lost_bytes;
        metrics::Counter& long_lines;
        metrics::Counter& empty_dropped;
        metrics::Counter& partial_tails;
        metrics::Counter& late_bytes;
        metrics::Counter& read_errors;
    };

    Task<void> run();
    Task<void> turn(Stream& stream);
    Task<Result<Ok>> ensure_open(Stream& stream);
    Task<Result<Ok>> check_continuity(Stream& stream, io::FileStat stat);
    Task<Result<Ok>> find_line_start(Stream& stream);
    Task<Result<After>> read_some(Stream& stream, std::uint64_t size);
    Task<Result<Ok>> settle_at_end(Stream& stream, io::FileStat stat);
    Task<Result<bool>> is_unwritten(Stream& stream);
    Task<Result<Ok>> flush_tail(Stream& stream, std::uint64_t size);
    Task<Result<Ok>> grow_head(Stream& stream, std::uint64_t size);
    Task<void> close(Stream& stream);
    void cut(Stream& stream, std::uint64_t size);
    void finish_drained(Stream& stream, bool is_quiet, bool is_unwritten);
    void on_error(Stream& stream, const Error& error);
    [[nodiscard]] bool waits_for_predecessor(const Stream& stream) const;
    void take_counts(Stream& stream);

    Env& env_;
    TailerOptions options_;
    StreamTable& streams_;
    TurnQueue& turns_;
    Identifier& identifier_;
    Checkpoint& checkpoint_;
    const ship::Outlet& outlet_;
    TailerEvents events_;
    std::uint32_t open_count_ = 0;
    Scope scope_;
    Counters counters_;
};

}  // namespace logboom::source
