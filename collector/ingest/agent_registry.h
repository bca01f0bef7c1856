// Which machine uses which agent id now, over all connections of this node (agent-design 3.1: of two
// live machines with one id the newcomer is refused).
#pragma once

#include "shared/io/shard.h"
#include "shared/record/source_cursor.h"

#include <map>
#include <string>

namespace logboom::ingest {

/// Lives on one shard; called from any through `claim` and `release`.
class AgentRegistry {
public:
    explicit AgentRegistry(Shard& home) noexcept : home_(home) {}

    /// Notes one more connection of `agent`. False: another machine holds the id; nothing was noted.
    Task<bool> claim(Shard& from, record::Id128 agent, std::string machine_id);
    /// Ends what one successful `claim` began.
    Task<void> release(Shard& from, record::Id128 agent);

private:
    struct Holder {
        std::string machine_id;
        std::uint32_t connections = 0;
    };

    Task<bool> claim_here(record::Id128 agent, std::string machine_id);
    Task<bool> release_here(record::Id128 agent);

    Shard& home_;
    std::map<record::Id128, Holder> holders_;
};

}  // namespace logboom::ingest
