// A partition whose old segments are deleted: what it knows of agents outlives their batches.
#include "collector/replica/partition.h"
#include "collector/storage/retention.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/collector/replica/agent_batch.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Outcome = AgentAppend::Outcome;

const Id128 agent = id_of(0xaa);
const PartitionKey key{id_of(0x77), PartitionIndex(2)};
const std::string dir = "/log/" + storage::partition_dir_name(key);

constexpr std::uint64_t lines_per_batch = 10;
constexpr std::uint64_t batches_per_round = 4;

struct Listener final : HighWatermarkListener {
    void on_high_watermark(Partition&) override {}
};

/// A partition of small segments, of which as much is kept as `retention_bytes` says.
class CutPartition {
public:
    explicit CutPartition(const std::uint64_t seed = 1, const std::int64_t retention_bytes = 0)
        : machine(options_of(seed)) {
        log_options_.segment_bytes = 700;
        log_options_.retention_bytes = retention_bytes;
    }

    Result<Ok> open() {
        Result<storage::DirectoryStart> start =
            machine.run(storage::start_log_directory(machine.env(), "/log"));
        BOOST_REQUIRE(start.has_value());
        parts_ = &machine.make<Parts>(machine.env(), std::move(*start), log_options_);
        return machine.run(parts_->partition.open());
    }
    void must_open() { BOOST_REQUIRE(open().has_value()); }
    void close() {
        const Result<storage::CleanLog> closed = machine.run(partition().close());
        BOOST_REQUIRE(closed.has_value());
        machine.run(parts_->directory.stop());
        const std::vector<storage::CleanLog> logs(1, *closed);
        const Result<Ok> marked =
            machine.run(storage::write_clean_marker(machine.env(), "/log", logs));
        BOOST_REQUIRE(marked.has_value());
        machine.end_program();
        machine.start();
    }
    sim::Outcome<Result<Ok>> begin_pass() { return machine.begin(pass(parts_->retention)); }
    void retain() { machine.run(parts_->retention.run_pass()); }
    [[nodiscard]] Partition& partition() { return parts_->partition; }
    [[nodiscard]] Offset start() { return partition().log_start_offset(); }

    /// The batch that covers [from, to) of a stream; the first one of a stream says which file it is.
    Outcome ship(const std::uint8_t stream, const std::uint64_t from, const std::uint64_t to) {
        record::SourceCursor cursor = cursor_of(id_of(stream), from, to);
        if (from == 0) {
            cursor.identity.emplace().path_seen = "/var/log/app" + std::to_string(stream);
        }
        const Result<AgentAppend> answer = machine.run(partition().append_from_agent(
            agent,
            machine.env().pool.copy_of(batch_of(cursor, std::string(100, 'x')).view()),
            envelope_of(cursor),
            limits::batch_bytes_max
        ));
        BOOST_REQUIRE(answer.has_value());
        return answer->outcome;
    }
    /// Where the batch of an idempotent producer with that sequence number lies.
    std::int64_t produce(const std::uint64_t sequence) {
        Buffer batch = plain_batch({"of a producer"});
        record::BatchHeader header = record::decode_batch_header(batch.view());
        header.producer_id = ProducerId(7);
        header.producer_epoch = 0;
        header.base_sequence = static_cast<std::int32_t>(sequence);
        record::encode_batch_header(header, batch.data());
        renew_crc(batch);
        Slice bytes = machine.env().pool.copy_of(batch.view());
        const Result<AppendedAt> at =
            machine.run(partition().append_as_leader(std::move(bytes), Acks::all));
        BOOST_REQUIRE(at.has_value());
        return at->base_offset.value;
    }
    /// Each of three streams and a producer go on by one batch.
    void ship_round(const std::uint64_t round) {
        BOOST_REQUIRE(produce(round) == static_cast<std::int64_t>(batches_per_round * round));
        for (std::uint8_t stream = 1; stream <= 3; ++stream) {
            const std::uint64_t from = round * lines_per_batch;
            BOOST_REQUIRE((ship(stream, from, from + lines_per_batch) == Outcome::appended));
        }
    }
    /// An agent that has forgotten everything sends all again, and a producer its last batches, of which it
    /// got no answer: nothing of it is taken twice.
    void check_known(const std::uint64_t rounds) {
        const Offset end = partition().log_end_offset();
        for (std::uint8_t stream = 1; rounds != 0 && stream <= 3; ++stream) {
            for (std::uint64_t round = 0; round < rounds; ++round) {
                const std::uint64_t from = round * lines_per_batch;
                BOOST_REQUIRE((ship(stream, from, from + lines_per_batch) == Outcome::duplicate));
            }
            const KnownPosition* const known = partition().cursors().find(agent, id_of(stream));
            BOOST_REQUIRE(known != nullptr);
            BOOST_REQUIRE(known->identity.has_value());
            BOOST_REQUIRE(known->identity->path_seen == "/var/log/app" + std::to_string(stream));
        }
        const std::uint64_t known = limits::producer_batches_max;
        for (std::uint64_t round = rounds - std::min(rounds, known); round < rounds; ++round) {
            BOOST_REQUIRE(produce(round) == static_cast<std::int64_t>(batches_per_round * round));
        }
        BOOST_REQUIRE((partition().log_end_offset() == end));
    }

