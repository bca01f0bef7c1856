// Carries sealed batches to a collector and answers back what was taken. One connection at a time; at an
// error the next collector of the list (D15). The collector's positions are the truth: the first Hellos of
// the agent's life ask for all of a topic before anything is read that goes there. A topic whose positions
// cannot be told yet is met later, and holds up no other.
//
// One dead partition or topic stops no other (law 8). The lanes whose batches are refused, or whose topic the
// collector cannot take, are parked: together they hold a quarter of what the others may; what is more goes
// back to the source, which reads it again when its time comes.
#pragma once

#include "agent/ship/clock_offset.h"
#include "agent/ship/lane.h"
#include "agent/ship/pace.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"
#include "shared/rpc/client.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace logboom::ship {

struct CollectorAddress {
    std::string host;
    std::uint16_t port = 0;
};

struct ShipperOptions {
    std::vector<CollectorAddress> collectors;
    std::vector<std::string> topics;  // all that streams may go to
    Id128 agent_id{};
    std::string machine_id;
    std::string host;
    std::string version;
    std::uint64_t in_flight_bytes_max = limits::agent_in_flight_bytes_default;
    Nanos connect_timeout = 5s;  // to all addresses of one collector
    Nanos hello_timeout = 10s;   // a collector that listens and says nothing is as good as dead
    Nanos answer_timeout = 20s;  // without any progress of the connection
    Nanos ping_interval = 5s;
    Nanos ping_timeout = 10s;
};

/// What the shipper tells and asks. All are called on its shard; none may call the shipper back.
struct ShipperEvents {
    /// The positions of topics that were not met before, all pages together. What it does is done before
    /// their first batch is sent. Returns the epoch under which this agent ships from now on.
    std::function<Task<Result<std::uint32_t>>(const rpc::HelloReply&)> met;
    std::function<Route(const Id128&)> route;
    std::function<void(const Id128&, PartitionIndex)> pinned;
    std::function<void(const Id128&, Position, Tail)> acknowledged;
    std::function<void(const Id128&, Position)> rewind;
    /// Where there was no room there may be some.
    std::function<void()> room;
    /// Another machine uses our id: it was cloned (agent-design 3.1). May be empty.
    std::function<void()> cloned;
};

enum class ShipState : std::uint8_t {
    unreachable,  ///< not connected, trying
    shipping,
    fenced  ///< another agent with our id and a higher epoch is at work; nothing is sent any more
};

class Shipper final : public Outlet {
public:
    Shipper(Env& env, ShipperOptions options, metrics::Registry& registry);
    /// Before start().
    void connect_events(ShipperEvents events) { events_ = std::move(events); }

    void start();
    /// Ends the connection. What was not acknowledged is forgotten: the source has it.
    Task<void> stop();

    [[nodiscard]] bool has_room(const Id128& stream) const override;
    void push(SealedBatch batch) override;

    [[nodiscard]] ShipState state() const noexcept { return state_; }
    [[nodiscard]] SteadyTime state_since() const noexcept { return state_since_; }
    /// Something was sent that is not answered yet.
    [[nodiscard]] bool has_requests_in_flight() const noexcept { return requests_in_flight_ != 0; }
    /// No batch waits for anything.
    [[nodiscard]] bool is_empty() const noexcept { return queued_bytes() == 0; }
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept {
        return flowing_bytes_ + parked_bytes_;
    }

private:
    struct Sent {
        Id128 stream{};
        std::uint64_t number = 0;
        std::uint32_t bytes = 0;
    };
    struct Request {
        rpc::ShipRequest envelope;
        std::vector<Slice> payload;
        std::vector<Sent> batches;
        std::uint64_t bytes = 0;
    };

    /// What the collector said of it on this connection.
    struct Topic {
        std::optional<std::uint32_t> partition_count;  // nothing: it cannot take the topic now
        bool is_met = false;  // in this life some collector has told its positions
        SteadyTime ask_at = no_deadline;
        Backoff backoff;
    };

