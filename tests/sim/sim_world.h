// A world of simulated machines in one thread: virtual time, network, one disk and one program each.
// Everything follows from the seed (replication-design 26, 27).
#pragma once

#include "shared/io/event_loop.h"
#include "shared/io/sim_backend.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace logboom::sim {

/// What a node runs: made anew at each start, over the node's Env. `run` is its main task: it starts the
/// parts and stops them when its scope is cancelled. A crash destroys it wherever it stands.
class Program {
public:
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    virtual ~Program() = default;
    virtual Task<void> run() = 0;
};

/// The last lines of one node's log.
class LastLines final : public LogSink {
public:
    explicit LastLines(io::SimEvents& events) : events_(events) {}
    void write(LogLevel level, std::string_view line) override;
    [[nodiscard]] std::string text() const;

private:
    io::SimEvents& events_;
    std::deque<std::string> lines_;
};

enum class CrashKind : std::uint8_t {
    killed,     // kill -9: the machine and its page cache live on
    power_loss  // what was not synced is kept, lost or torn by the seed
};

class SimWorld;

/// A machine: its disk lasts, its program comes and goes.
class SimNode {
public:
    using MakeProgram = std::function<std::unique_ptr<Program>(Shard&)>;

    SimNode(SimWorld& world, std::uint32_t id, std::string name, io::SimDiskOptions disk);
    SimNode(const SimNode&) = delete;
    SimNode& operator=(const SimNode&) = delete;
    ~SimNode();

    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    [[nodiscard]] io::SimDisk& disk() noexcept { return disk_; }
    [[nodiscard]] io::SimBackendOptions& backend_options() noexcept { return backend_options_; }
    [[nodiscard]] bool is_running() const noexcept { return life_ != nullptr; }
    /// The program of this life, as the maker made it.
    [[nodiscard]] Program& program() noexcept;
    [[nodiscard]] LastLines& log() noexcept { return log_; }
    [[nodiscard]] std::size_t ops_in_flight() const noexcept;
    /// SIGSTOP: its program does nothing, its kernel goes on.
    void set_paused(const bool is_paused) noexcept { is_paused_ = is_paused; }

    void start(const MakeProgram& make);
    void crash(CrashKind kind);
    /// SIGTERM: the main task is cancelled; the node is down once it has ended.
    void request_stop();

private:
    friend class SimWorld;
    struct Life;

    SimWorld& world_;
    std::uint32_t id_;
    std::string name_;
    std::string host_;
    io::SimDisk disk_;
    io::SimBackendOptions backend_options_;
    LastLines log_;
    std::unique_ptr<Life> life_;
    bool is_paused_ = false;
};

class SimWorld {
public:
    explicit SimWorld(std::uint64_t seed);
    SimWorld(const SimWorld&) = delete;
    SimWorld& operator=(const SimWorld&) = delete;
    ~SimWorld();

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] io::SimEvents& events() noexcept { return events_; }
    [[nodiscard]] io::SimNet& net() noexcept { return net_; }
    [[nodiscard]] Rng& rng() noexcept { return events_.rng(); }
    /// Of all nodes that start from now on. Outlives them.
    void set_probe(Probe* const probe) noexcept { probe_ = probe; }
    [[nodiscard]] Probe* probe() const noexcept { return probe_; }
    SimNode& add_node(const std::string& name, io::SimDiskOptions disk = io::SimDiskOptions());

    enum class Ended : std::uint8_t { condition, deadline, step_limit };
    /// Runs everything until `condition` holds, which is asked after each event.
    Ended run_until(const std::function<bool()>& condition, Nanos at_most);
    void run_for(const Nanos time) {
        run_until([] { return false; }, time);
    }
    /// A world that takes more steps than this is a livelock.
    void set_steps_max(const std::uint64_t steps) noexcept { steps_max_ = steps; }

    /// The seed, the nodes' last lines and the latest events.
    [[nodiscard]] std::string report() const;

private:
    [[nodiscard]] bool run_nodes();
    [[nodiscard]] SteadyTime next_time();

    std::uint64_t seed_;
    io::SimEvents events_;
    io::SimNet net_;
    std::vector<std::unique_ptr<SimNode>> nodes_;
    Probe* probe_ = nullptr;
    std::uint64_t steps_ = 0;
    std::uint64_t steps_max_ = 50'000'000;
};

}  // namespace logboom::sim
