#include "collector/replica/partition.h"

#include "tests/unit/collector/replica/partition_world.h"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Outcome = AgentAppend::Outcome;

const Id128 agent = id_of(0xaa);
const Id128 stream = id_of(1);

Task<void> append_and_note(Partition& to, Slice bytes, std::int64_t& base) {
    const Result<AppendedAt> at = co_await to.append_as_leader(std::move(bytes), Acks::leader);
    base = at->base_offset.value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(partition)

// --- Producers -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(after_a_failed_sync_everybody_is_told_that_the_storage_failed) {
    PartitionWorld world;
    world.must_open();
    world.machine.disk().options().faults.sync_error = 1;
    BOOST_TEST((world.append(plain_batch({"a"})).code() == ErrorCode::storage_failed));
    BOOST_TEST((world.append(plain_batch({"b"}), Acks::none).code() == ErrorCode::storage_failed));
    BOOST_TEST((world.ship(cursor_of(stream, 0, 10)).code() == ErrorCode::storage_failed));
    const Result<PartitionRead> read = world.machine.run(world.partition().read(Offset(0), 100));
    BOOST_TEST((read.code() == ErrorCode::storage_failed));
    BOOST_TEST(world.partition().high_watermark().value == 0);
    for (const rpc::StreamPosition& position : world.positions().streams) {
        BOOST_TEST(position.to == 0u);  // where the batch that was refused begins
    }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_retriable_with_each_kind_of_acknowledgement) {
    PartitionWorld world;
    world.must_open();
    world.fill_disk();
    for (const Acks acks : {Acks::none, Acks::leader, Acks::all}) {
        BOOST_TEST((world.append(plain_batch({"a"}), acks).code() == ErrorCode::no_space));
    }
    world.machine.judge_ops({});
    BOOST_TEST(world.append(plain_batch({"b"}))->base_offset.value == 0);
}

BOOST_AUTO_TEST_CASE(an_acknowledged_batch_is_on_disk_and_committed) {
    for (const Acks acks : {Acks::leader, Acks::all}) {
        PartitionWorld world;
        world.must_open();
        world.hold_syncs();
        Slice bytes = world.bytes_of(plain_batch({"a", "b"}));
        auto appended =
            world.machine.begin(world.partition().append_as_leader(std::move(bytes), acks));
        world.machine.run_for(5s);
        BOOST_TEST(!appended.is_there());
        BOOST_TEST(world.partition().log_end_offset().value == 2);
        BOOST_TEST(world.partition().high_watermark().value == 0);
        world.go_on();
        world.machine.run_until([&] { return appended.is_there(); });
        BOOST_TEST(appended.value()->base_offset.value == 0);
        BOOST_TEST(appended.value()->last_offset.value == 1);
        BOOST_TEST(world.partition().high_watermark().value == 2);
        BOOST_TEST((world.parts->listener.seen == std::vector<std::int64_t>{2}));
    }
}

BOOST_AUTO_TEST_CASE(without_an_acknowledgement_a_batch_is_in_the_file_and_not_yet_committed) {
    PartitionWorld world;
    world.must_open();
    world.hold_syncs();
    BOOST_TEST(world.append(plain_batch({"a"}), Acks::none).has_value());
    BOOST_TEST(world.partition().log_end_offset().value == 1);
    BOOST_TEST(world.partition().high_watermark().value == 0);
    world.go_on();
    world.machine.run_for(1s);
    BOOST_TEST(world.partition().high_watermark().value == 1);
}

BOOST_AUTO_TEST_CASE(nothing_above_the_high_watermark_is_read) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.append(plain_batch({"committed"})).has_value());
    world.hold_syncs();
    BOOST_REQUIRE(world.append(plain_batch({"only written"}), Acks::none).has_value());
    const auto read = [&world](const std::int64_t from) {
        return world.machine.run(world.partition().read(Offset(from), 1u << 20));
    };
    BOOST_TEST(read(0)->batches.size() == 1u);
    BOOST_TEST(read(1)->batches.empty());
    BOOST_TEST(read(2)->batches.empty());  // its end is inside the log
    BOOST_TEST((read(3).code() == ErrorCode::out_of_range));
    BOOST_TEST(read(1)->high_watermark.value == 1);
    BOOST_TEST(read(1)->log_end_offset.value == 2);
    const Result<TimestampOffset> by_time =
        world.machine.run(world.partition().find_offset_by_time(0));
    BOOST_TEST(by_time->offset.value == 0);
    world.go_on();
}

