#include "tests/sim/chaos/plan.h"

#include "shared/base/limits.h"

#include <algorithm>
#include <cmath>

namespace logboom::sim {

namespace {

Nanos between(Rng& rng, const Nanos low, const Nanos high) {
    const auto width = static_cast<std::uint64_t>((high - low).count());
    return low + Nanos(static_cast<Nanos::rep>(rng.below(width + 1)));
}

/// Small values as often as large ones.
std::uint64_t by_magnitude(Rng& rng, const std::uint64_t low, const std::uint64_t high) {
    const double power = rng.unit()
                       * std::log(static_cast<double>(high) / static_cast<double>(low));
    return static_cast<std::uint64_t>(static_cast<double>(low) * std::exp(power));
}

Nanos by_magnitude(Rng& rng, const Nanos low, const Nanos high) {
    const auto drawn = by_magnitude(
        rng, static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())
    );
    return Nanos(static_cast<Nanos::rep>(drawn));
}

/// A rate between `low` and a hundred times of it.
double rate(Rng& rng, const double low) {
    return low * std::exp(rng.unit() * std::log(100.0));
}

template <typename T, std::size_t N>
T one_of(Rng& rng, const T (&values)[N]) {
    return values[rng.below(N)];
}

LogPlan draw_log(Rng& rng, const std::string& name, const std::uint32_t lines, const Nanos time) {
    LogPlan log;
    log.name = name;
    log.lines = lines;
    log.lines_per_write = static_cast<std::uint32_t>(by_magnitude(rng, 1, 40));
    // Written within three quarters of the time of trouble.
    const std::uint32_t writes = (lines + log.lines_per_write - 1) / log.lines_per_write;
    log.write_interval = time * 3 / 4 / writes;
    log.line_bytes_max = static_cast<std::uint32_t>(by_magnitude(rng, 20, 600));
    log.rotation = rng.chance(0.5) ? Rotation::by_copytruncate : Rotation::by_rename;
    log.rotate_interval = by_magnitude(rng, 4s, 25s);
    log.has_banner = rng.chance(0.25);
    log.is_halved = rng.chance(0.3);
    log.is_moved_away = rng.chance(0.4);
    return log;
}

AgentPlan draw_agent(
    Rng& rng, const std::uint32_t number, const std::uint32_t lines, const Nanos time
) {
    AgentPlan agent;
    const std::uint64_t logs = 2 + rng.below(3);
    const bool has_copies = rng.chance(0.6);
    for (std::uint64_t i = 0; i < logs; ++i) {
        const std::string name = std::string(1, static_cast<char>('a' + number))
                               + std::to_string(i);
        agent.logs.push_back(draw_log(rng, name, static_cast<std::uint32_t>(lines / logs + 1), time)
        );
        LogPlan& log = agent.logs.back();
        log.rotation = has_copies ? log.rotation : Rotation::by_rename;
    }
    agent.batch_age_max = by_magnitude(rng, 5ms, 300ms);
    agent.batch_bytes_max = static_cast<std::uint32_t>(by_magnitude(rng, 1u << 10, 64u << 10));
    agent.is_compressing = rng.chance(0.7);
    agent.rescan_interval = by_magnitude(rng, 1s, 15s);
    agent.rotate_quiet = by_magnitude(rng, 500ms, 5s);
    agent.close_idle = by_magnitude(rng, 1s, 30s);
    agent.is_polling = rng.chance(0.2);
    agent.memory_max = 2 * limits::agent_memory_reserve(agent.batch_bytes_max);
    agent.in_flight_bytes_max = by_magnitude(rng, 64u << 10, 4u << 20);
    return agent;
}

CollectorPlan draw_collector(Rng& rng) {
    CollectorPlan collector;
    collector.partitions = static_cast<std::int32_t>(1 + rng.below(4));
    collector.segment_bytes = by_magnitude(rng, 4u << 10, 512u << 10);
    collector.tail_cache_bytes = rng.chance(0.5) ? 64u << 10 : 4u << 20;
    collector.retention_time = rng.chance(0.25) ? by_magnitude(rng, 8s, 20s) : Nanos::zero();
    return collector;
}

bool has_copytruncate(const AgentPlan& agent) {
    return std::ranges::count(agent.logs, Rotation::by_copytruncate, &LogPlan::rotation) != 0;
}

Action draw_action(Rng& rng, const Plan& plan, const ActionKind kind) {
    Action action;
    action.kind = kind;
    action.at = between(rng, 2s, plan.trouble_time - 5s);
    action.node = static_cast<std::uint32_t>(rng.below(plan.agents.size() + 1));
    const std::uint32_t some_agent = 1 + static_cast<std::uint32_t>(rng.below(plan.agents.size()));
    switch (kind) {
    case ActionKind::kill:
    case ActionKind::take_power:
    case ActionKind::stop:
        action.lasts = by_magnitude(rng, 50ms, 6s);
        action.waits_for_flight = rng.chance(0.7);
        if (action.node != 0 && rng.chance(0.25)) {
            action.checkpoint =
                one_of(rng, {CheckpointFate::lost, CheckpointFate::torn, CheckpointFate::old});
        }
        break;
    case ActionKind::cut_connections: action.node = some_agent; break;
    case ActionKind::block_network:
        action.node = some_agent;
        action.lasts = by_magnitude(rng, 200ms, 12s);
        break;
    case ActionKind::pause: action.lasts = by_magnitude(rng, 100ms, 8s); break;
    case ActionKind::jump_clock:
        action.jump = between(rng, Nanos::zero(), 6h) - 3h;
        if (action.node != 0 && has_copytruncate(plan.agents[action.node - 1])) {
            // Where the clock goes back a copy looks older than its original, and a short one is no more than
            // alike then.
            action.jump = std::chrono::abs(action.jump);
        }
        break;
    case ActionKind::fill_disk: action.lasts = by_magnitude(rng, 500ms, 6s); break;
    case ActionKind::break_syncs:
        action.node = 0;
        action.lasts = by_magnitude(rng, 10ms, 500ms);
        break;
    case ActionKind::truncate_log:
    case ActionKind::remove_old_logs: {
        action.node = some_agent;
        action.log = static_cast<std::uint32_t>(rng.below(plan.agents[some_agent - 1].logs.size()));
        break;
    }
    case ActionKind::grow_topic: action.node = 0; break;
    }
    return action;
}

void draw_actions(Rng& rng, Plan& plan) {
    const auto add = [&rng, &plan](const ActionKind kind, const std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            plan.actions.push_back(draw_action(rng, plan, kind));
        }
    };
    // Three crashes at least, of both sides.
    constexpr ActionKind crashes[] = {ActionKind::kill, ActionKind::kill, ActionKind::take_power};
    for (std::uint32_t node = 0; node < 3; ++node) {
        plan.actions.push_back(draw_action(rng, plan, one_of(rng, crashes)));
        Action& crash = plan.actions.back();
        crash.node = node % (static_cast<std::uint32_t>(plan.agents.size()) + 1);
        crash.waits_for_flight = true;
        crash.checkpoint = crash.node == 0 ? CheckpointFate::kept : crash.checkpoint;
    }
    // Of the other kinds some, by lot: a seed of few faults finds other mistakes than one of many.
    const bool is_calm = rng.chance(0.2);
    constexpr ActionKind others[] = {
        ActionKind::kill,
        ActionKind::take_power,
        ActionKind::stop,
        ActionKind::pause,
        ActionKind::block_network,
        ActionKind::cut_connections,
        ActionKind::jump_clock,
        ActionKind::fill_disk,
        ActionKind::break_syncs,
        ActionKind::grow_topic};
    for (const ActionKind kind : others) {
        if (rng.chance(is_calm ? 0.1 : 0.4)) {
            add(kind, kind == ActionKind::grow_topic ? 1 : 1 + rng.below(is_calm ? 1 : 4));
        }
    }
    if (rng.chance(0.25)) {
        add(ActionKind::truncate_log, 1 + rng.below(3));
    }
    if (rng.chance(0.25)) {
        add(ActionKind::remove_old_logs, 1 + rng.below(3));
    }
    std::ranges::stable_sort(plan.actions, {}, &Action::at);
    for (std::uint32_t i = 0; i < plan.actions.size(); ++i) {
        plan.actions[i].number = i;
    }
}

