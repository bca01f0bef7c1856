// One connection of Kafka's door: reads frames, lets handlers work, answers in the order of the requests
// (every client fails a connection whose answers come otherwise).
//
// Produce requests that follow each other are worked on side by side, since each waits for the disk. Any
// other request begins when all before it are answered: a peer that asks and does not read holds one
// answer, not many.
#pragma once

#include "collector/broker/broker.h"

#include <deque>
#include <memory>

namespace logboom::broker {

class KafkaConnection {
public:
    /// The budgets of the shard for requests that are large and small; all outlive the connection.
    struct Budgets {
        io::ByteSemaphore& large;
        io::ByteSemaphore& small;
    };
    KafkaConnection(Broker& broker, Budgets budgets, Conn& conn);

    /// Until the peer leaves, breaks the protocol, or the scope is cancelled. The caller closes `conn`.
    Task<void> run();

private:
    /// A request and its place in the order of the answers.
    struct Pending {
        bool done = false;
        std::uint32_t frame_bytes = 0;
        Reply reply;
    };

    Task<Result<Ok>> read_requests();
    Task<Result<Slice>> read_frame();
    Task<Result<Ok>> wait_for_turn(bool is_produce);
    [[nodiscard]] io::ByteSemaphore& budget_of(std::uint32_t frame_bytes) noexcept;
    Task<void> work_on(std::shared_ptr<Pending> pending, Request request);
    Task<void> send_replies();
    Task<void> abort_when_late(SteadyTime deadline);

    Broker& broker_;
    Budgets budgets_;
    Conn& conn_;
    std::deque<std::shared_ptr<Pending>> pending_;  // oldest first
    io::WaitQueue changed_;                         // something in pending_ was done or sent
    bool reading_ended_ = false;
    bool is_produce_run_ = false;  // what is in pending_
    io::Event all_sent_;
    Scope handlers_;
    Scope sender_;
};

}  // namespace logboom::broker
