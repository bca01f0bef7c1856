// The batches of one stream on their way to its partition: sent in order, several at once (D3), kept
// until the collector has them. No I/O; the shipper asks what to send and tells what was answered.
//
//   flowing ──(any answer but ok)──> draining   nothing more is sent until every answer is in
//      ^                                │
//      │                                v  settle()
//      └──────(time of retry)──── what the collector has is let go; what fits behind it is sent again;
//                                 if nothing fits, the source is asked to read again from there
//
// After the source was asked to read again nothing else is taken than what begins there: a batch that was
// still being filled would pass for the first of a stream that the collector does not know.
//
// A batch with a gap is accepted at any position, so it waits until everything before it is acknowledged
// and goes out alone: else a failure before it could never be repaired.
#pragma once

#include "agent/ship/backoff.h"
#include "agent/ship/outlet.h"
#include "shared/base/limits.h"
#include "shared/rpc/agent_messages.h"

#include <deque>
#include <optional>

namespace logboom::ship {

class Lane {
public:
    Lane(const Id128& stream, std::string topic, std::string route_key)
        : stream_(stream)
        , topic_(std::move(topic))
        , route_key_(std::move(route_key)) {}

    [[nodiscard]] const Id128& stream() const noexcept { return stream_; }
    [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
    /// What decides about the partition when none is pinned.
    [[nodiscard]] const std::string& route_key() const noexcept { return route_key_; }

    /// Pinned for life once it was used (D1).
    std::optional<PartitionIndex> partition;
    /// In the shipper's ring of lanes with something to send.
    bool is_queued = false;
    /// Counted by the shipper among those that do not flow.
    bool is_parked = false;

    /// Passes over what the source reads again anyway.
    void push(SealedBatch batch);
    [[nodiscard]] std::size_t size() const noexcept { return batches_.size(); }
    [[nodiscard]] bool empty() const noexcept { return batches_.empty(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// The next batch to be sent, or nothing.
    [[nodiscard]] const SealedBatch* next(SteadyTime now) const noexcept;
    /// It was put into a request. Returns the number under which its answer is told.
    std::uint64_t sent() noexcept;

    struct Outcome {
        std::optional<Position> acknowledged;  // everything before it is the collector's
        Tail acknowledged_tail;
        std::uint64_t acknowledged_batches = 0;
        std::optional<SteadyTime> oldest_opened_at;  // of those acknowledged
        std::optional<Position> rewind;  // the source goes on from here; the lane is empty
        std::optional<Nanos> retry_in;   // nothing will be sent before that
    };
    /// The answer to batch `number`. `retry_after` is the collector's wish.
    Outcome answered(
        std::uint64_t number,
        const rpc::BatchResult& result,
        SteadyTime now,
        Nanos retry_after,
        Rng& rng
    );
    /// The connection is gone: nothing is in flight, everything will be sent again.
    void disconnected() noexcept;
    /// Drops everything; the source reads it again from the place that is returned. Something is held and
    /// nothing in flight.
    [[nodiscard]] Position give_back() noexcept;
    /// What was sent last was not taken, and nothing since.
    [[nodiscard]] bool is_refused() const noexcept { return is_refused_; }
    /// Nothing is held, awaited or remembered.
    [[nodiscard]] bool is_over() const noexcept {
        return batches_.empty() && in_flight_ == 0 && !is_refused_ && !resume_at_;
    }
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::optional<SteadyTime> retry_at() const noexcept { return retry_at_; }

private:
    struct Entry {
        SealedBatch batch;
        std::uint64_t number = 0;
        bool is_acknowledged = false;
    };

    void release_front(Outcome& outcome);
    void clear(Position resume_at) noexcept;
    void settle(SteadyTime now, Nanos retry_after, Rng& rng, Outcome& outcome);

    Id128 stream_;
    std::string topic_;
    std::string route_key_;
    std::deque<Entry> batches_;  // oldest first; the first `sent_` are in flight or answered
    std::size_t sent_ = 0;
    std::size_t in_flight_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t next_number_ = 1;
    bool draining_ = false;
    std::optional<Position> known_;  // what the collector said last while draining
    std::optional<SteadyTime> retry_at_;
    std::optional<Position> resume_at_;  // where the source was asked to go on
    bool is_refused_ = false;
    Backoff backoff_;
};

}  // namespace logboom::ship