void draw_faults(Rng& rng, Plan& plan) {
    if (rng.chance(0.4)) {
        plan.net.cut = rate(rng, 0.00003);
    }
    if (rng.chance(0.4)) {
        plan.net.spike = rate(rng, 0.0002);
    }
    if (rng.chance(0.3)) {
        plan.backend.sync_max = by_magnitude(rng, 4ms, 100ms);
    }
    if (rng.chance(0.3)) {
        plan.backend.spike = rate(rng, 0.0002);
    }
    if (rng.chance(0.5)) {
        for (io::SimDiskFaults* const disk : {&plan.agent_disk, &plan.collector_disk}) {
            disk->short_read = 0.02;
            disk->short_write = 0.02;
            disk->interrupted = 0.01;
        }
    }
    if (rng.chance(0.3)) {
        plan.agent_disk.read_error = 0.002;
    }
    if (rng.chance(0.3)) {
        plan.agent_disk.write_error = 0.02;
        plan.agent_disk.sync_error = 0.05;
    }
    if (rng.chance(0.1)) {
        plan.collector_disk.sync_error = 0.002;
    }
    if (rng.chance(0.05)) {
        plan.collector_disk.write_error = 0.0005;
    }
    if (rng.chance(0.5)) {
        plan.fault_points = rate(rng, 0.001);
    }
    plan.ends_with_damage = rng.chance(0.1);
}

