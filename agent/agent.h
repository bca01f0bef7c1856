// The agent whole: the one place where its parts meet. It reaches the world only through Env, so that it
// runs in the simulator as it runs on a host.
#pragma once

#include "agent/agent_config.h"
#include "agent/batch/batch_room.h"
#include "agent/ship/memory_budget.h"
#include "agent/ship/shipper.h"
#include "agent/source/file/checkpoint.h"
#include "agent/source/file/file_source.h"
#include "agent/state_dir.h"
#include "shared/http/health.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"

#include <memory>
#include <vector>

namespace logboom::agent {

class Agent {
public:
    /// `env` and `registry` outlive the agent.
    Agent(Env& env, AgentConfig config, metrics::Registry& registry);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    /// `stop()` ran, except in a simulated crash.
    ~Agent();

    /// Opens the state, loads the checkpoint and begins to look for collectors. Does not wait for one;
    /// reading begins when the first has told its positions.
    /// Errors: `busy` if another agent works in the state directory; those of the file system.
    Task<Result<Ok>> start();
    /// Stops reading, gives what is on its way `shutdown_timeout` to be acknowledged, saves the
    /// checkpoint. Called once, also after a failed start.
    Task<void> stop();

    /// Every file that the inputs mean is with the collectors as far as it was when it was last looked at.
    [[nodiscard]] bool is_drained() const;
    /// A collector is connected and our positions are known.
    [[nodiscard]] bool is_shipping() const;
    [[nodiscard]] bool is_fenced() const;
    /// Something was sent that is not answered yet.
    [[nodiscard]] bool has_batches_in_flight() const;
    /// Another machine uses our identity. `stop()` replaces it; an agent made anew begins with all files.
    [[nodiscard]] bool is_cloned() const noexcept { return is_cloned_; }
    /// Whether it does what it is for, and if not why (O3). That is no reason to end it: what it cannot ship
    /// it reads later.
    [[nodiscard]] std::vector<http::ReadyCheck> ready_checks() const;
    /// The memory that data on its way takes.
    [[nodiscard]] const ship::MemoryBudget& memory() const noexcept { return memory_; }
    /// Before metrics are shown.
    void refresh_metrics();
    [[nodiscard]] const source::AgentIdentity& identity() const noexcept { return state_.agent(); }

private:
    struct Parts;

    Task<Result<std::uint32_t>> on_met(const rpc::HelloReply& positions);
    void connect_parts();
    [[nodiscard]] bool is_everything_acknowledged() const;

    Env& env_;
    AgentConfig config_;
    metrics::Registry& registry_;
    StateDir state_;
    source::Checkpoint checkpoint_;
    ship::MemoryBudget memory_;
    bool has_checkpoint_ = false;
    bool has_met_ = false;
    bool is_cloned_ = false;
    std::unique_ptr<Parts> parts_;  // once it is known who we are
};

}  // namespace logboom::agent
