#include "collector/collector.h"

#include "collector/ingest/agent_list.h"

#include <algorithm>

namespace logboom::collector {

struct Collector::ShardDoors {
    ShardDoors(
        broker::Broker kafka_part,
        io::TcpServerOptions kafka_server,
        ingest::Ingest agents_part,
        io::TcpServerOptions agents_server
    )
        : kafka(std::move(kafka_part), std::move(kafka_server))
        , agents(std::move(agents_part), std::move(agents_server)) {}

    broker::KafkaDoor kafka;
    ingest::AgentDoor agents;
    bool kafka_open = false;
    bool agents_open = false;
};

namespace {

Task<Result<Ok>> do_nothing() {
    co_return Ok{};
}

SocketAddress to_address(const config::HostPort& text) {
    return SocketAddress{text.host, text.port};
}

/// What holds for topics that say nothing else.
metadata::TopicConfig topic_defaults_of(const CollectorConfig& config) {
    metadata::TopicConfig defaults;
    defaults.segment_bytes = static_cast<std::int64_t>(config.segment_bytes);
    defaults.retention_ms = config.retention_time == Nanos::zero()
                              ? -1
                              : config.retention_time / Millis(1);
    defaults.retention_bytes = config.retention_bytes == 0
                                 ? -1
                                 : static_cast<std::int64_t>(config.retention_bytes);
    defaults.max_message_bytes = config.message_bytes_max;
    return defaults;
}

}  // namespace

Collector::Collector(
    std::vector<Shard*> shards, CollectorConfig config, metrics::Registry& registry
)
    : shards_(std::move(shards))
    , config_(std::move(config))
    , registry_(registry)
    , topics_gauge_(registry.gauge("logboom_collector_topics", "Topics of this node."))
    , partitions_gauge_(registry.gauge("logboom_collector_partitions", "Partitions of this node."))
    , kafka_connections_gauge_(registry.gauge(
          "logboom_collector_connections", "Open connections.", {{"listener", "kafka"}}
      ))
    , agent_connections_gauge_(registry.gauge(
          "logboom_collector_connections", "Open connections.", {{"listener", "agents"}}
      )) {
    LB_ASSERT(!shards_.empty() && !config_.data_dirs.empty());
}

Collector::~Collector() = default;

Task<Result<Ok>> Collector::start() {
    LB_CO_CHECK(co_await lock_data_dir());

    metadata::LocalMetaStoreOptions store_options;
    store_options.dir = data_dir() + "/metadata";
    store_options.node_id = config_.id;
    store_ = std::make_unique<metadata::LocalMetaStore>(env(), std::move(store_options));
    LB_CO_CHECK(co_await store_->open());

    fetch_hubs_ = std::make_unique<replica::FetchHubs>(shards_);
    replica::ReplicaManagerOptions replica_options;
    replica_options.log_dir = data_dir() + "/log";
    replica_options.topic_defaults = topic_defaults_of(config_);
    replica_options.producers.expiration_ms = config_.producer_expiration / Millis(1);
    replica_options.tail_cache_bytes = config_.tail_cache_bytes;
    replica_options.retention_interval = config_.retention_interval;
    replica_options.registry = &registry_;
    replicas_ = std::make_unique<replica::ReplicaManager>(
        shards_, std::move(replica_options), *fetch_hubs_
    );
    const metadata::ImagePtr image = store_->image();
    LB_CO_CHECK(co_await replicas_->open(image));
    topics_ = std::make_unique<replica::TopicService>(*store_, *replicas_, *shards_.front());
    co_await topics_->finish_removals();
    producer_ids_ = std::make_unique<metadata::ProducerIds>(*store_, *shards_.front());
    agents_ = std::make_unique<ingest::AgentRegistry>(*shards_.front());

    LB_CO_CHECK(co_await open_doors());
    LB_CO_CHECK(co_await open_http());
    LB_CO_CHECK(co_await write_ports());
    ready_ = true;
    env().log.info(
        "collector is ready",
        {kv("node", store_->node_id()),
         kv("kafka_port", ports_.kafka),
         kv("agents_port", ports_.agents),
         kv("http_port", ports_.http),
         kv("shards", shards_.size())}
    );
    co_return Ok{};
}

Task<void> Collector::stop() {
    ready_ = false;
    if (http_ != nullptr) {
        co_await http_->stop();
    }
    for (std::size_t i = doors_.size(); i > 0; --i) {
        const std::size_t index = i - 1;
        std::function<Task<Result<Ok>>()> work = [this, index] { return close_shard_doors(index); };
        [[maybe_unused]] const Result<Ok> closed =
            co_await io::call_on(*shards_.front(), *shards_[index], std::move(work));
    }
    if (replicas_ != nullptr) {
        co_await replicas_->stop();
        co_await look_in_at_each_shard();
    }
    if (store_ != nullptr) {
        co_await store_->close();
    }
    env().log.info("collector has stopped");
}

/// The last appends may have posted wake-ups that name partitions and hubs: they are behind us afterwards.
Task<void> Collector::look_in_at_each_shard() {
    for (Shard* const shard : shards_) {
        std::function<Task<Result<Ok>>()> work = [] { return do_nothing(); };
        [[maybe_unused]] const Result<Ok> passed =
            co_await io::call_on(*shards_.front(), *shard, std::move(work));
    }
}

Task<Result<Ok>> Collector::lock_data_dir() {
    LB_CO_CHECK(co_await env().fs.make_dirs(data_dir()));
    const std::string path = data_dir() + "/lock";
    LB_CO_TRY(io::File lock, co_await env().fs.open(path, O_RDWR | O_CREAT, 0640));
    lock_ = std::move(lock);
    const Result<Ok> locked = co_await lock_.lock();
    if (!locked) {
        env().log.error(
            "the data directory is in use by another collector; stop that one or set another "
            "[node] data_dirs",
            {kv("data_dir", quoted(data_dir())), kv("error", to_string(locked.error()))}
        );
        co_return locked.error();
    }
    co_return Ok{};
}

broker::BrokerOptions Collector::broker_options() const {
    const ListenerConfig* const kafka = config_.listener(ListenerProtocol::kafka);
    broker::BrokerOptions options;
    options.advertise = to_address(kafka->advertise ? *kafka->advertise : kafka->listen);
    options.auto_create = config_.auto_create;
    options.partitions_default = config_.partitions;
    options.topic_defaults = topic_defaults_of(config_);
    options.log_dir = data_dir() + "/log";
    options.producer_expiration_ms = config_.producer_expiration / Millis(1);
    options.batch_bytes_max = config_.message_bytes_max;
    options.request_bytes_max /= shards_.size();
    options.rack = config_.rack;
    options.shutdown_timeout = config_.shutdown_timeout;
    return options;
}

Task<Result<Ok>> Collector::open_doors() {
    doors_.resize(shards_.size());
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        std::function<Task<Result<Ok>>()> work = [this, i] { return open_shard_doors(i); };
        LB_CO_CHECK(co_await io::call_on(*shards_.front(), *shards_[i], std::move(work)));
    }
    co_return Ok{};
}