/// A large file takes a while to copy. Drawn apart from the rest, which stays as it was for each seed.
void draw_copying(const std::uint64_t seed, Plan& plan) {
    Rng rng(seed * 0xD1B54A32D192ED03ull + 5);
    for (AgentPlan& agent : plan.agents) {
        for (LogPlan& log : agent.logs) {
            const bool is_slow = rng.chance(0.25) && log.rotation == Rotation::by_copytruncate;
            log.copy_time = is_slow ? by_magnitude(rng, 50ms, 3s) : Nanos::zero();
        }
    }
}

std::string ms(const Nanos time) {
    return std::to_string(std::chrono::duration_cast<Millis>(time).count()) + " ms";
}

std::string yes(const bool value, const std::string& what) {
    return value ? ", " + what : std::string();
}

std::string text_of(const LogPlan& log) {
    return "  log " + log.name + ": " + std::to_string(log.lines) + " lines of up to "
         + std::to_string(log.line_bytes_max) + " B, " + std::to_string(log.lines_per_write)
         + " each " + ms(log.write_interval) + ", rotated by "
         + (log.rotation == Rotation::by_rename ? "rename" : "copytruncate") + " each "
         + ms(log.rotate_interval) + yes(log.has_banner, "banner") + yes(log.is_halved, "halved")
         + yes(log.is_moved_away, "into another folder")
         + yes(log.copy_time != Nanos::zero(), "copied within " + ms(log.copy_time)) + "\n";
}

std::string text_of(const Action& action) {
    constexpr const char* fates[] = {"kept", "lost", "torn", "old"};
    std::string text = "action " + std::to_string(action.number) + " at " + ms(action.at) + ": "
                     + to_string(action.kind) + " of node " + std::to_string(action.node);
    if (action.kind == ActionKind::truncate_log || action.kind == ActionKind::remove_old_logs) {
        text += ", log " + std::to_string(action.log);
    }
    if (action.lasts != Nanos::zero()) {
        text += ", for " + ms(action.lasts);
    }
    if (action.jump != Nanos::zero()) {
        text += ", by " + ms(action.jump);
    }
    if (action.checkpoint != CheckpointFate::kept) {
        text += std::string(", checkpoint ") + fates[static_cast<std::size_t>(action.checkpoint)];
    }
    return text + yes(action.waits_for_flight, "with data on its way") + "\n";
}

}  // namespace

const char* to_string(const ActionKind kind) noexcept {
    switch (kind) {
    case ActionKind::kill: return "kill";
    case ActionKind::take_power: return "power loss";
    case ActionKind::stop: return "stop";
    case ActionKind::cut_connections: return "connections cut";
    case ActionKind::block_network: return "network blocked";
    case ActionKind::pause: return "pause";
    case ActionKind::jump_clock: return "clock jump";
    case ActionKind::fill_disk: return "full disk";
    case ActionKind::break_syncs: return "failing syncs";
    case ActionKind::truncate_log: return "log truncated";
    case ActionKind::remove_old_logs: return "old logs removed";
    case ActionKind::grow_topic: return "partitions added";
    }
    return "unknown";
}

Plan Plan::draw(const std::uint64_t seed) {
    Rng rng(seed * 0x9E3779B97F4A7C15ull + 1);
    Plan plan;
    plan.seed = seed;
    plan.trouble_time = between(rng, 45s, 60s);
    plan.collector = draw_collector(rng);
    const std::uint32_t agents = rng.chance(0.6) ? 1 : 2;
    const auto lines = static_cast<std::uint32_t>(2000 + rng.below(1500));
    for (std::uint32_t i = 0; i < agents; ++i) {
        plan.agents.push_back(draw_agent(rng, i, lines / agents, plan.trouble_time));
    }
    // At least three logs.
    if (agents == 1 && plan.agents.front().logs.size() < 3) {
        plan.agents.front().logs.push_back(draw_log(rng, "ax", lines / 3, plan.trouble_time));
        plan.agents.front().logs.back().rotation = Rotation::by_rename;
    }
    plan.producer_batches = rng.chance(0.5) ? static_cast<std::uint32_t>(by_magnitude(rng, 20, 400))
                                            : 0;
    draw_actions(rng, plan);
    draw_faults(rng, plan);
    draw_copying(seed, plan);
    return plan;
}