BOOST_AUTO_TEST_CASE(a_read_tells_the_high_watermark_that_its_batches_end_at) {
    PartitionWorld world(1, 4000, 0);  // from the disk, which takes time
    world.must_open();
    BOOST_REQUIRE(world.append(plain_batch({"a"})).has_value());
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::read ? sim::OpGate::held : sim::OpGate::passes;
    });
    auto read = world.machine.begin(world.partition().read(Offset(0), 1u << 20));
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    BOOST_REQUIRE(world.append(plain_batch({"b"})).has_value());
    world.go_on();
    world.machine.run_until([&] { return read.is_there(); });
    BOOST_TEST(read.value()->batches.size() == 1u);
    // Who waits for more waits behind what was read: a later one would hide the second batch.
    BOOST_TEST(read.value()->high_watermark.value == 1);
}

BOOST_AUTO_TEST_CASE(the_newest_record_is_looked_for_among_committed_ones_only) {
    PartitionWorld world;
    world.must_open();
    BOOST_TEST(world.machine.run(world.partition().find_max_timestamp())->offset.value == -1);
    world.hold_syncs();
    BOOST_REQUIRE(world.append(plain_batch({"a"}), Acks::none).has_value());
    auto found = world.machine.begin(world.partition().find_max_timestamp());
    world.machine.run_for(5s);
    BOOST_TEST(!found.is_there());
    world.go_on();
    world.machine.run_until([&] { return found.is_there(); });
    BOOST_TEST(found.value()->offset.value == 0);
    BOOST_TEST(found.value()->timestamp_ms == 1'700'000'000'000);
}

BOOST_AUTO_TEST_CASE(batches_keep_the_order_of_the_calls) {
    PartitionWorld world;
    world.must_open();
    std::vector<sim::Outcome<Result<AppendedAt>>> appends;
    Scope& order = world.machine.make<Scope>(world.machine.env().scheduler);
    std::vector<std::int64_t> bases(20, -1);
    for (std::int64_t& base : bases) {
        Slice bytes = world.bytes_of(plain_batch({"x"}));
        order.spawn_now(append_and_note(world.partition(), std::move(bytes), base));
    }
    world.machine.run(order.join());
    for (std::size_t i = 0; i < bases.size(); ++i) {
        BOOST_TEST(bases[i] == static_cast<std::int64_t>(i));
    }
}

// --- Agents --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_batch_that_contradicts_itself_its_envelope_or_its_connection_is_invalid) {
    const record::SourceCursor cursor = cursor_of(stream, 0, 100);
    const auto outcome = [](const Buffer& batch,
                            const rpc::BatchEnvelope& envelope,
                            const Id128& caller = agent) {
        PartitionWorld world;
        world.must_open();
        const Result<AgentAppend> answer = world.machine.run(world.partition().append_from_agent(
            caller, world.bytes_of(batch), envelope, limits::batch_bytes_max
        ));
        BOOST_REQUIRE(answer.has_value());
        const bool is_there = world.partition().log_end_offset().value != 0;
        BOOST_TEST(is_there == (answer->outcome == Outcome::appended));
        return answer->outcome;
    };
    const rpc::BatchEnvelope good = envelope_of(cursor);
    BOOST_TEST((outcome(batch_of(cursor), good, id_of(0xbb)) == Outcome::invalid));
    rpc::BatchEnvelope other = good;
    other.stream = id_of(2);
    BOOST_TEST((outcome(batch_of(cursor), other) == Outcome::invalid));
    other = good;
    other.generation = 2;
    BOOST_TEST((outcome(batch_of(cursor), other) == Outcome::invalid));
    other = good;
    other.from = 1;
    BOOST_TEST((outcome(batch_of(cursor), other) == Outcome::invalid));
    other = good;
    other.to = 101;
    BOOST_TEST((outcome(batch_of(cursor), other) == Outcome::invalid));
    other = good;
    other.agent_epoch = 2;
    BOOST_TEST((outcome(batch_of(cursor), other) == Outcome::invalid));
    BOOST_TEST((outcome(plain_batch({"no mark"}), good) == Outcome::invalid));
    Buffer damaged = batch_of(cursor);
    damaged.mutable_view()[damaged.size() - 1] ^= std::byte{1};
    BOOST_TEST((outcome(damaged, good) == Outcome::invalid));
    BOOST_TEST((outcome(batch_of(cursor), good) == Outcome::appended));
}

