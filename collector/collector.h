// The collector: the one place where its parts are joined. Runs over any Env, whole inside the simulator.
#pragma once

#include "collector/broker/kafka_door.h"
#include "collector/collector_config.h"
#include "collector/ingest/agent_door.h"
#include "collector/metadata/local_meta_store.h"
#include "collector/replica/fetch_hub.h"
#include "collector/replica/replica_manager.h"
#include "collector/replica/topic_service.h"
#include "shared/http/health.h"
#include "shared/http/server.h"
#include "shared/metrics/registry.h"

#include <memory>
#include <vector>

namespace logboom::collector {

/// Ports that were bound; 0: this listener is not configured.
struct BoundPorts {
    std::uint16_t kafka = 0;
    std::uint16_t agents = 0;
    std::uint16_t http = 0;
};

class Collector {
public:
    /// `shards` are all shards of the node; the caller's is the first. They outlive the collector.
    Collector(std::vector<Shard*> shards, CollectorConfig config, metrics::Registry& registry);
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;
    ~Collector();

    /// Opens the store and the logs, then the doors; writes `ports.json` into the data directory. On an
    /// error what was started is stopped by `stop()`. Shard: the first.
    Task<Result<Ok>> start();
    /// Closes the doors, syncs and closes the logs. Shard: the first. Not cut short by cancellation.
    Task<void> stop();

    /// True once a log directory was given up after an I/O error: the program ends, and the next start
    /// explains. Any shard.
    [[nodiscard]] bool has_storage_failed() const noexcept {
        return replicas_ != nullptr && replicas_->has_storage_failed();
    }
    [[nodiscard]] const BoundPorts& ports() const noexcept { return ports_; }
    /// For tests and tools in the same process: the partitions behind the doors.
    [[nodiscard]] replica::ReplicaManager& replicas() noexcept { return *replicas_; }
    [[nodiscard]] metadata::MetaStore& store() noexcept { return *store_; }

private:
    /// The doors of one shard; made, started and stopped there.
    struct ShardDoors;

    Task<Result<Ok>> lock_data_dir();
    Task<void> look_in_at_each_shard();
    Task<Result<Ok>> open_doors();
    Task<Result<Ok>> open_shard_doors(std::size_t index);
    Task<Result<Ok>> refuse_taken_ports(Shard& shard);
    Task<Result<Ok>> close_shard_doors(std::size_t index);
    Task<Result<Ok>> write_ports();
    Task<http::Response> answer_metrics(http::Request request);
    Task<http::Response> answer_healthz(http::Request request);
    Task<http::Response> answer_readyz(http::Request request);
    Task<http::Response> answer_agents(http::Request request);
    Task<Result<Ok>> open_http();
    /// Copies what the parts count themselves into the registry's cells.
    void refresh_metrics();

    [[nodiscard]] Env& env() noexcept { return shards_.front()->env(); }
    [[nodiscard]] const std::string& data_dir() const noexcept { return config_.data_dirs.front(); }
    [[nodiscard]] broker::BrokerOptions broker_options() const;

    std::vector<Shard*> shards_;
    CollectorConfig config_;
    metrics::Registry& registry_;
    metrics::Gauge& topics_gauge_;
    metrics::Gauge& partitions_gauge_;
    metrics::Gauge& kafka_connections_gauge_;
    metrics::Gauge& agent_connections_gauge_;
    BoundPorts ports_;
    bool ready_ = false;

    io::File lock_;
    std::unique_ptr<metadata::LocalMetaStore> store_;
    std::unique_ptr<replica::FetchHubs> fetch_hubs_;
    std::unique_ptr<replica::ReplicaManager> replicas_;
    std::unique_ptr<replica::TopicService> topics_;
    std::unique_ptr<metadata::ProducerIds> producer_ids_;
    std::unique_ptr<ingest::AgentRegistry> agents_;
    std::vector<std::unique_ptr<ShardDoors>> doors_;
    std::unique_ptr<http::Server> http_;
};

}  // namespace logboom::collector
