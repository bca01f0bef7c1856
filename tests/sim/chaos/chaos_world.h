// The whole of Logboom through one plan: a collector, agents with their applications, Kafka clients, and
// all that goes wrong. At the end everything is healed and has to come to rest; then the log is held
// against what was written.
#pragma once

#include "tests/sim/chaos/application.h"
#include "tests/sim/chaos/clients.h"
#include "tests/sim/chaos/plan.h"
#include "tests/sim/chaos/seed_probe.h"
#include "tests/sim/programs.h"
#include "tests/sim/sim_world.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace logboom::sim {

/// What came of one seed.
struct ChaosResult {
    std::string failure;  // empty: everything held
    std::string report;   // of a failure: the plan, the latest events, the nodes' last lines
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    std::uint64_t lines = 0;  // written
    std::uint64_t logs = 0;
    std::uint64_t records = 0;  // read by the consumer
    std::uint64_t rotations = 0;
    std::uint64_t crashes = 0;
    std::uint64_t crashes_in_flight = 0;
    Nanos time{};
    MarkCounts marks{};
};

class Chaos {
public:
    explicit Chaos(Plan plan);
    Chaos(const Chaos&) = delete;
    Chaos& operator=(const Chaos&) = delete;
    ~Chaos();

    /// Once.
    ChaosResult run();

private:
    /// A machine with an agent and an application.
    struct Host {
        SimNode* node = nullptr;
        const AgentPlan* plan = nullptr;
        std::vector<std::unique_ptr<AppLog>> logs;
        std::string old_checkpoint;  // as it was at an earlier time
    };

    void make_hosts();
    void start(std::uint32_t number);
    void start_collector();
    void start_agent(const Host& host);
    void supervise();
    [[nodiscard]] SimNode& node_of(const std::uint32_t number) {
        return *(number == 0 ? collector_ : hosts_[number - 1].node);
    }
    [[nodiscard]] AgentProgram* agent_of(const Host& host);
    [[nodiscard]] CollectorProgram* collector_program();

    void schedule(const Action& action);
    void perform(const Action& action);
    void make_up_for_crashes();
    void take_down_soon(const Action& action, SteadyTime until);
    void take_down(const Action& action);
    void come_up(const Action& action);
    void lose_power(std::uint32_t number);
    void spoil_checkpoint(Host& host, CheckpointFate fate);
    void copy_checkpoints();
    void note_read(const std::string& value);
    void check_leader_epochs();
    void check_committed(const std::string& name, std::int32_t partition, std::int64_t offset);
    [[nodiscard]] bool is_batch_in_flight();
    void heal();

    void wait_for_rest();
    [[nodiscard]] bool is_at_rest();
    void read_again();
    void stop(SimNode& node);
    void damage();
    /// Of what should be so at the end; empty: nothing.
    [[nodiscard]] std::string what_is_missing();
    [[nodiscard]] std::int64_t committed(const std::string& topic);
    void fail(const std::string& what);

    Plan plan_;
    SimWorld world_;
    SeedProbe probe_;
    SimNode* collector_ = nullptr;
    std::vector<Host> hosts_;
    SimNode* reader_ = nullptr;
    SimNode* producer_ = nullptr;
    SimNode* administrator_ = nullptr;
    std::vector<bool> is_down_on_purpose_;  // by the node's number
    std::vector<Nanos> clock_offsets_;      // as well
    Seen seen_;
    std::set<std::pair<std::string, std::uint64_t>> read_;  // log, number
    Produced produced_;
    std::uint64_t collector_starts_ = 0;
    std::uint64_t epochs_checked_in_start_ = 0;
    std::map<std::pair<record::Id128, PartitionIndex>, LeaderEpoch> leader_epochs_;  // as last seen
    bool is_healed_ = false;
    bool is_over_ = false;
    SteadyTime rest_since_{};
    std::int64_t rest_records_ = -1;
    ChaosResult result_;
};

}  // namespace logboom::sim
