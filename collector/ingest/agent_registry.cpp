#include "collector/ingest/agent_registry.h"

namespace logboom::ingest {

Task<bool> AgentRegistry::claim(Shard& from, const record::Id128 agent, std::string machine_id) {
    std::function<Task<bool>()> work = [this, agent, machine = std::move(machine_id)] {
        return claim_here(agent, machine);
    };
    co_return co_await io::call_on(from, home_, std::move(work));
}

Task<void> AgentRegistry::release(Shard& from, const record::Id128 agent) {
    std::function<Task<bool>()> work = [this, agent] { return release_here(agent); };
    [[maybe_unused]] const bool released = co_await io::call_on(from, home_, std::move(work));
}

Task<bool> AgentRegistry::claim_here(const record::Id128 agent, std::string machine_id) {
    Holder& holder = holders_[agent];
    if (holder.connections != 0 && holder.machine_id != machine_id) {
        co_return false;
    }
    holder.machine_id = std::move(machine_id);
    ++holder.connections;
    co_return true;
}

Task<bool> AgentRegistry::release_here(const record::Id128 agent) {
    const auto found = holders_.find(agent);
    LB_ASSERT(found != holders_.end() && found->second.connections != 0);
    if (--found->second.connections == 0) {
        holders_.erase(found);
    }
    co_return true;
}

}  // namespace logboom::ingest
