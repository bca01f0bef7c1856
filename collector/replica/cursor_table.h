// How far each agent's streams have come in one partition, taken from the cursors inside the batches: the
// truth that makes a file's line arrive exactly once (rules 1 to 5 of the agents' delivery).
//
// A position moves when its batch is queued, so that the next batch, queued behind it, is judged by it.
// If the batches are dropped before they are written, the positions go back (`roll_back`); a stream whose
// first batch was dropped or refused is known by where that batch begins, else the one behind it, already
// on its way, would be taken for the first.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/source_cursor.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace logboom::replica {

using record::Id128;

/// Where one stream stands.
struct KnownPosition {
    std::uint32_t agent_epoch = 0;
    std::uint64_t generation = 0;
    std::uint64_t to = 0;
    Offset last_offset{
        -1};  // of the batch that says so; -1: only a first batch that was not taken does
    std::uint32_t tail_len = 0;
    std::uint64_t tail_hash = 0;
    std::optional<record::FileIdentity> identity;  // the last one that was sent

    bool operator==(const KnownPosition&) const = default;
};

class CursorTable {
public:
    /// Above `streams_max` the stream that was silent for longest is forgotten.
    explicit CursorTable(const std::size_t streams_max = limits::cursor_streams_max) noexcept
        : streams_max_(streams_max) {}

    enum class Verdict : std::uint8_t {
        append,     ///< rule 2, or rule 5 with a reason
        fenced,     ///< rule 1: a newer run of the agent is at work
        duplicate,  ///< rule 3
        overlap,    ///< rule 4: begins below the known position and ends above
        gap         ///< rule 5: begins above it without a reason
    };
    /// Judges the next batch of a stream. Changes nothing.
    [[nodiscard]] Verdict judge(const record::SourceCursor& cursor) const;
    /// Nothing: the stream is unknown. Valid until the table changes.
    [[nodiscard]] const KnownPosition* find(const Id128& agent, const Id128& stream) const;

    /// The batch of `cursor` has got the offsets up to `last_offset`, the highest so far.
    void advance(const record::SourceCursor& cursor, Offset last_offset);
    /// A batch that was judged good was refused for another reason. An unknown stream begins at it.
    void expect(const record::SourceCursor& cursor);
    /// Batches below `end` are written: they do not go back any more.
    void settle(Offset end);
    /// Batches from `from` on were dropped.
    void roll_back(Offset from);

    struct Stream {
        Id128 id{};
        KnownPosition known;

        bool operator==(const Stream&) const = default;
    };
    /// Streams of an agent in the order of their ids: those behind `after`, `count_max` at most.
    [[nodiscard]] std::vector<Stream> streams_of(
        const Id128& agent,
        const std::optional<Id128>& after = std::nullopt,
        std::size_t count_max = limits::cursor_streams_max
    ) const;
    /// The highest epoch of an agent's streams; 0: none is known.
    [[nodiscard]] std::uint32_t epoch_of(const Id128& agent) const;
    [[nodiscard]] std::size_t size() const noexcept { return positions_.size(); }

    /// Appends what is known of the batches below `end` (LAYOUT.md). `end` is not below what is settled;
    /// what was advanced behind it does not show, nor do streams of which no batch was taken.
    void encode(Offset end, Buffer& out) const;
    /// The table as it was encoded; no bytes are an empty one. Errors: `malformed`; `too_large` if there are
    /// more streams than `streams_max`.
    [[nodiscard]] static Result<CursorTable> decode(
        ByteView bytes, std::size_t streams_max = limits::cursor_streams_max
    );

private:
    struct Key {
        Id128 agent{};
        Id128 stream{};
        auto operator<=>(const Key&) const = default;
    };
    struct Undo {
        Offset last_offset;
        Key key;
        KnownPosition before;
    };

    void put(const Key& key, KnownPosition position);
    void remove(const Key& key);
    void forget_silent();

    std::size_t streams_max_;
    std::map<Key, KnownPosition> positions_;
    std::set<std::pair<Offset, Key>> by_last_offset_;  // oldest first
    std::deque<Undo> undo_;                            // of batches that are not written yet
};

}  // namespace logboom::replica