    sim::SimMachine machine;

private:
    struct Parts {
        Parts(Env& env, storage::DirectoryStart found, const storage::LogOptions& log_options)
            : start(std::move(found))
            , directory(env, options_of_directory(), start, has_failed)
            , retention(env, directory)
            , partition(env, directory, key, LeaderEpoch(0), options_of(log_options), listener) {}
        static PartitionOptions options_of(const storage::LogOptions& log_options) {
            PartitionOptions options;
            options.log = log_options;
            return options;
        }
        static storage::LogDirectoryOptions options_of_directory() {
            storage::LogDirectoryOptions options;
            options.path = "/log";
            return options;
        }

        storage::DirectoryStart start;
        std::atomic<bool> has_failed{false};
        storage::LogDirectory directory;
        storage::Retention retention;
        Listener listener;
        Partition partition;
    };
    static sim::SimMachineOptions options_of(const std::uint64_t seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        return options;
    }
    static Task<Result<Ok>> pass(storage::Retention& retention) {
        co_await retention.run_pass();
        co_return Ok{};
    }

    storage::LogOptions log_options_;
    Parts* parts_ = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(partition_retention)

BOOST_AUTO_TEST_CASE(positions_outlive_their_batches_through_a_crash_at_each_operation_of_a_pass) {
    for (const sim::CrashKind kind : {sim::CrashKind::killed, sim::CrashKind::power_loss}) {
        bool was_reached = true;
        for (int failing = 0; was_reached; ++failing) {
            BOOST_TEST_CONTEXT("operation " << failing) {
                CutPartition world(static_cast<std::uint64_t>(failing) + 1);
                world.must_open();
                for (std::uint64_t round = 0; round < 4; ++round) {
                    world.ship_round(round);
                }
                int count = 0;
                world.machine.judge_ops([&](const io::Op&) {
                    return count++ >= failing ? sim::OpGate::held : sim::OpGate::passes;
                });
                auto pass = world.begin_pass();
                world.machine.run_for(3s);
                was_reached = count > failing;
                world.machine.judge_ops({});
                world.machine.restart_after(kind);
                world.must_open();
                world.check_known(4);
                world.retain();
                BOOST_REQUIRE(world.start().value == 16);
                world.check_known(4);
                world.machine.restart_after(kind);
                world.must_open();
                world.check_known(4);
                world.ship_round(4);
                world.check_known(5);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(positions_outlive_their_batches_over_many_lives) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            CutPartition world(seed, 1500);
            std::uint64_t rounds = 0;
            for (int life = 0; life < 5; ++life) {
                world.must_open();
                world.check_known(rounds);
                const std::uint64_t more = 1 + world.machine.rng().below(4);
                for (std::uint64_t i = 0; i < more; ++i) {
                    world.ship_round(rounds++);
                    if (world.machine.rng().chance(0.5)) {
                        world.retain();
                    }
                }
                switch (world.machine.rng().below(3)) {
                case 0: world.close(); break;
                case 1: world.machine.restart_after(sim::CrashKind::killed); break;
                default: world.machine.restart_after(sim::CrashKind::power_loss); break;
                }
            }
            world.must_open();
            world.retain();
            BOOST_REQUIRE(world.start().value > 0);
            world.check_known(rounds);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_deleted_is_out_of_range_and_everybody_is_told_the_new_start) {
    CutPartition world;
    world.must_open();
    for (std::uint64_t round = 0; round < 3; ++round) {
        world.ship_round(round);
    }
    BOOST_TEST(world.start().value == 0);
    world.retain();
    BOOST_TEST(world.start().value == 12);
    const Result<PartitionRead> below =
        world.machine.run(world.partition().read(Offset(11), 1u << 20));
    BOOST_TEST((below.code() == ErrorCode::out_of_range));
    Slice bytes = world.machine.env().pool.copy_of(plain_batch({"next"}).view());
    const Result<AppendedAt> appended =
        world.machine.run(world.partition().append_as_leader(std::move(bytes), Acks::all));
    BOOST_TEST(appended->base_offset.value == 12);
    BOOST_TEST(appended->log_start_offset.value == 12);
    const Result<PartitionRead> read =
        world.machine.run(world.partition().read(Offset(12), 1u << 20));
    BOOST_TEST(read->log_start_offset.value == 12);
    BOOST_TEST(world.machine.run(world.partition().find_offset_by_time(0))->offset.value == 12);
    world.close();
    world.must_open();
    BOOST_TEST(world.start().value == 12);
    BOOST_TEST(world.partition().high_watermark().value == 13);
}

BOOST_AUTO_TEST_CASE(a_consumer_at_the_end_never_touches_the_disk) {
    CutPartition world(1, 1500);
    world.must_open();
    int reads = 0;
    world.machine.judge_ops([&reads](const io::Op& op) {
        reads += op.kind == io::OpKind::read ? 1 : 0;
        return sim::OpGate::passes;
    });
    Offset next;
    for (std::uint64_t round = 0; round < 200; ++round) {
        world.ship_round(round);  // segments are closed and deleted meanwhile
        if (round % 20 == 0) {
            world.retain();
        }
        while (next < world.partition().high_watermark()) {
            const Result<PartitionRead> read = world.machine.run(world.partition().read(next, 400));
            BOOST_REQUIRE(read.has_value());
            BOOST_REQUIRE(!read->batches.empty());
            next = record::decode_batch_header(read->batches.back().view()).end_offset();
        }
    }
    BOOST_TEST(next.value == 800);
    BOOST_TEST(reads == 0);
    // The count counts: what the cache does not hold comes from the disk.
    world.machine.restart_after(sim::CrashKind::killed);
    world.must_open();
    reads = 0;
    BOOST_REQUIRE(world.machine.run(world.partition().read(world.start(), 400)).has_value());
    BOOST_TEST(reads > 0);
}

BOOST_AUTO_TEST_CASE(a_batch_whose_producer_left_its_largest_time_out_is_found_by_time) {
    CutPartition world;
    world.must_open();
    Buffer batch = plain_batch({"a", "b"});
    codec::store_be(batch.data() + 35, std::int64_t{-1});
    renew_crc(batch);
    const auto append = [&world](const Buffer& one) {
        Slice bytes = world.machine.env().pool.copy_of(one.view());
        return world.machine.run(world.partition().append_as_leader(std::move(bytes), Acks::all));
    };
    BOOST_REQUIRE(append(batch).has_value());
    const Result<TimestampOffset> found =
        world.machine.run(world.partition().find_offset_by_time(1'600'000'000'000));
    BOOST_TEST(found->offset.value == 0);
    BOOST_TEST(found->timestamp_ms == 1'700'000'000'000);
    const Result<TimestampOffset> largest = world.machine.run(world.partition().find_max_timestamp()
    );
    BOOST_TEST(largest->timestamp_ms == 1'700'000'000'000);
    const Result<PartitionRead> read = world.machine.run(world.partition().read(Offset(0), 1u << 20)
    );
    BOOST_REQUIRE(read->batches.size() == 1u);
    const Result<record::BatchView> view = record::BatchView::parse(read->batches.front().view());
    BOOST_TEST(view->check_crc().has_value());
    BOOST_TEST((values_of(view->bytes()) == std::vector<std::string>{"a", "b"}));
}

BOOST_AUTO_TEST_SUITE_END()
