// Bytes of files that will not be delivered, and how a consumer hears of it (O6): each loss is one record
// in the topic lb.loss (shared/record/FORMAT.md), exactly once, by the same means as a line. It is a batch of
// a stream of its own, whose id follows from that of the stream that lost something; its range is what was
// lost.
//
//   found ──(what was handed out before it is acknowledged)──> sent ──(acknowledged)──> forgotten
//     ^                                                          │
//     └─────(the shipper gives it back, or a part was told before)
//
// Until it is forgotten its stream is not read on, and the checkpoint says what it said before: after a crash
// the same loss is found again, and the collector knows the repetition for one (rules 3 and 5). Nothing else
// waits.
#pragma once

#include "agent/source/file/checkpoint.h"
#include "agent/source/file/source_meters.h"
#include "agent/source/file/stream_table.h"
#include "agent/source/file/turn_queue.h"
#include "shared/metrics/registry.h"

#include <map>

namespace logboom::source {

class Losses {
public:
    Losses(
        Env& env,
        StreamTable& streams,
        TurnQueue& turns,
        Checkpoint& checkpoint,
        batch::BatchRoom& room,
        const ship::Outlet& outlet,
        SourceMeters& meters,
        metrics::Registry& registry
    );

    // --- What is lost ----------------------------------------------------------------------------

    /// Everything that the stream's file had and that was not handed out. What was handed out is lost too
    /// if it is asked for again. The stream is still as it was before.
    void lose_rest(Stream& stream, LossReason reason);
    /// A range that the file has no longer. The checkpoint needs say nothing else than now for it to be found
    /// again.
    void lose_range(Stream& stream, std::uint64_t generation, std::uint64_t from, std::uint64_t to);
    /// The collector's position of the stream, at the beginning: it says how much was lost.
    void learn(Stream& stream, ship::Position known, Tail tail);
    /// The file that had vanished is there, before anybody was told.
    void found_again(Stream& stream);

    // --- How it is told --------------------------------------------------------------------------

    /// The collectors' positions of the topic are known.
    void meet() noexcept { has_met_ = true; }
    /// At the stream's turn, once its collector's position is known: counts and sends what it can.
    void tell(Stream& stream);
    /// Something that was handed out is with the collector.
    void handed_over(Stream& stream, ship::Position position, Tail tail);
    /// The collector goes on at `position` of the stream. True if what is there is lost, and there is nothing
    /// to go back to.
    [[nodiscard]] bool take_back(Stream& stream, ship::Position position);

    // What the shipper tells of the streams of records.
    void acknowledged(const Id128& id, ship::Position position);
    void rewind(const Id128& id, ship::Position position);
    /// Where they go. One partition is enough for what hardly ever happens, and needs not be remembered.
    [[nodiscard]] static ship::Route route();

private:
    void add(Stream& stream, Loss loss);
    void count(Stream& stream);
    void send(Stream& stream, Loss& loss);
    void forget_first(Stream& stream);
    [[nodiscard]] std::string record_of(const Stream& stream, const Loss& loss) const;
    [[nodiscard]] Stream* told_of(const Id128& id) const;

    Env& env_;
    StreamTable& streams_;
    TurnQueue& turns_;
    Checkpoint& checkpoint_;
    batch::BatchRoom& room_;
    const ship::Outlet& outlet_;
    SourceMeters& meters_;
    bool has_met_ = false;
    std::map<Id128, Id128> sent_;  // streams by those of their records under way
    metrics::Counter& records_;
};

}  // namespace logboom::source