BOOST_AUTO_TEST_CASE(what_follows_a_first_batch_that_was_refused_is_not_taken_for_the_first) {
    PartitionWorld world;
    world.must_open();
    const record::SourceCursor first = cursor_of(stream, 100, 200);
    BOOST_TEST((world.machine.run(world.ship_task(first, 10)).code() == ErrorCode::too_large));
    const Result<AgentAppend> behind = world.ship(cursor_of(stream, 200, 300));
    BOOST_TEST((behind->outcome == Outcome::rejected_position));
    BOOST_TEST(behind->to_known == 100u);
    BOOST_TEST((world.outcome_of(first) == Outcome::appended));
}

BOOST_AUTO_TEST_CASE(each_rule_has_its_answer_with_the_position_to_go_on_from) {
    PartitionWorld world;
    world.must_open();
    record::SourceCursor first = cursor_of(stream, 0, 100);
    first.agent_epoch = 5;
    const Result<AgentAppend> appended = world.ship(first);
    BOOST_TEST((appended->outcome == Outcome::appended));
    BOOST_TEST(appended->base_offset.value == 0);
    BOOST_TEST(appended->to_known == 100u);
    const auto answer_to = [&world](const std::uint64_t from, const std::uint64_t to) {
        record::SourceCursor cursor = cursor_of(stream, from, to);
        cursor.agent_epoch = 5;
        const Result<AgentAppend> answer = world.ship(cursor);
        BOOST_REQUIRE(answer.has_value());
        BOOST_TEST(answer->generation_known == 1u);
        BOOST_TEST(answer->to_known == 100u);
        BOOST_TEST(answer->base_offset.value == -1);
        return answer->outcome;
    };
    BOOST_TEST((answer_to(0, 100) == Outcome::duplicate));
    BOOST_TEST((answer_to(0, 40) == Outcome::duplicate));
    BOOST_TEST((answer_to(50, 150) == Outcome::rejected_position));
    BOOST_TEST((answer_to(101, 150) == Outcome::rejected_position));
    BOOST_TEST((world.outcome_of(cursor_of(stream, 100, 200)) == Outcome::fenced));
    BOOST_TEST(world.partition().log_end_offset().value == 1);
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_answered_only_once_what_it_repeats_is_committed) {
    PartitionWorld world;
    world.must_open();
    world.hold_syncs();
    const record::SourceCursor cursor = cursor_of(stream, 0, 100);
    auto first = world.machine.begin(world.ship_task(cursor));
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    auto again = world.machine.begin(world.ship_task(cursor));
    auto gap = world.machine.begin(world.ship_task(cursor_of(stream, 500, 600)));
    world.machine.run_for(10s);
    BOOST_TEST(!first.is_there());
    BOOST_TEST(!again.is_there());
    BOOST_TEST(!gap.is_there());  // its answer tells the same position
    world.go_on();
    world.machine.run_until([&] { return first.is_there() && again.is_there() && gap.is_there(); });
    BOOST_TEST((first.value()->outcome == Outcome::appended));
    BOOST_TEST((again.value()->outcome == Outcome::duplicate));
    BOOST_TEST((gap.value()->outcome == Outcome::rejected_position));
    BOOST_TEST(world.partition().high_watermark().value == 1);
}

