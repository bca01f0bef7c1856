#include "collector/ingest/agent_registry.h"

namespace logboom::ingest {

Task<bool> AgentRegistry::claim(Shard& from, const record::Id128 agent, AgentFacts facts) {
    std::function<Task<bool>()> work = [this, agent, told = std::move(facts)] {
        return claim_here(agent, told);
    };
    co_return co_await io::call_on(from, home_, std::move(work));
}

Task<void> AgentRegistry::release(Shard& from, const record::Id128 agent) {
    std::function<Task<bool>()> work = [this, agent] { return release_here(agent); };
    [[maybe_unused]] const bool released = co_await io::call_on(from, home_, std::move(work));
}

Task<std::vector<KnownAgent>> AgentRegistry::list(Shard& from) {
    std::function<Task<std::vector<KnownAgent>>()> work = [this] { return list_here(); };
    co_return co_await io::call_on(from, home_, std::move(work));
}

Task<bool> AgentRegistry::claim_here(const record::Id128 agent, AgentFacts facts) {
    Holder& holder = holders_[agent];
    if (holder.connections != 0 && holder.facts.machine_id != facts.machine_id) {
        co_return false;
    }
    gone_.erase(holder.left);
    holder.left = 0;
    holder.facts = std::move(facts);
    ++holder.connections;
    co_return true;
}

Task<bool> AgentRegistry::release_here(const record::Id128 agent) {
    const auto found = holders_.find(agent);
    LB_ASSERT(found != holders_.end() && found->second.connections != 0);
    Holder& holder = found->second;
    if (--holder.connections != 0) {
        co_return true;
    }
    holder.last_seen = home_.env().clock.wall();
    holder.left = ++departures_;
    gone_[holder.left] = agent;
    if (gone_.size() > remembered_max_) {
        holders_.erase(gone_.begin()->second);
        gone_.erase(gone_.begin());
    }
    co_return true;
}

Task<std::vector<KnownAgent>> AgentRegistry::list_here() {
    const WallTime now = home_.env().clock.wall();
    std::vector<KnownAgent> known;
    for (const auto& [id, holder] : holders_) {
        const WallTime last_seen = holder.connections != 0 ? now : holder.last_seen;
        known.push_back(KnownAgent{id, holder.facts, holder.connections, last_seen});
    }
    co_return known;
}

}  // namespace logboom::ingest
