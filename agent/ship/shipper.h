// Carries sealed batches to a collector and answers back what was taken. One connection at a time; at an
// error the next collector of the list. The collector's positions are the truth: the first Hello of the
// agent's life asks for all of them before anything is read.
#pragma once

#include "agent/ship/lane.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"
#include "shared/rpc/client.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
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
    Nanos connect_timeout = 5s;
    Nanos answer_timeout = 20s;  // of a request
    Nanos ping_interval = 5s;
    Nanos ping_timeout = 10s;
};

/// Where a stream goes.
struct Route {
    std::string topic;
    std::string key;  // decides about the partition of a stream that has none yet
    std::optional<PartitionIndex> partition;
};

/// What the shipper tells and asks. All are called on its shard; none may call the shipper back.
struct ShipperEvents {
    /// The positions of the first Hello. What it does is done before the first batch is sent. Returns
    /// the epoch under which this agent ships from now on.
    std::function<Task<Result<std::uint32_t>>(const rpc::HelloReply&)> met;
    std::function<Route(const Id128&)> route;
    std::function<void(const Id128&, PartitionIndex)> pinned;
    std::function<void(const Id128&, Position, Tail)> acknowledged;
    std::function<void(const Id128&, Position)> rewind;
    /// Where there was no room there may be some.
    std::function<void()> room;
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
    [[nodiscard]] bool is_empty() const noexcept { return lanes_.empty(); }
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_bytes_; }

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

    Task<void> run();
    Task<Result<Ok>> run_connection(const CollectorAddress& collector);
    Task<Result<std::unique_ptr<Conn>>> connect(const CollectorAddress& collector);
    Task<Result<Ok>> say_hello(rpc::RpcClient& client);
    Task<Result<Ok>> pump(rpc::RpcClient& client);
    Task<void> send_request(rpc::RpcClient& client, Request request);
    Task<void> send_ping(rpc::RpcClient& client);
    Task<void> watch(rpc::RpcClient& client);

    [[nodiscard]] Request gather();
    void take_from(Lane& lane, Request& request);
    void enqueue(Lane& lane);
    void enqueue_due();
    [[nodiscard]] SteadyTime next_retry() const noexcept;
    void pin(Lane& lane);
    void on_answer(const Sent& sent, const rpc::BatchResult& result, Nanos retry_after);
    void apply(Lane& lane, const Lane::Outcome& outcome);
    void on_refused(const Lane& lane, const rpc::BatchResult& result);
    void fail(Error error);
    void drop_connection_state();
    void set_state(ShipState state);

    Env& env_;
    ShipperOptions options_;
    ShipperEvents events_;
    std::map<Id128, std::unique_ptr<Lane>> lanes_;  // those with batches
    std::deque<Id128> ready_;
    std::map<std::string, std::uint32_t> partition_counts_;
    std::optional<std::uint32_t> epoch_;  // after the first Hello
    ShipState state_ = ShipState::unreachable;
    std::uint64_t queued_bytes_ = 0;
    std::uint64_t in_flight_bytes_ = 0;
    std::size_t requests_in_flight_ = 0;
    bool is_pinging_ = false;
    SteadyTime last_word_{};
    std::optional<Error> failed_;  // of the current connection
    std::size_t next_collector_ = 0;
    Backoff backoff_;
    io::Event work_;
    Scope scope_;

    metrics::Counter& batches_sent_;
    metrics::Counter& acked_batches_;
    metrics::Counter& connects_;
    metrics::Counter& connection_failures_;
    metrics::Counter& retries_;
    metrics::Counter& rewinds_;
    metrics::Gauge& inflight_bytes_gauge_;
    metrics::Gauge& queued_bytes_gauge_;
    metrics::Gauge& connected_gauge_;
    metrics::Histogram& ack_latency_;
    std::map<rpc::ReplyStatus, metrics::Counter*> rejects_;
};

}  // namespace logboom::ship