BOOST_AUTO_TEST_CASE(a_duplicate_of_what_is_dropped_is_no_success) {
    PartitionWorld world;
    world.must_open();
    BOOST_TEST((world.outcome_of(cursor_of(stream, 0, 100)) == Outcome::appended));
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? sim::OpGate::held : sim::OpGate::passes;
    });
    const record::SourceCursor cursor = cursor_of(stream, 100, 200);
    auto first = world.machine.begin(world.ship_task(cursor));
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    auto again = world.machine.begin(world.ship_task(cursor));
    world.machine.run_for(1ms);
    world.machine.judge_ops({});
    world.machine.disk().options().faults.write_error = 1;
    world.machine.release_ops();
    world.machine.run_until([&] { return first.is_there() && again.is_there(); });
    BOOST_TEST((first.value().code() == ErrorCode::storage_failed));
    BOOST_TEST((again.value().code() == ErrorCode::storage_failed));
}

BOOST_AUTO_TEST_CASE(a_full_disk_takes_the_positions_back_with_the_batches) {
    PartitionWorld world;
    world.must_open();
    BOOST_TEST((world.outcome_of(cursor_of(stream, 0, 100)) == Outcome::appended));
    world.fill_disk();
    auto first = world.machine.begin(world.ship_task(cursor_of(stream, 100, 200)));
    auto second = world.machine.begin(world.ship_task(cursor_of(stream, 200, 300)));
    auto again = world.machine.begin(world.ship_task(cursor_of(stream, 100, 200)));
    world.machine.run_until([&] {
        return first.is_there() && second.is_there() && again.is_there();
    });
    BOOST_TEST(!first.value().has_value());
    BOOST_TEST((first.value().code() == ErrorCode::no_space));
    // In whatever order the three came: none of them is answered as if it were there.
    for (auto* const later : {&second, &again}) {
        const bool is_success = later->value().has_value()
                             && (later->value()->outcome == Outcome::appended
                                 || later->value()->outcome == Outcome::duplicate);
        BOOST_TEST(!is_success);
    }
    world.machine.judge_ops({});
    BOOST_TEST(world.positions().streams.front().to == 100u);
    BOOST_TEST((world.outcome_of(cursor_of(stream, 200, 300)) == Outcome::rejected_position));
    BOOST_TEST((world.outcome_of(cursor_of(stream, 100, 200)) == Outcome::appended));
    BOOST_TEST((world.outcome_of(cursor_of(stream, 200, 300)) == Outcome::appended));
    BOOST_TEST(world.partition().high_watermark().value == 3);
}

BOOST_AUTO_TEST_CASE(positions_are_told_once_all_that_they_tell_of_is_committed) {
    PartitionWorld world;
    world.must_open();
    BOOST_TEST((world.outcome_of(cursor_of(stream, 0, 100)) == Outcome::appended));
    world.hold_syncs();
    auto shipped = world.machine.begin(world.ship_task(cursor_of(stream, 100, 200)));
    world.machine.run_until([&] { return world.machine.held_ops() == 1; });
    const std::vector<Id128> wanted{stream, id_of(9)};
    auto asked = world.machine.begin(world.partition().positions(agent, false, wanted));
    world.machine.run_for(10s);
    BOOST_TEST(!asked.is_there());
    world.go_on();
    world.machine.run_until([&] { return asked.is_there(); });
    BOOST_REQUIRE(asked.value().streams.size() == 1u);  // the unknown one is left out
    const rpc::StreamPosition& position = asked.value().streams.front();
    BOOST_TEST((position.stream == stream));
    BOOST_TEST(position.partition.value == 2);
    BOOST_TEST(position.to == 200u);
    BOOST_TEST(position.generation == 1u);
    BOOST_TEST(position.tail_hash == 200u * 7);
    BOOST_TEST(asked.value().agent_epoch_max == 1u);
}

BOOST_AUTO_TEST_CASE(positions_that_are_asked_for_while_a_batch_is_dropped_are_the_ones_before) {
    PartitionWorld world;
    world.must_open();
    BOOST_TEST((world.outcome_of(cursor_of(stream, 0, 100)) == Outcome::appended));
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    auto shipped = world.machine.begin(world.ship_task(cursor_of(stream, 100, 200)));
    const std::vector<Id128> none;
    auto asked = world.machine.begin(world.partition().positions(agent, true, none));
    world.machine.run_until([&] { return shipped.is_there() && asked.is_there(); });
    BOOST_REQUIRE(asked.value().streams.size() == 1u);
    BOOST_TEST(asked.value().streams.front().to == 100u);
}

