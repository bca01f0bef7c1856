// The programs that simulated machines run: the collector and the agent whole, as their main functions
// run them, and a consumer that reads through Kafka's door.
#pragma once

#include "agent/agent.h"
#include "collector/collector.h"
#include "collector/ctl/read_command.h"
#include "tests/sim/sim_world.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace logboom::sim {

inline constexpr std::uint16_t kafka_port = 9092;
inline constexpr std::uint16_t agents_port = 7460;

class CollectorProgram final : public Program {
public:
    CollectorProgram(Shard& shard, collector::CollectorConfig config)
        : env_(shard.env())
        , collector_(std::vector<Shard*>{&shard}, std::move(config), registry_) {}

    Task<void> run() override;
    [[nodiscard]] bool is_up() const noexcept { return is_up_; }
    [[nodiscard]] collector::Collector& collector() noexcept { return collector_; }

private:
    Env& env_;
    metrics::Registry registry_;
    collector::Collector collector_;
    bool is_up_ = false;
};

class AgentProgram final : public Program {
public:
    AgentProgram(Shard& shard, agent::AgentConfig config)
        : env_(shard.env())
        , config_(std::move(config)) {}

    Task<void> run() override;
    [[nodiscard]] bool is_drained() const { return is_up_ && agent_->is_drained(); }
    [[nodiscard]] bool is_shipping() const { return is_up_ && agent_->is_shipping(); }
    [[nodiscard]] const agent::Agent& agent() const noexcept { return *agent_; }

private:
    Env& env_;
    agent::AgentConfig config_;
    std::unique_ptr<metrics::Registry> registry_;
    std::unique_ptr<agent::Agent> agent_;
    bool is_up_ = false;

    Task<bool> run_under_one_identity();
};

/// Reads one topic from its beginning to the end that it finds, and ends. Values are put one behind the
/// other into `text`, each with a line end; `text` and `failure` outlive the program.
class ConsumerProgram final
    : public Program
    , private ctl::Output {
public:
    ConsumerProgram(
        Shard& shard, std::string broker, std::string topic, std::string& text, std::string& failure
    )
        : env_(shard.env())
        , broker_(std::move(broker))
        , topic_(std::move(topic))
        , text_(text)
        , failure_(failure) {}

    Task<void> run() override;

private:
    [[nodiscard]] bool write(std::string_view data) override;
    void say(std::string_view) override {}
    std::optional<std::string> ask(std::string_view) override { return std::nullopt; }

    Env& env_;
    std::string broker_;
    std::string topic_;
    std::string& text_;
    std::string& failure_;
};

/// One node on `host`, its data in /data.
[[nodiscard]] collector::CollectorConfig collector_config(
    const std::string& host, const std::vector<std::string>& settings = {}
);
/// An agent of `collector_host` with the inputs of `inputs` (TOML), its state in /state.
[[nodiscard]] agent::AgentConfig agent_config(
    const std::string& collector_host, const std::string& inputs
);

}  // namespace logboom::sim
