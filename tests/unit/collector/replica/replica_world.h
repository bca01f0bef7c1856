// The parts behind the doors on one simulated machine: store, partitions, topics, waiting fetches.
#pragma once

#include "collector/metadata/local_meta_store.h"
#include "collector/metadata/producer_ids.h"
#include "collector/replica/fetch_hub.h"
#include "collector/replica/replica_manager.h"
#include "collector/replica/topic_service.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <utility>

namespace logboom::tests {

class ReplicaWorld {
public:
    explicit ReplicaWorld(const std::size_t shard_count = 1, const std::uint64_t seed = 1)
        : machine(options_of(shard_count, seed)) {}

    Result<Ok> open() {
        parts_ = &machine.make<Parts>(machine);
        return machine.run(open_parts(*parts_));
    }
    void must_open() { BOOST_REQUIRE(open().has_value()); }
    /// A clean stop and the next start.
    void reopen() {
        machine.run(parts_->replicas.stop());
        machine.run(parts_->store.close());
        machine.end_program();
        machine.start();
        must_open();
    }
    void kill() { machine.restart_after(sim::CrashKind::killed); }

    [[nodiscard]] metadata::LocalMetaStore& store() { return parts_->store; }
    [[nodiscard]] replica::FetchHubs& hubs() { return parts_->hubs; }
    [[nodiscard]] replica::ReplicaManager& replicas() { return parts_->replicas; }
    [[nodiscard]] replica::TopicService& topics() { return parts_->topics; }
    [[nodiscard]] metadata::ProducerIds& producer_ids() { return parts_->producer_ids; }

    void must_create(const std::string& name, const std::int32_t partitions = 1) {
        const Result<metadata::ImagePtr> created =
            machine.run(topics().create(machine.shard(), name, partitions));
        BOOST_REQUIRE(created.has_value());
    }
    [[nodiscard]] record::Id128 id_of_topic(const std::string& name) {
        const metadata::ImagePtr image = store().image();
        BOOST_REQUIRE(image->find(name) != nullptr);
        return image->find(name)->id;
    }
    [[nodiscard]] replica::PartitionPtr find(
        const std::string& name, const std::int32_t index = 0
    ) {
        return replicas().find(id_of_topic(name), PartitionIndex(index));
    }
    /// Where a partition's files lie.
    [[nodiscard]] std::string dir_of(const std::string& name, const std::int32_t index = 0) {
        const storage::PartitionKey key{id_of_topic(name), PartitionIndex(index)};
        return log_dir + "/" + storage::partition_dir_name(key);
    }
    Result<replica::AppendedAt> append(
        const std::string& name,
        const std::vector<std::string>& values,
        const std::int32_t index = 0
    ) {
        const replica::PartitionPtr partition = find(name, index);
        BOOST_REQUIRE(partition != nullptr);
        const std::size_t home = replicas().home_of(*partition).index();
        Slice bytes = machine.env(home).pool.copy_of(plain_batch(values).view());
        return machine.run(partition->append_as_leader(std::move(bytes), replica::Acks::all), home);
    }

    inline static const std::string log_dir = "/data/log";

    sim::SimMachine machine;

private:
    struct Parts {
        explicit Parts(sim::SimMachine& on)
            : store(on.env(), store_options())
            , hubs(on.shards())
            , replicas(on.shards(), replica_options(), hubs)
            , topics(store, replicas, on.shard())
            , producer_ids(store, on.shard()) {}

        static metadata::LocalMetaStoreOptions store_options() {
            metadata::LocalMetaStoreOptions options;
            options.dir = "/data/metadata";
            return options;
        }
        static replica::ReplicaManagerOptions replica_options() {
            replica::ReplicaManagerOptions options;
            options.log_dir = log_dir;
            options.topic_defaults.segment_bytes = 20'000;
            return options;
        }

        metadata::LocalMetaStore store;
        replica::FetchHubs hubs;
        replica::ReplicaManager replicas;
        replica::TopicService topics;
        metadata::ProducerIds producer_ids;
    };

    static sim::SimMachineOptions options_of(
        const std::size_t shard_count, const std::uint64_t seed
    ) {
        sim::SimMachineOptions options;
        options.seed = seed;
        options.shard_count = shard_count;
        return options;
    }
    static Task<Result<Ok>> open_parts(Parts& parts) {
        LB_CO_CHECK(co_await parts.store.open());
        const metadata::ImagePtr image = parts.store.image();
        LB_CO_CHECK(co_await parts.replicas.open(image));
        co_await parts.topics.finish_removals();
        co_return Ok{};
    }

    Parts* parts_ = nullptr;
};

}  // namespace logboom::tests