// --- Restarts ------------------------------------------------------------------------------------

namespace {

using Table = std::vector<std::pair<Id128, KnownPosition>>;

Table table_of(const Partition& partition) {
    Table table;
    for (const CursorTable::Stream& one : partition.cursors().streams_of(agent)) {
        table.emplace_back(one.id, one.known);
    }
    return table;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_cursor_table_read_from_the_log_is_the_one_before_the_crash) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            PartitionWorld world(seed);
            Rng rng(seed);
            for (int life = 0; life < 3; ++life) {
                world.must_open();
                for (int i = 0; i < 25; ++i) {
                    const Id128 id = id_of(static_cast<std::uint8_t>(1 + rng.below(5)));
                    const KnownPosition* const known = world.partition().cursors().find(agent, id);
                    const std::uint64_t at = known == nullptr ? 0 : known->to;
                    record::SourceCursor cursor = cursor_of(id, at, at + 1 + rng.below(50));
                    cursor.generation = known == nullptr ? 1 : known->generation;
                    if (rng.chance(0.3)) {
                        cursor.identity.emplace().ino = rng.next();
                        cursor.identity->path_seen = "/var/log/" + std::to_string(rng.below(9));
                    }
                    BOOST_REQUIRE((world.outcome_of(cursor) == Outcome::appended));
                    if (rng.chance(0.2)) {
                        BOOST_REQUIRE(world.append(plain_batch({"of a producer"})).has_value());
                    }
                }
                const Table before = table_of(world.partition());
                const Offset end = world.partition().high_watermark();
                world.lose_power();
                world.must_open();
                BOOST_REQUIRE((table_of(world.partition()) == before));
                BOOST_REQUIRE((world.partition().high_watermark() == end));
                BOOST_REQUIRE((world.partition().log_end_offset() == end));
                world.kill();
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_batch_whose_cursor_cannot_be_read_is_told_and_served) {
    PartitionWorld world;
    world.must_open();
    BOOST_TEST((world.outcome_of(cursor_of(stream, 0, 100)) == Outcome::appended));
    // A batch with the agents' mark and no cursor, as no door would take it.
    Buffer marked = plain_batch({"x"});
    codec::store_be(marked.data() + 51, record::agent_mark);
    renew_crc(marked);
    BOOST_REQUIRE(world.append(marked).has_value());
    world.kill();
    world.must_open();
    BOOST_TEST(world.machine.has_logged("has no cursor that can be read"));
    BOOST_TEST(world.partition().high_watermark().value == 2);
    BOOST_TEST(world.positions().streams.size() == 1u);
}

BOOST_AUTO_TEST_CASE(damaged_data_is_not_served) {
    PartitionWorld world;
    world.must_open();
    for (int i = 0; i < 3; ++i) {
        BOOST_REQUIRE(world.append(plain_batch({"x"})).has_value());
    }
    world.machine.run_for(2s);  // the checkpoint
    world.kill();
    const std::string path = "/log/" + storage::partition_dir_name(PartitionWorld::key) + "/"
                           + storage::segment_file_name(Offset(0), storage::log_suffix);
    world.machine.flip_bit(path, 70, 1);
    BOOST_TEST((world.open().code() == ErrorCode::corrupt));
}

BOOST_AUTO_TEST_CASE(batches_carry_the_leaders_epoch) {
    PartitionWorld world;
    world.must_open();
    BOOST_REQUIRE(world.append(plain_batch({"a"})).has_value());
    world.kill();
    world.epoch = 4;
    world.must_open();
    BOOST_REQUIRE(world.append(plain_batch({"b"})).has_value());
    const Result<PartitionRead> read = world.machine.run(world.partition().read(Offset(0), 1u << 20)
    );
    BOOST_REQUIRE(read->batches.size() == 2u);
    const auto epoch = [&read](const std::size_t i) {
        return record::decode_batch_header(read->batches[i].view()).leader_epoch.value;
    };
    BOOST_TEST(epoch(0) == 0);
    BOOST_TEST(epoch(1) == 4);
}

BOOST_AUTO_TEST_SUITE_END()
