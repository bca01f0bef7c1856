// Idempotent producers as a partition takes them: by the producer table, over failed writes and crashes.
#include "collector/replica/partition.h"
#include "tests/unit/collector/replica/partition_world.h"
#include "tests/unit/collector/replica/producer_batch.h"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <optional>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

/// The values of all records of the log, in order.
std::vector<std::string> all_values(PartitionWorld& world) {
    std::vector<std::string> values;
    for (Offset from(0); from < world.partition().high_watermark();) {
        const Result<PartitionRead> read = world.machine.run(world.partition().read(from, 1u << 20)
        );
        BOOST_REQUIRE(read.has_value());
        for (const Slice& batch : read->batches) {
            const std::vector<std::string> more = values_of(batch.view());
            values.insert(values.end(), more.begin(), more.end());
            from = record::decode_batch_header(batch.view()).end_offset();
        }
    }
    return values;
}

using Outcomes = std::vector<std::optional<Result<AppendedAt>>>;

Task<void> append_one(Partition& to, Slice batch, std::optional<Result<AppendedAt>>& outcome) {
    Result<AppendedAt> at = co_await to.append_as_leader(std::move(batch), Acks::all);
    outcome.emplace(std::move(at));
}

/// Appends batches that are under way at once, in this order.
Task<Result<Ok>> append_window(
    Env& env, Partition& to, std::vector<Slice> batches, std::shared_ptr<Outcomes> outcomes
) {
    Scope scope(env.scheduler);
    for (std::size_t i = 0; i < batches.size(); ++i) {
        scope.spawn_now(append_one(to, std::move(batches[i]), (*outcomes)[i]));
    }
    co_await scope.join();
    co_return Ok{};
}

/// A batch of one record whose value is its sequence number.
Buffer numbered(const std::int32_t sequence, const std::int16_t epoch = 0) {
    return producer_batch({std::to_string(sequence)}, 7, epoch, sequence);
}

/// Sends the batches of these numbers at once; the answers.
Outcomes append_at_once(PartitionWorld& world, const std::vector<std::int32_t>& sequences) {
    const auto outcomes = std::make_shared<Outcomes>(sequences.size());
    std::vector<Slice> bytes;
    for (const std::int32_t sequence : sequences) {
        bytes.push_back(world.bytes_of(numbered(sequence)));
    }
    static_cast<void>(world.machine.run(
        append_window(world.machine.env(), world.partition(), std::move(bytes), outcomes)
    ));
    return *outcomes;
}

/// A client that keeps five batches in flight and sends again what was not acknowledged, in its order.
class Client {
public:
    explicit Client(PartitionWorld& world) : world_(world) {}

    [[nodiscard]] std::size_t acknowledged() const noexcept { return acknowledged_; }
    /// Sends what is not acknowledged; ends when all is answered, or at some moment before.
    void send(Rng& rng) {
        while (in_flight_.size() < limits::producer_batches_max) {
            in_flight_.push_back(next_++);
        }
        const auto outcomes = std::make_shared<Outcomes>(in_flight_.size());
        std::vector<Slice> batches;
        for (const std::int32_t sequence : in_flight_) {
            batches.push_back(world_.bytes_of(numbered(sequence)));
        }
        auto sent = world_.machine.begin(
            append_window(world_.machine.env(), world_.partition(), std::move(batches), outcomes)
        );
        if (rng.chance(0.3)) {
            world_.machine.run_for(std::chrono::microseconds(rng.below(4000)));
        } else {
            world_.machine.run_until([&sent] { return sent.is_there(); });
        }
        take(*outcomes);
        if (!sent.is_there()) {  // the connection broke with the collector
            const bool is_power_loss = rng.chance(0.5);
            is_power_loss ? world_.lose_power() : world_.kill();
            world_.must_open();
        }
    }

private:
    void take(const Outcomes& outcomes) {
        std::deque<std::int32_t> left;
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            const bool is_acknowledged = outcomes[i] && outcomes[i]->has_value();
            if (is_acknowledged) {
                ++acknowledged_;
                // One record a batch: the offset of a batch is its number, whenever it was taken.
                BOOST_REQUIRE((*outcomes[i])->base_offset.value == in_flight_[i]);
            } else {
                left.push_back(in_flight_[i]);
            }
        }
        in_flight_ = std::move(left);
    }

    PartitionWorld& world_;
    std::deque<std::int32_t> in_flight_;
    std::int32_t next_ = 0;
    std::size_t acknowledged_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(partition_producers)

// --- What is refused -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_batch_before_its_turn_and_one_of_an_older_epoch_are_not_appended) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.append(numbered(0, 1)).has_value());
    BOOST_TEST((world.append(numbered(2, 1)).code() == ErrorCode::out_of_order));
    BOOST_TEST((world.append(numbered(1, 0)).code() == ErrorCode::fenced));
    BOOST_TEST(world.partition().log_end_offset().value == 1);
    BOOST_TEST(world.append(numbered(1, 1))->base_offset.value == 1);
}

