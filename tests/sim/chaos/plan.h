// What one seed means: who is there, how everything is configured, and what goes wrong when. All of it is
// drawn before the world begins, so that it can be printed, and made smaller piece by piece when it fails.
#pragma once

#include "shared/base/rng.h"
#include "shared/base/time.h"
#include "shared/io/sim_backend.h"
#include "shared/io/sim_net.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace logboom::sim {

enum class Rotation : std::uint8_t { by_rename, by_copytruncate };

/// One log of an application: a path, and how it is written.
struct LogPlan {
    std::string name;  // unique in the world: every line begins with it
    std::uint32_t lines = 0;
    std::uint32_t lines_per_write = 1;
    Nanos write_interval{};
    std::uint32_t line_bytes_max = 0;
    Rotation rotation = Rotation::by_rename;
    Nanos rotate_interval{};
    Nanos copy_time{};           // between copy and cut; nothing is written then
    bool has_banner = false;     // each new file begins with the same long line
    bool is_halved = false;      // a line is written in two parts, with time between
    bool is_moved_away = false;  // rotated into a folder that no input means
};

struct AgentPlan {
    std::vector<LogPlan> logs;
    Nanos batch_age_max{};
    std::uint32_t batch_bytes_max = 0;
    bool is_compressing = true;
    Nanos rescan_interval{};
    Nanos rotate_quiet{};
    Nanos close_idle{};
    bool is_polling = false;  // without inotify
    std::uint64_t memory_max = 0;
    std::uint64_t in_flight_bytes_max = 0;
};

struct CollectorPlan {
    std::int32_t partitions = 1;
    std::uint64_t segment_bytes = 0;
    std::uint64_t tail_cache_bytes = 0;
    Nanos retention_time{};  // zero: for ever
};

/// What happens to the agent's checkpoint while it is down.
enum class CheckpointFate : std::uint8_t { kept, lost, torn, old };

enum class ActionKind : std::uint8_t {
    kill,             // of a node's program: kill -9
    take_power,       // of a node
    stop,             // SIGTERM
    cut_connections,  // of an agent
    block_network,    // between an agent and the collector
    pause,            // SIGSTOP
    jump_clock,
    fill_disk,
    break_syncs,      // the collector's next syncs fail
    truncate_log,     // the application empties a log
    remove_old_logs,  // ... or deletes what was rotated
    grow_topic
};
[[nodiscard]] const char* to_string(ActionKind kind) noexcept;

struct Action {
    std::uint32_t number = 0;  // by which it can be left out
    Nanos at{};
    ActionKind kind = ActionKind::kill;
    std::uint32_t node = 0;  // 0: the collector; else an agent, from 1
    std::uint32_t log = 0;   // of that agent
    Nanos lasts{};
    bool waits_for_flight = false;  // until data is on its way
    CheckpointFate checkpoint = CheckpointFate::kept;
    Nanos jump{};
};

/// Less than so many crashes, one of them with a batch on its way, show nothing.
inline constexpr std::uint64_t crashes_min = 3;

struct Plan {
    std::uint64_t seed = 0;
    Nanos trouble_time{};  // from the beginning to when everything is healed
    CollectorPlan collector;
    std::vector<AgentPlan> agents;
    std::uint32_t producer_batches = 0;  // of an idempotent producer beside the agents; 0: none
    std::vector<Action> actions;         // by time
    io::SimNetOptions net;
    io::SimBackendOptions backend;  // of all nodes
    io::SimDiskFaults agent_disk;
    io::SimDiskFaults collector_disk;
    double fault_points = 0;         // how often LB_FAULT strikes
    bool has_enough_crashes = true;  // what the actions leave out is made up for
    bool ends_with_damage = false;   // a bit of the collector's synced log is turned at the end

    /// The same seed gives the same plan.
    [[nodiscard]] static Plan draw(std::uint64_t seed);
    /// One line a fact.
    [[nodiscard]] std::string text() const;
    /// Names of the faults that are on besides the actions: what `without` takes.
    [[nodiscard]] std::set<std::string> faults() const;
    /// Switches one of them off.
    void without(const std::string& fault);
    void without_action(std::uint32_t number);
    /// Lines may be missing: the application destroys some.
    [[nodiscard]] bool destroys_lines() const noexcept;
};

}  // namespace logboom::sim
