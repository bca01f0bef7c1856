// The Kafka clients of a world: one that reads everything from the beginning and never looks back, an
// idempotent producer, and an administrator that adds partitions. They work through the collector's Kafka
// door.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/record_walk.h"
#include "tests/sim/sim_world.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace logboom::sim {

/// What a reader has seen of one partition, in the order of offsets.
struct SeenPartition {
    std::int64_t next = 0;            // the offset that is read next
    std::vector<std::string> values;  // of all records before it, but for those that were trimmed
    std::vector<std::int64_t> offsets;
    bool has_hole = false;  // retention was faster
};

/// Topic and partition to what was seen of it. Outlives the reader that fills it.
struct Seen {
    std::map<std::pair<std::string, std::int32_t>, SeenPartition> partitions;
    /// What no reader may see; empty: nothing of that.
    std::string problem;
    std::uint64_t records = 0;
    std::function<void(const std::string& value)> on_record;
    std::function<void(const std::string& topic, std::int32_t partition, std::int64_t offset)>
        on_offset;
};

/// Reads all topics, over any number of lost connections, until it is cancelled.
class ReaderProgram final : public Program {
public:
    /// `may_be_trimmed`: records may be gone before they are read.
    ReaderProgram(Shard& shard, std::string broker, bool may_be_trimmed, Seen& seen)
        : env_(shard.env())
        , broker_(std::move(broker))
        , may_be_trimmed_(may_be_trimmed)
        , seen_(seen) {}

    Task<void> run() override;
    /// It has read up to the high watermark of every partition that it knows, as of its last look, which
    /// began at that time.
    [[nodiscard]] SteadyTime at_end_since() const noexcept { return at_end_since_; }

private:
    Task<ctl::Outcome<Ok>> read_all(ctl::Cluster& cluster);
    Task<ctl::Outcome<Ok>> read_topic(
        ctl::Cluster& cluster, const ctl::TopicLayout& topic, bool& is_at_end
    );
    Task<ctl::Outcome<Ok>> find_start(
        ctl::Cluster& cluster, const ctl::TopicLayout& topic, std::int32_t partition
    );
    void take(const std::string& topic, std::int32_t partition, ByteView records);

    Env& env_;
    std::string broker_;
    bool may_be_trimmed_;
    Seen& seen_;
    SteadyTime at_end_since_{};
};

inline constexpr const char* produced_topic = "produced";

/// What a producer was promised. Outlives it.
struct Produced {
    std::uint64_t acknowledged = 0;  // of its batches
    bool is_done = false;
    std::string problem;
};

/// Sends `batches` batches of one record, "0", "1", ...; each until it is acknowledged. Between them it now and
/// then tries one that must be refused.
class ProducerProgram final : public Program {
public:
    ProducerProgram(
        Shard& shard, std::string broker, std::uint64_t batches, Nanos pause, Produced& produced
    )
        : env_(shard.env())
        , broker_(std::move(broker))
        , batches_(batches)
        , pause_(pause)
        , produced_(produced) {}

    Task<void> run() override;

private:
    Task<ctl::Outcome<Ok>> create_topic(ctl::Cluster& cluster);
    Task<ctl::Outcome<Ok>> find_id(ctl::Cluster& cluster);
    Task<ctl::Outcome<Ok>> send_next(ctl::Cluster& cluster);
    Task<ctl::Outcome<Ok>> send_ahead(ctl::Cluster& cluster, ctl::BrokerConnection& broker);
    Task<ctl::Outcome<kafka::KafkaError>> send(
        ctl::Cluster& cluster, ctl::BrokerConnection& broker, std::uint64_t number
    );

    Env& env_;
    std::string broker_;
    std::uint64_t batches_;
    Nanos pause_;
    Produced& produced_;
    std::int64_t producer_id_ = -1;
    std::int16_t producer_epoch_ = -1;
};

/// Gives a topic one more partition, as soon as somebody takes the request.
class GrowProgram final : public Program {
public:
    GrowProgram(Shard& shard, std::string broker, std::string topic)
        : env_(shard.env())
        , broker_(std::move(broker))
        , topic_(std::move(topic)) {}

    Task<void> run() override;

private:
    Task<ctl::Outcome<Ok>> grow(ctl::Cluster& cluster);

    Env& env_;
    std::string broker_;
    std::string topic_;
};

}  // namespace logboom::sim