BOOST_AUTO_TEST_CASE(what_follows_a_first_batch_that_found_no_room_is_not_taken_for_the_first) {
    PartitionWorld world;
    world.must_open();
    world.fill_disk();
    for (const auto& outcome : append_at_once(world, {0, 1})) {
        BOOST_TEST((outcome->code() == ErrorCode::no_space));
    }
    world.machine.judge_ops({});
    BOOST_TEST((world.append(numbered(2)).code() == ErrorCode::out_of_order));
    BOOST_TEST((world.append(numbered(1)).code() == ErrorCode::out_of_order));
    BOOST_TEST(world.append(numbered(0))->base_offset.value == 0);
    BOOST_TEST(world.append(numbered(1))->base_offset.value == 1);
    BOOST_TEST(world.append(numbered(2))->base_offset.value == 2);
}

BOOST_AUTO_TEST_CASE(a_new_producer_whose_first_batch_was_not_even_queued_begins_with_that_one) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.machine.run(world.partition().close()).has_value());
    BOOST_TEST((world.append(numbered(5)).code() == ErrorCode::closed));
    BOOST_TEST((world.append(numbered(6)).code() == ErrorCode::out_of_order));
    BOOST_TEST((world.append(numbered(5)).code() == ErrorCode::closed));
}

BOOST_AUTO_TEST_CASE(a_dropped_batch_is_no_duplicate_of_itself) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.append(numbered(0)).has_value());
    world.fill_disk();
    BOOST_TEST((world.append(numbered(1)).code() == ErrorCode::no_space));
    BOOST_TEST((world.append(numbered(1)).code() == ErrorCode::no_space));
    world.machine.judge_ops({});
    BOOST_TEST(world.append(numbered(1))->base_offset.value == 1);
    BOOST_TEST((all_values(world) == std::vector<std::string>{"0", "1"}));
}

BOOST_AUTO_TEST_CASE(a_retry_of_a_batch_that_is_dropped_meanwhile_is_told_so) {
    PartitionWorld world;
    world.must_open();
    world.fill_disk();
    const Outcomes outcomes = append_at_once(world, {0, 0});
    BOOST_TEST((outcomes[0]->code() == ErrorCode::no_space));
    BOOST_TEST((outcomes[1]->code() == ErrorCode::no_space));
}

// --- Retries -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_retry_is_answered_as_the_batch_was_and_not_appended) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.append(plain_batch({"other"})).has_value());
    const Buffer batch = producer_batch({"a", "b", "c"}, 7, 0, 5);
    BOOST_REQUIRE(world.append(batch)->base_offset.value == 1);
    for (const Acks acks : {Acks::none, Acks::leader, Acks::all}) {
        const Result<AppendedAt> again = world.append(batch, acks);
        BOOST_REQUIRE(again.has_value());
        BOOST_TEST(again->base_offset.value == 1);
        BOOST_TEST(again->last_offset.value == 3);
    }
    BOOST_TEST(world.partition().log_end_offset().value == 4);
}

BOOST_AUTO_TEST_CASE(a_retry_is_answered_when_the_batch_is_on_disk_and_not_before) {
    PartitionWorld world;
    world.must_open();
    world.hold_syncs();
    auto first = world.machine.begin(
        world.partition().append_as_leader(world.bytes_of(numbered(0)), Acks::all)
    );
    world.machine.run_for(1s);
    auto again = world.machine.begin(
        world.partition().append_as_leader(world.bytes_of(numbered(0)), Acks::leader)
    );
    world.machine.run_for(5s);
    BOOST_TEST(!again.is_there());
    world.go_on();
    world.machine.run_until([&] { return again.is_there(); });
    BOOST_TEST(again.value()->base_offset.value == 0);
    BOOST_TEST(world.partition().log_end_offset().value == 1);
}

BOOST_AUTO_TEST_CASE(five_batches_may_be_under_way_at_once) {
    PartitionWorld world;
    world.must_open();
    for (int round = 0; round < 2; ++round) {
        const Outcomes outcomes = append_at_once(world, {0, 1, 2, 3, 4});
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            BOOST_TEST((*outcomes[i])->base_offset.value == static_cast<std::int64_t>(i));
        }
    }
    BOOST_TEST(world.partition().log_end_offset().value == 5);
}

BOOST_AUTO_TEST_CASE(a_retry_is_known_after_a_crash_wherever_the_batch_lies) {
    for (const bool is_power_loss : {false, true}) {
        PartitionWorld world(1, 400);  // a few batches fill a segment
        world.must_open();
        for (std::int32_t i = 0; i < 20; ++i) {
            BOOST_REQUIRE(world.append(numbered(i)).has_value());
        }
        is_power_loss ? world.lose_power() : world.kill();
        world.must_open();
        for (std::int32_t i = 15; i < 20; ++i) {
            BOOST_TEST(world.append(numbered(i))->base_offset.value == i);
        }
        BOOST_TEST((world.append(numbered(14)).code() == ErrorCode::out_of_order));
        BOOST_TEST(world.append(numbered(20))->base_offset.value == 20);
        BOOST_TEST(!world.machine.has_logged("does not continue its producer's sequence"));
    }
}