    Task<void> run();
    Task<Result<Ok>> run_connection(const CollectorAddress& collector);
    Task<Result<std::unique_ptr<Conn>>> connect(const CollectorAddress& collector);
    Task<Result<Ok>> say_hello(rpc::RpcClient& client);
    Task<Result<Ok>> meet(rpc::HelloReply known);
    Task<Result<Ok>> ask_topics(
        rpc::RpcClient& client, std::vector<rpc::TopicStreams> asked, rpc::HelloReply& known
    );
    Task<Result<rpc::HelloReply>> exchange_hello(
        rpc::RpcClient& client, const std::vector<rpc::TopicStreams>& topics
    );
    Task<void> ask_again(rpc::RpcClient& client);
    Task<Result<Ok>> pump(rpc::RpcClient& client);
    Task<void> send_request(rpc::RpcClient& client, Request request);
    Task<void> send_ping(rpc::RpcClient& client);
    Task<Result<Ok>> ping(rpc::RpcClient& client);
    Task<void> watch(rpc::RpcClient& client);

    [[nodiscard]] Request gather();
    void take_from(Lane& lane, Request& request);
    void enqueue(Lane& lane);
    void enqueue_all();
    void enqueue_due();
    [[nodiscard]] SteadyTime next_retry() const noexcept;
    [[nodiscard]] SteadyTime next_asking() const noexcept;
    void learn_topic(const rpc::TopicPositions& told);
    [[nodiscard]] bool is_refused(const std::string& topic) const;
    [[nodiscard]] rpc::TopicStreams question_about(const std::string& topic) const;
    [[nodiscard]] Nanos pause_before_next();
    void measure_clock(const rpc::Frame& pong, WallTime sent, Nanos round_trip);
    void pin(Lane& lane);
    void uncount(const Lane& lane) noexcept;
    void count(Lane& lane);
    void give_back_surplus(Lane& lane);
    [[nodiscard]] bool is_parked(const Id128& stream, const Lane* lane) const;
    void offer_room();
    void on_answer(const Sent& sent, const rpc::BatchResult& result, Nanos retry_after);
    void apply(Lane& lane, const Lane::Outcome& outcome);
    void on_refused(const Lane& lane, const rpc::BatchResult& result);
    void fail(Error error);
    void drop_connection_state();
    void set_state(ShipState state);

    Env& env_;
    ShipperOptions options_;
    metrics::Registry& registry_;
    ShipperEvents events_;
    std::map<Id128, std::unique_ptr<Lane>>
        lanes_;  // those with batches, or with something to remember
    std::deque<Id128> ready_;
    std::set<std::pair<SteadyTime, Id128>> retries_;
    std::map<std::string, Topic> topics_;
    std::optional<std::uint32_t> epoch_;  // after the first Hello
    ShipState state_ = ShipState::unreachable;
    SteadyTime state_since_;
    Pace pace_;
    std::uint64_t flowing_bytes_ = 0;  // of all batches in lanes that are not parked
    std::uint64_t parked_bytes_ = 0;
    std::uint64_t in_flight_bytes_ = 0;
    std::size_t requests_in_flight_ = 0;
    bool is_pinging_ = false;
    bool is_asking_ = false;
    // Whom `room` is owed: those who were told that all, or all parked, hold too much, and streams whose
    // lanes were full or parked.
    mutable bool is_room_wanted_ = false;
    mutable bool is_parked_room_wanted_ = false;
    bool has_lane_room_ = false;
    SteadyTime last_word_{};
    std::optional<Error> failed_;  // of the current connection
    ClockOffset clock_offset_;     // of its collector
    std::size_t next_collector_ = 0;
    std::size_t current_collector_ = 0;  // of the current connection
    Backoff backoff_;
    io::Event work_;
    Scope scope_;

    metrics::Counter& batches_sent_;
    metrics::Counter& acked_batches_;
    metrics::Counter& connects_;
    metrics::Counter& connection_failures_;
    metrics::Counter& retries_counter_;
    metrics::Counter& rewinds_;
    metrics::Gauge& inflight_bytes_gauge_;
    metrics::Gauge& queued_bytes_gauge_;
    metrics::Histogram& ack_latency_;
    metrics::Histogram& event_to_ack_;
    std::vector<metrics::Gauge*> conn_states_;    // by collector
    std::vector<metrics::Gauge*> clock_offsets_;  // by collector; null before the first measurement
    std::map<rpc::ReplyStatus, metrics::Counter*> rejects_;
};

}  // namespace logboom::ship