std::set<std::string> Plan::faults() const {
    std::set<std::string> names;
    const auto add = [&names](const bool is_on, const char* const name) {
        if (is_on) {
            names.insert(name);
        }
    };
    add(net.cut > 0, "net.cut");
    add(net.spike > 0, "net.spike");
    add(backend.spike > 0.001, "disk.spike");
    add(agent_disk.short_read > 0, "disk.short");
    add(agent_disk.read_error > 0, "agent.read_error");
    add(agent_disk.sync_error > 0, "agent.write_error");
    add(collector_disk.sync_error > 0, "collector.sync_error");
    add(collector_disk.write_error > 0, "collector.write_error");
    add(fault_points > 0, "fault_points");
    add(producer_batches != 0, "producer");
    add(collector.retention_time != Nanos::zero(), "retention");
    add(ends_with_damage, "damage");
    for (const AgentPlan& agent : agents) {
        add(agent.is_polling, "polling");
        for (const LogPlan& log : agent.logs) {
            add(log.rotation == Rotation::by_copytruncate, "copytruncate");
            add(log.has_banner, "banner");
            add(log.is_halved, "halves");
            add(log.is_moved_away, "moving");
            add(log.copy_time != Nanos::zero(), "copying");
        }
    }
    for (const Action& action : actions) {
        add(action.checkpoint != CheckpointFate::kept, "checkpoints");
    }
    return names;
}

void Plan::without(const std::string& fault) {
    const auto off = [&fault](const char* const name, double& rate) {
        rate = fault == name ? 0 : rate;
    };
    off("net.cut", net.cut);
    off("net.spike", net.spike);
    off("disk.spike", backend.spike);
    off("agent.read_error", agent_disk.read_error);
    off("agent.write_error", agent_disk.write_error);
    off("agent.write_error", agent_disk.sync_error);
    off("collector.sync_error", collector_disk.sync_error);
    off("collector.write_error", collector_disk.write_error);
    off("fault_points", fault_points);
    for (io::SimDiskFaults* const disk : {&agent_disk, &collector_disk}) {
        off("disk.short", disk->short_read);
        off("disk.short", disk->short_write);
        off("disk.short", disk->interrupted);
    }
    if (fault == "producer") {
        producer_batches = 0;
    }
    if (fault == "retention") {
        collector.retention_time = Nanos::zero();
    }
    if (fault == "damage") {
        ends_with_damage = false;
    }
    for (AgentPlan& agent : agents) {
        agent.is_polling = agent.is_polling && fault != "polling";
        for (LogPlan& log : agent.logs) {
            log.rotation = fault == "copytruncate" ? Rotation::by_rename : log.rotation;
            log.has_banner = log.has_banner && fault != "banner";
            log.is_halved = log.is_halved && fault != "halves";
            log.is_moved_away = log.is_moved_away && fault != "moving";
            log.copy_time = fault == "copying" ? Nanos::zero() : log.copy_time;
        }
    }
    for (Action& action : actions) {
        action.checkpoint = fault == "checkpoints" ? CheckpointFate::kept : action.checkpoint;
    }
}

void Plan::without_action(const std::uint32_t number) {
    has_enough_crashes = false;
    std::erase_if(actions, [number](const Action& action) { return action.number == number; });
}

bool Plan::destroys_lines() const noexcept {
    return std::ranges::any_of(actions, [](const Action& action) {
        return action.kind == ActionKind::truncate_log
            || action.kind == ActionKind::remove_old_logs;
    });
}

std::string Plan::text() const {
    std::string text = "seed " + std::to_string(seed) + ", trouble for " + ms(trouble_time) + "\n";
    text += "collector: " + std::to_string(collector.partitions) + " partitions, segments of "
          + std::to_string(collector.segment_bytes) + " B, tail cache of "
          + std::to_string(collector.tail_cache_bytes) + " B, retention "
          + ms(collector.retention_time) + "\n";
    for (const AgentPlan& agent : agents) {
        text += "agent: batches of up to " + std::to_string(agent.batch_bytes_max) + " B and "
              + ms(agent.batch_age_max) + ", rescan " + ms(agent.rescan_interval) + ", quiet "
              + ms(agent.rotate_quiet) + ", idle " + ms(agent.close_idle) + ", memory "
              + std::to_string(agent.memory_max) + yes(agent.is_compressing, "lz4")
              + yes(agent.is_polling, "polling") + "\n";
        for (const LogPlan& log : agent.logs) {
            text += text_of(log);
        }
    }
    text += "faults:";
    for (const std::string& fault : faults()) {
        text += " " + fault;
    }
    text += "\n";
    for (const Action& action : actions) {
        text += text_of(action);
    }
    return text;
}

}  // namespace logboom::sim
