// One connection of Kafka's door: reads frames, lets handlers work side by side, answers in the order of
// the requests (every client fails a connection whose answers come otherwise).
#pragma once

#include "collector/broker/broker.h"

#include <deque>
#include <memory>

namespace logboom::broker {

class KafkaConnection {
public:
    /// `request_budget` is the shard's; all outlive the connection.
    KafkaConnection(Broker& broker, io::ByteSemaphore& request_budget, Conn& conn);

    /// Until the peer leaves, breaks the protocol, or the scope is cancelled. The caller closes `conn`.
    Task<void> run();

private:
    /// A request and its place in the order of the answers.
    struct Pending {
        bool done = false;
        std::uint64_t budget_bytes = 0;
        Reply reply;
    };

    Task<Result<Ok>> read_requests();
    Task<Result<Slice>> read_frame(std::uint64_t& budget_bytes);
    Task<void> work_on(std::shared_ptr<Pending> pending, Request request);
    Task<void> send_replies();

    Broker& broker_;
    io::ByteSemaphore& request_budget_;
    Conn& conn_;
    std::deque<std::shared_ptr<Pending>> pending_;  // oldest first
    io::WaitQueue changed_;                         // something in pending_ was done or sent
    bool reading_ended_ = false;
    Scope handlers_;
    Scope sender_;
};

}  // namespace logboom::broker
