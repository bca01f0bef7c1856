// The brokers of one cluster as a client sees them: who is there, who leads what, connections to them.
#pragma once

#include "collector/ctl/broker_connection.h"
#include "shared/kafka/messages/metadata.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace logboom::ctl {

struct ClusterOptions {
    std::vector<PeerAddress> brokers;
    Nanos timeout = 10s;  ///< of one control call
};

struct PartitionLayout {
    std::int32_t index = 0;
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;
    std::size_t replicas_count = 0;
    std::size_t isr_count = 0;
};

struct TopicLayout {
    std::string name;
    kafka::Uuid id;
    bool is_internal = false;
    std::vector<PartitionLayout> partitions;  ///< by ascending index

    [[nodiscard]] const PartitionLayout* find(std::int32_t index) const noexcept;
    /// Those that somebody leads: the others cannot be asked for anything.
    [[nodiscard]] std::vector<std::int32_t> led_partitions() const;
};

/// `close()` is awaited before the object dies.
class Cluster {
public:
    Cluster(Env& env, ClusterOptions options) : env_(env), options_(std::move(options)) {}

    /// The first broker of the list that answers. Valid until `close()` or until it breaks.
    Task<Outcome<BrokerConnection*>> any();
    /// The broker with this id, as last learned from metadata.
    Task<Outcome<BrokerConnection*>> node(std::int32_t id);
    /// The broker that takes changes of topics.
    Task<Outcome<BrokerConnection*>> controller();

    /// All topics, by name.
    Task<Outcome<std::vector<TopicLayout>>> topics();
    /// One topic as it is now, with partitions that nobody leads if there are such; `not_found` with the
    /// nearest names if there is none.
    Task<Outcome<TopicLayout>> topic(std::string name);
    /// One topic, once those of `partitions` that it has are led; none given: all of it. Also `timed_out`.
    Task<Outcome<TopicLayout>> led_topic(std::string name, std::vector<std::int32_t> partitions);

    Task<void> close();
    [[nodiscard]] SteadyTime deadline() const { return env_.clock.now() + options_.timeout; }

private:
    Task<Outcome<Answer<kafka::MetadataResponse>>> ask_metadata(std::optional<std::string> name);
    Task<Outcome<TopicLayout>> failure_to_find(std::string name);
    /// Until it is worth asking for a topic again.
    Task<Outcome<Ok>> pause();
    Task<void> drop_broken(std::unique_ptr<BrokerConnection>& connection);
    void learn_brokers(const kafka::MetadataResponse& response);

    Env& env_;
    ClusterOptions options_;
    std::unique_ptr<BrokerConnection> bootstrap_;
    std::map<std::int32_t, PeerAddress> brokers_;
    std::map<std::int32_t, std::unique_ptr<BrokerConnection>> nodes_;
    std::int32_t controller_id_ = -1;
};

}  // namespace logboom::ctl