Task<Result<Ok>> Collector::open_shard_doors(const std::size_t index) {
    Shard& shard = *shards_[index];
    const ListenerConfig* const kafka = config_.listener(ListenerProtocol::kafka);
    const ListenerConfig* const agents = config_.listener(ListenerProtocol::agents);

    io::TcpServerOptions kafka_server;
    io::TcpServerOptions agents_server;
    kafka_server.share_port = agents_server.share_port = shards_.size() > 1;
    const auto shard_count = static_cast<std::uint32_t>(shards_.size());
    kafka_server.connections_max = agents_server.connections_max =
        (config_.connections_max + shard_count - 1) / shard_count;
    ingest::IngestOptions ingest_options;
    ingest_options.auto_create = config_.auto_create;
    ingest_options.partitions_default = config_.partitions;
    ingest_options.batch_bytes_max = config_.message_bytes_max;
    ingest_options.request_bytes_max /= shards_.size();
    broker::BrokerOptions kafka_options;
    if (kafka != nullptr) {
        kafka_server.address = to_address(kafka->listen);
        kafka_options = broker_options();
        // A consumer that works for minutes between two polls leaves its answer in the socket meanwhile.
        kafka_server.conn.send_timeout = kafka_options.idle_timeout;
    }
    if (agents != nullptr) {
        agents_server.address = to_address(agents->listen);
    }
    // The first shard takes any free port where that was asked for; the others share it.
    if (index != 0) {
        kafka_server.address.port = ports_.kafka;
        agents_server.address.port = ports_.agents;
    }
    broker::Broker kafka_part{
        shard,
        *store_,
        *replicas_,
        *topics_,
        *producer_ids_,
        fetch_hubs_->of(shard),
        std::move(kafka_options)};
    ingest::Ingest agents_part{
        shard, *store_, *replicas_, *topics_, *agents_, std::move(ingest_options)};
    doors_[index] = std::make_unique<ShardDoors>(
        std::move(kafka_part),
        std::move(kafka_server),
        std::move(agents_part),
        std::move(agents_server)
    );
    ShardDoors& doors = *doors_[index];
    if (index == 0 && shards_.size() > 1) {
        LB_CO_CHECK(co_await refuse_taken_ports(shard));
    }
    if (kafka != nullptr) {
        LB_CO_CHECK(co_await doors.kafka.start());
        doors.kafka_open = true;
        ports_.kafka = doors.kafka.port();
    }
    if (agents != nullptr) {
        LB_CO_CHECK(co_await doors.agents.start());
        doors.agents_open = true;
        ports_.agents = doors.agents.port();
    }
    co_return Ok{};
}

