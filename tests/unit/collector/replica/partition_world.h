// One partition on a simulated machine, without the parts around it.
#pragma once

#include "collector/replica/partition.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/collector/replica/agent_batch.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <utility>
#include <vector>

namespace logboom::tests {

/// Notes the high watermarks.
struct SeenWatermarks final : replica::HighWatermarkListener {
    void on_high_watermark(replica::Partition& partition) override {
        seen.push_back(partition.high_watermark().value);
    }
    std::vector<std::int64_t> seen;
};

/// One partition on a simulated machine, its segments small.
struct PartitionWorld {
    explicit PartitionWorld(
        const std::uint64_t seed = 1,
        const std::uint64_t segment_bytes = 4000,
        const std::uint64_t tail_cache_bytes = limits::tail_cache_bytes_default
    )
        : machine(options_of(seed))
        , segment_bytes_(segment_bytes)
        , tail_cache_bytes_(tail_cache_bytes) {}
    static sim::SimMachineOptions options_of(const std::uint64_t seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        return options;
    }

    struct Parts {
        Parts(Env& env, storage::DirectoryStart found, const PartitionWorld& world)
            : start(std::move(found))
            , directory(env, options_of(world), start, has_failed)
            , partition(
                  env,
                  directory,
                  key,
                  LeaderEpoch(world.epoch),
                  partition_options_of(world),
                  listener
              ) {}
        static storage::LogDirectoryOptions options_of(const PartitionWorld& world) {
            storage::LogDirectoryOptions options;
            options.path = "/log";
            options.tail_cache_bytes = world.tail_cache_bytes_;
            return options;
        }
        static replica::PartitionOptions partition_options_of(const PartitionWorld& world) {
            replica::PartitionOptions options;
            options.log.segment_bytes = world.segment_bytes_;
            options.topic = world.topic;
            return options;
        }

        storage::DirectoryStart start;
        std::atomic<bool> has_failed{false};
        storage::LogDirectory directory;
        SeenWatermarks listener;
        replica::Partition partition;
    };

    Result<Ok> open() {
        Result<storage::DirectoryStart> start =
            machine.run(storage::start_log_directory(machine.env(), "/log"));
        BOOST_REQUIRE(start.has_value());
        parts = &machine.make<Parts>(machine.env(), std::move(*start), *this);
        return machine.run(parts->partition.open());
    }
    void must_open() { BOOST_REQUIRE(open().has_value()); }
    void kill() { machine.restart_after(sim::CrashKind::killed); }
    void lose_power() { machine.restart_after(sim::CrashKind::power_loss); }
    [[nodiscard]] replica::Partition& partition() const { return parts->partition; }

    Slice bytes_of(const Buffer& batch) { return machine.env().pool.copy_of(batch.view()); }
    Result<replica::AppendedAt> append(
        const Buffer& batch, const replica::Acks acks = replica::Acks::all
    ) {
        return machine.run(partition().append_as_leader(bytes_of(batch), acks));
    }
    Task<Result<replica::AgentAppend>> ship_task(
        const record::SourceCursor& cursor, const std::uint32_t bytes_max = limits::batch_bytes_max
    ) {
        return partition().append_from_agent(
            agent_id, bytes_of(batch_of(cursor)), envelope_of(cursor), bytes_max
        );
    }
    Result<replica::AgentAppend> ship(const record::SourceCursor& cursor) {
        return machine.run(ship_task(cursor));
    }
    replica::AgentAppend::Outcome outcome_of(const record::SourceCursor& cursor) {
        const Result<replica::AgentAppend> answer = ship(cursor);
        BOOST_REQUIRE(answer.has_value());
        return answer->outcome;
    }
    replica::AgentPositions positions() {
        const std::vector<record::Id128> none;
        return machine.run(partition().positions(agent_id, true, none));
    }
    /// All syncs are kept back until `machine.release_ops`.
    void hold_syncs() {
        machine.judge_ops([](const io::Op& op) {
            const bool is_sync = op.kind == io::OpKind::fdatasync;
            return is_sync ? sim::OpGate::held : sim::OpGate::passes;
        });
    }
    void go_on() {
        machine.judge_ops({});
        machine.release_ops();
    }
    /// Writes find no room.
    void fill_disk() {
        machine.judge_ops([](const io::Op& op) {
            return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
        });
    }

    inline static const record::Id128 agent_id = id_of(0xaa);
    inline static const storage::PartitionKey key{id_of(0x77), PartitionIndex(2)};

    sim::SimMachine machine;
    std::int32_t epoch = 0;
    metadata::TopicConfig topic;
    Parts* parts = nullptr;

private:
    std::uint64_t segment_bytes_;
    std::uint64_t tail_cache_bytes_;
};

}  // namespace logboom::tests