BOOST_AUTO_TEST_CASE(a_client_that_retries_finds_each_record_once_and_in_order) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        PartitionWorld world(seed, 1500);
        Rng rng(seed);
        world.must_open();
        Client client(world);
        for (int round = 0; client.acknowledged() < 100; ++round) {
            BOOST_REQUIRE_MESSAGE(round < 500, "seed " << seed << " does not get on");
            const double trouble = rng.chance(0.5) ? 0.0 : 0.4;
            const auto fault = std::make_shared<Rng>(rng.fork());
            world.machine.judge_ops([trouble, fault](const io::Op& op) {
                const bool fails = op.kind == io::OpKind::writev && fault->chance(trouble);
                return fails ? ENOSPC : sim::OpGate::passes;
            });
            client.send(rng);
        }
        const std::vector<std::string> values = all_values(world);
        BOOST_REQUIRE_MESSAGE(values.size() >= 100, "seed " << seed);
        for (std::size_t i = 0; i < values.size(); ++i) {
            BOOST_REQUIRE_MESSAGE(values[i] == std::to_string(i), "seed " << seed << " at " << i);
        }
    }
}

// --- Topics that stamp their batches -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_topic_with_append_time_stamps_each_batch_and_retries_are_told_the_first_time
) {
    PartitionWorld world;
    world.topic.timestamp_type = metadata::TimestampType::log_append_time;
    world.must_open();
    const std::int64_t began_ms = to_unix_ms(world.machine.env().clock.wall());
    const Result<AppendedAt> first = world.append(numbered(0));
    BOOST_REQUIRE(first.has_value());
    BOOST_TEST(first->log_append_time_ms >= began_ms);
    world.machine.run_for(5s);
    BOOST_TEST(world.append(numbered(0))->log_append_time_ms == first->log_append_time_ms);
    BOOST_REQUIRE(world.ship(cursor_of(id_of(1), 0, 10)).has_value());
    world.kill();
    world.must_open();
    BOOST_TEST(world.append(numbered(0))->log_append_time_ms == first->log_append_time_ms);
    const Result<PartitionRead> read = world.machine.run(world.partition().read(Offset(0), 1 << 20)
    );
    BOOST_REQUIRE(read->batches.size() == 2u);
    for (const Slice& bytes : read->batches) {
        const Result<record::BatchView> batch = record::BatchView::parse(bytes.view());
        BOOST_REQUIRE(batch.has_value());
        BOOST_TEST(batch->check_crc().has_value());
        BOOST_TEST(batch->header().has_log_append_time());
        BOOST_TEST(batch->header().max_timestamp_ms >= began_ms);
    }
    BOOST_TEST(world.positions().streams.size() == 1u);
}

// --- The end of a partition ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_partition_that_has_ended_knows_nothing_any_more) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.append(numbered(0)).has_value());
    world.machine.run(world.partition().end());
    BOOST_TEST(world.partition().has_ended());
    BOOST_TEST((world.append(numbered(1)).code() == ErrorCode::not_found));
    BOOST_TEST((world.ship(cursor_of(id_of(1), 0, 10)).code() == ErrorCode::not_found));
    const auto read = world.machine.run(world.partition().read(Offset(0), 100));
    BOOST_TEST((read.code() == ErrorCode::not_found));
    const auto by_time = world.machine.run(world.partition().find_offset_by_time(0));
    BOOST_TEST((by_time.code() == ErrorCode::not_found));
    const auto newest = world.machine.run(world.partition().find_max_timestamp());
    BOOST_TEST((newest.code() == ErrorCode::not_found));
    BOOST_TEST(world.positions().streams.empty());
}

BOOST_AUTO_TEST_CASE(the_end_waits_for_those_at_work_and_wakes_who_waits_for_records) {
    PartitionWorld world(1, 4000, 0);  // reads go to the disk, which takes time
    world.must_open();
    BOOST_REQUIRE(world.append(numbered(0)).has_value());
    world.machine.judge_ops([](const io::Op& op) {
        const bool is_slow = op.kind == io::OpKind::fdatasync || op.kind == io::OpKind::read;
        return is_slow ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto read = world.machine.begin(world.partition().read(Offset(0), 1u << 20));
    auto append = world.machine.begin(
        world.partition().append_as_leader(world.bytes_of(numbered(1)), Acks::all)
    );
    world.machine.run_for(1s);
    const std::size_t woken = world.parts->listener.seen.size();
    Scope& scope = world.machine.make<Scope>(world.machine.env().scheduler);
    scope.spawn(world.partition().end());
    world.machine.run_for(5s);
    BOOST_TEST(world.parts->listener.seen.size() == woken + 1);
    BOOST_TEST(!scope.empty());
    BOOST_TEST(!read.is_there());
    world.go_on();
    world.machine.run(scope.join());
    BOOST_TEST(read.value()->batches.size() == 1u);
    BOOST_TEST(append.value()->base_offset.value == 1);
}

BOOST_AUTO_TEST_SUITE_END()