/// A port that our shards share would be shared with another collector, too, which then gets some of our
/// connections: each is taken alone first.
Task<Result<Ok>> Collector::refuse_taken_ports(Shard& shard) {
    for (const ListenerProtocol protocol : {ListenerProtocol::kafka, ListenerProtocol::agents}) {
        const ListenerConfig* const listener = config_.listener(protocol);
        if (listener == nullptr || listener->listen.port == 0) {
            continue;
        }
        SocketAddress address = to_address(listener->listen);
        LB_CO_TRY(
            const std::unique_ptr<Listener> alone,
            co_await shard.env().net.listen(std::move(address), false)
        );
        co_await alone->close();
    }
    co_return Ok{};
}

Task<Result<Ok>> Collector::close_shard_doors(const std::size_t index) {
    if (doors_[index] != nullptr) {
        ShardDoors& doors = *doors_[index];
        if (doors.agents_open) {
            co_await doors.agents.stop();
        }
        if (doors.kafka_open) {
            co_await doors.kafka.stop();
        }
        doors_[index].reset();
    }
    co_return Ok{};
}

Task<Result<Ok>> Collector::open_http() {
    const ListenerConfig* const listener = config_.listener(ListenerProtocol::http);
    if (listener == nullptr) {
        co_return Ok{};
    }
    http::ServerOptions options;
    options.address = to_address(listener->listen);
    http_ = std::make_unique<http::Server>(env(), std::move(options));
    http_->route("GET", "/metrics", [this](http::Request request) {
        return answer_metrics(std::move(request));
    });
    http_->route("GET", "/healthz", [this](http::Request request) {
        return answer_healthz(std::move(request));
    });
    http_->route("GET", "/readyz", [this](http::Request request) {
        return answer_readyz(std::move(request));
    });
    http_->route("GET", "/api/v1/agents", [this](http::Request request) {
        return answer_agents(std::move(request));
    });
    LB_CO_CHECK(co_await http_->start());
    ports_.http = http_->port();
    co_return Ok{};
}

Task<http::Response> Collector::answer_metrics(http::Request) {
    refresh_metrics();
    co_return http::metrics_response(registry_);
}

Task<http::Response> Collector::answer_healthz(http::Request) {
    co_return http::healthz_response();
}

Task<http::Response> Collector::answer_readyz(http::Request) {
    std::vector<http::ReadyCheck> checks;
    http::ReadyCheck& doors = checks.emplace_back();
    doors.name = "doors";
    doors.ok = ready_;
    http::ReadyCheck& storage = checks.emplace_back();
    storage.name = "storage";
    storage.ok = !has_storage_failed();
    co_return http::readyz_response(checks);
}

Task<http::Response> Collector::answer_agents(http::Request request) {
    http::Response response;
    if (!request.query.empty()) {
        response.status = 400;
        response.content_type = "application/problem+json";
        response.body = R"({"type":"/problems/bad-parameter","title":"Bad parameter","status":400,)"
                        R"("detail":"this list takes no parameters"})"
                        "\n";
        co_return response;
    }
    const std::vector<ingest::KnownAgent> agents = co_await agents_->list(*shards_.front());
    response.content_type = "application/json";
    response.body = ingest::agents_as_json(agents) + "\n";
    co_return response;
}

void Collector::refresh_metrics() {
    const metadata::ImagePtr image = store_->image();
    std::size_t partitions = 0;
    for (const metadata::TopicImage& topic : image->topics()) {
        partitions += topic.partitions.size();
    }
    std::uint64_t kafka = 0;
    std::uint64_t agents = 0;
    for (const auto& doors : doors_) {
        // Counts of other shards: a value of a moment ago is good enough here.
        kafka += doors == nullptr ? 0 : doors->kafka.server().connections();
        agents += doors == nullptr ? 0 : doors->agents.server().connections();
    }
    topics_gauge_.set(static_cast<double>(image->topics().size()));
    partitions_gauge_.set(static_cast<double>(partitions));
    kafka_connections_gauge_.set(static_cast<double>(kafka));
    agent_connections_gauge_.set(static_cast<double>(agents));
}

Task<Result<Ok>> Collector::write_ports() {
    std::string json = "{";
    const auto add = [&json](const char* const name, const std::uint16_t port) {
        if (port != 0) {
            json += json.size() > 1 ? ", \"" : "\"";
            json += name;
            json += "\": " + std::to_string(port);
        }
    };
    add("kafka", ports_.kafka);
    add("agents", ports_.agents);
    add("http", ports_.http);
    json += "}\n";
    const std::string path = data_dir() + "/ports.json";
    co_return co_await env().fs.replace_file(path, as_bytes(json));
}

}  // namespace logboom::collector
