// One agent's connection: Hello says who it is and learns where each stream stands; Ship appends.
#pragma once

#include "collector/ingest/agent_registry.h"
#include "collector/metadata/meta_store.h"
#include "collector/replica/replica_manager.h"
#include "collector/replica/topic_service.h"
#include "shared/io/shard.h"
#include "shared/rpc/agent_messages.h"
#include "shared/rpc/server.h"

#include <map>
#include <optional>
#include <string>

namespace logboom::ingest {

struct IngestOptions {
    bool auto_create = true;
    std::int32_t partitions_default = 1;
    std::uint32_t batch_bytes_max = limits::batch_bytes_max;
    /// An agent pings at least this often; without a word for so long it is taken for gone.
    Nanos idle_timeout = 120s;
    Nanos frame_timeout = 30s;
    /// Bytes of requests being worked on at once, over all connections of the shard.
    std::uint64_t request_bytes_max = limits::door_request_bytes_max;
};

/// References that live as long as the collector. Shard: `shard`.
struct Ingest {
    Shard& shard;
    metadata::MetaStore& meta;
    replica::ReplicaManager& replicas;
    replica::TopicService& topics;
    AgentRegistry& agents;
    IngestOptions options;

    [[nodiscard]] Env& env() const noexcept { return shard.env(); }
};

class AgentSession final : public rpc::RpcHandler {
public:
    explicit AgentSession(Ingest& ingest) noexcept : ingest_(ingest) {}

    Task<Result<rpc::RpcReply>> handle(rpc::Frame request) override;
    /// After the last request: lets the agent's id go.
    Task<void> end();

private:
    Task<Result<rpc::RpcReply>> hello(rpc::Frame request);
    Task<Result<rpc::RpcReply>> ship(rpc::Frame request);
    Task<rpc::TopicPositions> positions_of(
        const rpc::TopicStreams& asked, std::size_t room, std::uint32_t& epoch_known
    );
    Task<void> append(Slice batch, const rpc::BatchEnvelope& envelope, rpc::BatchResult& result);
    [[nodiscard]] bool is_of_deleted_topic(const std::string& name) const;

    Ingest& ingest_;
    std::optional<record::Id128> agent_id_;             // after a good Hello
    std::map<std::string, record::Id128> topics_told_;  // by Hellos of this connection
};

}  // namespace logboom::ingest
