// Which machine uses which agent id now, over all connections of this node (agent-design 3.1: of two
// live machines with one id the newcomer is refused), and which agents have been here.
#pragma once

#include "shared/base/limits.h"
#include "shared/base/time.h"
#include "shared/io/shard.h"
#include "shared/record/source_cursor.h"

#include <map>
#include <string>
#include <vector>

namespace logboom::ingest {

/// What an agent says of itself.
struct AgentFacts {
    std::string machine_id;
    std::string host;
    std::string version;
};

/// An agent of now, or one that has gone since this node started.
struct KnownAgent {
    record::Id128 id{};
    AgentFacts facts;
    std::uint32_t connections = 0;
    WallTime last_seen{};  // of one that is connected: now
};

/// Lives on one shard; called from any through `claim`, `release` and `list`.
class AgentRegistry {
public:
    /// `remembered_max`: of agents that have gone; those who went first are forgotten.
    explicit AgentRegistry(
        Shard& home, const std::size_t remembered_max = limits::agents_remembered_max
    ) noexcept
        : home_(home)
        , remembered_max_(remembered_max) {}

    /// Notes one more connection of `agent`. False: another machine holds the id; nothing was noted.
    Task<bool> claim(Shard& from, record::Id128 agent, AgentFacts facts);
    /// Ends what one successful `claim` began.
    Task<void> release(Shard& from, record::Id128 agent);
    /// All that are known, by id.
    Task<std::vector<KnownAgent>> list(Shard& from);

private:
    struct Holder {
        AgentFacts facts;
        std::uint32_t connections = 0;
        WallTime last_seen{};    // when the last connection ended
        std::uint64_t left = 0;  // key of `gone_`; 0: it is connected
    };

    Task<bool> claim_here(record::Id128 agent, AgentFacts facts);
    Task<bool> release_here(record::Id128 agent);
    Task<std::vector<KnownAgent>> list_here();

    Shard& home_;
    std::size_t remembered_max_;
    std::map<record::Id128, Holder> holders_;
    std::map<std::uint64_t, record::Id128> gone_;  // by the order in which they left
    std::uint64_t departures_ = 0;
};

}  // namespace logboom::ingest
