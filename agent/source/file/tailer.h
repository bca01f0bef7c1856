// Reads streams to their ends, a block per turn: checks that the file is still the one it was (T17),
// hands its lines to the batcher, and at the end decides what is next: wait, send the tail without its
// line end (T32), let the next file of the path begin (T40), let go (T14).
#pragma once

#include "agent/source/file/checkpoint.h"
#include "agent/source/file/losses.h"
#include "agent/source/file/source_meters.h"
#include "agent/source/file/stream_table.h"
#include "agent/source/file/turn_queue.h"
#include "shared/metrics/registry.h"

#include <string>
#include <vector>

namespace logboom::source {

struct TailerOptions {
    std::uint32_t open_files_max = limits::agent_open_files_default;
    /// Files read at once: a slow disk under one must not hold up the others.
    std::uint32_t readers = 2;
    Nanos rotated_poll = 250ms;       // a rotated file's directory may not be watched
    Nanos quiet_without_lease = 60s;  // where nobody can tell whether a file has a writer
};

/// What the tailer asks of those around it.
struct TailerEvents {
    /// Something else than the stream's file as it was is at a path.
    std::function<void(const std::string& path)> suspect;
    /// A stream that will not be read any more was marked `gone`.
    std::function<void(Stream&)> let_go;
    /// Whether it is known how far a collector has the stream.
    std::function<bool(const Stream&)> may_read;
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
        ship::MemoryBudget& memory,
        SourceMeters& meters,
        Losses& losses,
        metrics::Registry& registry
    );
    void connect_events(TailerEvents events) { events_ = std::move(events); }

    void start();
    Task<void> stop();
    /// Files that are open.
    [[nodiscard]] std::uint32_t open_count() const noexcept { return open_count_; }
    /// A file was handed to a stream.
    void opened() noexcept { ++open_count_; }
    /// The collector has told its position.
    [[nodiscard]] bool may_read(const Stream& stream) const { return events_.may_read(stream); }
    [[nodiscard]] bool is_crowded() const noexcept {
        return open_count_ >= options_.open_files_max;
    }
    /// The stream's file was cut and no copy has what it had: its new content is a new generation.
    void begin_anew(Stream& stream);
    /// What comes after `stream` begins (T40).
    void release_successor(Stream& stream);
    /// Before a stream that has no turn is removed.
    void forget(Stream& stream);
    /// Closes its file, if it has one. It is its turn, or nobody has one.
    Task<void> close(Stream& stream);
    /// One that was taken from a stream; may be null.
    Task<void> close(std::unique_ptr<io::File> file);
    /// Every stream is read to what its file had when it was last looked at, and acknowledged.
    [[nodiscard]] bool is_drained() const;

private:
    enum class After : std::uint8_t { at_end, again, cut, no_memory };
    /// Whether what comes next reads the proof along with new bytes.
    enum class Proving : std::uint8_t { by_reading, now };
    /// Bytes of a file from a little before `read_to`, as far as they prove that it is still the same.
    struct Block {
        Slice slice;
        ship::MemoryHold held;
        std::uint32_t before = 0;  // bytes in front of `read_to`
        std::uint32_t got = 0;     // all of them
        Continuity continuity = Continuity::same;

        [[nodiscard]] ByteView whole() const noexcept { return slice.view().first(got); }
        [[nodiscard]] ByteView fresh() const noexcept { return whole().subspan(before); }
    };
    struct Counters {
        explicit Counters(metrics::Registry& registry);
        metrics::Counter& truncations;
        metrics::Counter& long_lines;
        metrics::Counter& dropped_bytes;
        metrics::Counter& empty_dropped;
        metrics::Counter& partial_tails;
        metrics::Counter& late_bytes;
        metrics::Counter& read_errors;
    };

    /// What a block's lines came to.
    struct Fed {
        std::size_t used = 0;
        bool is_stopped = false;  // for want of memory
    };

    Task<void> run();
    Task<void> turn(Stream& stream);
    Task<Result<After>> go_on(Stream& stream);
    Task<Result<After>> look_on(Stream& stream);
    Task<Result<bool>> ensure_open(Stream& stream);
    Task<void> take_replacement(Stream& stream);
    Task<Result<Continuity>> go_back(Stream& stream);
    Task<Result<Continuity>> ask_file(Stream& stream, Proving proving);
    Task<Result<Continuity>> check_proof(Stream& stream);
    Task<Result<Ok>> find_line_start(Stream& stream);
    Task<Result<Block>> read_block(Stream& stream, std::uint64_t fresh_bytes);
    Task<Result<After>> read_some(Stream& stream);
    Task<Result<After>> finish_cut_line(Stream& stream);
    Task<Result<Ok>> settle_at_end(Stream& stream);
    Task<Result<Ok>> settle_last_words(Stream& stream);
    Task<Result<bool>> is_unwritten(Stream& stream);
    Task<Result<Ok>> flush_tail(Stream& stream);
    Task<Result<Ok>> grow_head(Stream& stream);
    void on_cut(Stream& stream);
    [[nodiscard]] Fed feed(Stream& stream, ByteView fresh);
    void note_content(Stream& stream);
    void leave_out(Stream& stream);
    [[nodiscard]] std::optional<ThrottledBy> held_up_by(const Stream& stream);
    [[nodiscard]] bool is_recent(WallTime mtime) const noexcept;
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
    ship::MemoryBudget& memory_;
    SourceMeters& meters_;
    Losses& losses_;
    TailerEvents events_;
    std::uint32_t open_count_ = 0;
    Scope scope_;
    Counters counters_;
};

}  // namespace logboom::source
