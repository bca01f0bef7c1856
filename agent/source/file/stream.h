// One stream: the life of one file's content, under whatever names. Its id is chosen at first sight and
// stays; a truncation raises its generation.
//
//   known ──(seen at a path of the input)──> active ──(its path is empty or another's)──> rotated
//     │                                        ^  │                                          │
//     │                                        │  └──(cannot be found, or nothing left)──┐   │ T14
//     └──(found under another name)──> rotated └──────────(its file is seen again)──── gone <┘
//
//   known    remembered by checkpoint or collector, its file not seen in this run
//   active   its file is at `path_now`, which the input means
//   rotated  its file has no name that the input means; read to its end by the open descriptor
//   gone     nothing is left to be read; remembered for a while, so that no file is read twice
#pragma once

#include "agent/batch/batcher.h"
#include "agent/parse/line_splitter.h"
#include "agent/source/file/checkpoint_codec.h"
#include "agent/source/file/file_input.h"
#include "agent/source/file/identity.h"
#include "agent/source/file/lag.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace logboom::source {

enum class StreamState : std::uint8_t { known, active, rotated, gone };
[[nodiscard]] const char* to_string(StreamState state) noexcept;

/// What the tailer found out and only the locator can decide. Until it has, the stream is not read.
enum class Doubt : std::uint8_t {
    none,
    replaced,  ///< another file has the stream's path
    cut        ///< the file was truncated or rewritten, and a copy of what it had may be near (T18)
};

/// What a stream waits for that could be read on.
enum class ThrottledBy : std::uint8_t { collector, memory };

/// A position and the bytes before it.
struct Proof {
    std::uint64_t offset = 0;
    Tail tail;
};

/// Since when the file cannot be opened or read, and how long the next attempt waits (T6).
struct Failing {
    SteadyTime since{};
    Nanos pause{};
};

/// Why bytes of a file will not be delivered (O6).
enum class LossReason : std::uint8_t {
    truncated_unread,  ///< the file was cut before they were read
    vanished_unread    ///< the file went away before they were read
};
[[nodiscard]] const char* to_string(LossReason reason) noexcept;

/// Bytes that will not be delivered. As long as a stream has one it is not read on, and the checkpoint says
/// what it said before, so that the loss is found again after a crash (rule 5).
struct Loss {
    LossReason reason = LossReason::truncated_unread;
    std::uint64_t generation = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    /// More than the range has, if the file was cut again before this could be told.
    std::uint64_t bytes = 0;
    /// Told when the collector has what was handed out, up to here: it may yet be asked for again.
    std::uint64_t awaited_to = 0;
    CheckpointEntry before;
    bool is_counted = false;
    bool is_sent = false;
};

struct Stream {
    Stream(
        batch::BatchRoom& room,
        const FileInput& from_input,
        const Id128& id,
        FileIdentity first_identity
    );

    // Who it is.
    Id128 uid;
    const FileInput& input;
    FileIdentity identity;
    std::string path;           // its first one: lb.path
    std::string path_resolved;  // where the path led, if it is a link
    std::string path_now;       // where its file can be opened
    std::string bound_path;     // under which the table finds it
    std::optional<PartitionIndex> partition;
    std::optional<Id128> successor;  // waits until this one is drained (T40); its identity names us
    bool is_recalled =
        false;  // by the checkpoint; what is not is new in this run, or the collector's
    StreamState state = StreamState::known;
    Doubt doubt = Doubt::none;
    std::int64_t gone_since_ms = 0;

    // How far it is.
    std::uint64_t generation = 0;
    std::uint64_t read_to = 0;  // the next byte to be read
    Tail tail;                  // at read_to
    std::uint64_t acked_to = 0;
    Tail acked_tail;
    std::optional<ship::Position> rewind_to;  // asked by the collector; done before the next read
    std::uint64_t cut_at = 0;  // how far the generation before this one was handed out
    std::vector<Loss> losses;  // those that no collector has yet; of `Losses`
    Lag lag;

    // The file and what is in work. Only the turn of a stream uses and closes `file`.
    std::unique_ptr<io::File> file;
    std::unique_ptr<io::File> replacement;  // goes on where `file` ended; taken by the next turn
    parse::LineSplitter splitter;
    batch::Batcher batcher;
    std::size_t block_bytes = 0;  // asked for a line longer than a block; 0: the usual
    bool must_find_line_start = false;
    bool is_at_end = false;
    bool is_drained = false;  // its successor need not wait (T40)
    bool has_partial_tail = false;
    bool is_compressed = false;    // what it has are no lines (T20); not read until it is cut
    bool is_unlinked = false;      // as of the last look
    std::uint64_t size_asked = 0;  // when the file was last asked; read up to there without asking
    WallTime mtime_seen{};
    WallTime
        written_at{};  // mtime of the content that was read; never of one that came after a cut
    SteadyTime grown_at{};
    std::optional<Failing> failing;

    // Of the turn queue.
    bool is_queued = false;
    bool is_in_turn = false;
    bool is_wanted_again = false;
    bool is_blocked = false;
    bool has_news = false;  // somebody has written to it, as far as we have heard
    std::optional<ThrottledBy> throttled_by;
    std::optional<SteadyTime> alarm_at;

    [[nodiscard]] ship::Position position() const noexcept { return {generation, read_to}; }
    /// The furthest position that can be proven; none if the tail's size is 0.
    [[nodiscard]] Proof proof() const noexcept {
        return tail.size != 0 ? Proof{read_to, tail} : Proof{acked_to, acked_tail};
    }
    /// Nothing that was read is still on its way.
    [[nodiscard]] bool is_all_acknowledged() const noexcept {
        return !batcher.is_open() && acked_to >= batcher.sealed_to();
    }
    /// Everything before it is with the collector, or yielded no record.
    [[nodiscard]] std::uint64_t done_to() const noexcept {
        return is_all_acknowledged() ? std::max(acked_to, batcher.position().offset) : acked_to;
    }
    /// Bytes that its file had and that were not handed out.
    [[nodiscard]] std::uint64_t unread_bytes() const noexcept {
        const std::uint64_t read = batcher.position().offset;
        return is_compressed || identity.size_seen <= read ? 0 : identity.size_seen - read;
    }
    void note_lag(const SteadyTime now) noexcept {
        lag.update(is_compressed ? 0 : identity.size_seen, done_to(), now);
    }
    /// Something was read of it, in this run or an earlier one.
    [[nodiscard]] bool has_begun() const noexcept {
        return generation != 0 || read_to != 0 || acked_to != 0 || batcher.is_open();
    }
    [[nodiscard]] bool needs_draining() const noexcept {
        return state == StreamState::rotated || (successor.has_value() && !is_drained);
    }
    /// Goes on from `position`; what was read and not acknowledged behind it is read again.
    void restart_at(ship::Position position, Tail proof);
    /// The file was cut: its new content is read from 0.
    void begin_generation();
    /// Another file, or the same under another name: nothing that was seen of it counts any more.
    void forget_looks() noexcept;
    /// What the checkpoint is to say.
    [[nodiscard]] CheckpointEntry to_entry() const;
    /// The same as if there were no losses to be told.
    [[nodiscard]] CheckpointEntry own_entry() const;
};

}  // namespace logboom::source
