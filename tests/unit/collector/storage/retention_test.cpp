#include "collector/storage/retention.h"

#include "collector/storage/log_directory.h"
#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <vector>

using namespace logboom;
using namespace logboom::storage;

namespace {

constexpr std::int64_t now_ms = 1'700'000'000'000;
constexpr RetentionNow now{now_ms, true};
constexpr std::int64_t day_ms = 24ll * 3600 * 1000;

/// Segments of these sizes whose newest records are so many milliseconds old; -1: they have no time.
std::vector<SegmentFacts> segments_of(
    const std::vector<std::pair<std::uint64_t, std::int64_t>>& sizes_and_ages
) {
    std::vector<SegmentFacts> segments;
    for (const auto& [size, age_ms] : sizes_and_ages) {
        SegmentFacts facts;
        facts.size_bytes = size;
        facts.largest.timestamp_ms = age_ms < 0 ? -1 : now_ms - age_ms;
        segments.push_back(facts);
    }
    return segments;
}

std::size_t expired(
    const std::vector<SegmentFacts>& segments,
    const std::int64_t retention_ms,
    const std::int64_t retention_bytes,
    const RetentionNow at = now
) {
    return count_expired(segments, RetentionLimits{retention_ms, retention_bytes}, at);
}

/// A log that wants to begin at some offset.
class Member final : public DirectoryMember {
public:
    Task<void> sync_written() override { co_return; }
    void on_directory_failed() override {}
    Task<Result<std::optional<LogStart>>> prepare_retention(const RetentionNow at) override {
        asked.push_back(at);
        if (fails) {
            co_return Error{ErrorCode::io, 0, "a snapshot"};
        }
        co_return start;
    }
    Task<void> delete_below(const Offset log_start) override {
        deleted.push_back(log_start.value);
        co_return;
    }

    std::optional<LogStart> start;
    bool fails = false;
    std::vector<RetentionNow> asked;
    std::vector<std::int64_t> deleted;
};

PartitionKey key_of(const std::int32_t index) {
    return PartitionKey{Id128{std::byte{0x11}}, PartitionIndex(index)};
}

struct RetentionWorld {
    RetentionWorld() {
        const Result<Ok> made = machine.run(machine.env().fs.make_dirs("/log"));
        BOOST_REQUIRE(made.has_value());
        LogDirectoryOptions options;
        options.path = "/log";
        directory = &machine.make<LogDirectory>(machine.env(), options, start, has_failed);
        retention = &machine.make<Retention>(machine.env(), *directory);
    }
    void pass() { machine.run(retention->run_pass()); }
    /// A log that is due to begin there.
    std::unique_ptr<Member> due_at(const std::int32_t index, const std::int64_t offset) {
        auto member = std::make_unique<Member>();
        member->start = LogStart{key_of(index), Offset(offset)};
        directory->join(*member);
        return member;
    }
    Offset saved_start(const std::int32_t index) {
        const auto found = machine.run(start_log_directory(machine.env(), "/log"));
        BOOST_REQUIRE(found.has_value());
        return found->log_start_of(key_of(index));
    }

    DirectoryStart start;
    std::atomic<bool> has_failed{false};
    sim::SimMachine machine;
    LogDirectory* directory = nullptr;
    Retention* retention = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(retention)

// --- What has expired ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(without_limits_nothing_expires) {
    const auto segments = segments_of({{100, 1000 * day_ms}, {100, 0}});
    BOOST_TEST(expired(segments, -1, -1) == 0u);
    BOOST_TEST(expired({}, 0, 0) == 0u);
}

BOOST_AUTO_TEST_CASE(by_age_segments_expire_whose_newest_record_is_older_up_to_the_first_that_is_not
) {
    const auto segments = segments_of({{1, 900}, {1, 500}, {1, 800}, {1, 100}});
    BOOST_TEST(expired(segments, 899, -1) == 1u);
    BOOST_TEST(expired(segments, 900, -1) == 0u);  // not older
    BOOST_TEST(expired(segments, 600, -1) == 1u);  // the third one is behind one that stays
    BOOST_TEST(expired(segments, 499, -1) == 3u);
    BOOST_TEST(expired(segments, 99, -1) == 4u);
    BOOST_TEST(expired(segments, 0, -1) == 4u);
}

BOOST_AUTO_TEST_CASE(a_segment_without_times_is_as_old_as_its_last_append) {
    auto segments = segments_of({{1, -1}, {1, 100}});
    BOOST_TEST(expired(segments, 50, -1) == 0u);  // nothing at all is known of it
    segments[0].last_append_ms = now_ms - 200;
    BOOST_TEST(expired(segments, 199, -1) == 1u);
    BOOST_TEST(expired(segments, 200, -1) == 0u);
}

BOOST_AUTO_TEST_CASE(by_size_segments_expire_without_which_the_log_still_has_that_many_bytes) {
    const auto segments = segments_of({{100, 0}, {100, 0}, {100, 0}, {50, 0}});
    BOOST_TEST(expired(segments, -1, 350) == 0u);
    BOOST_TEST(expired(segments, -1, 251) == 0u);
    BOOST_TEST(expired(segments, -1, 250) == 1u);
    BOOST_TEST(expired(segments, -1, 150) == 2u);
    BOOST_TEST(expired(segments, -1, 50) == 3u);
    BOOST_TEST(expired(segments, -1, 1) == 3u);
    BOOST_TEST(expired(segments, -1, 0) == 4u);
}

BOOST_AUTO_TEST_CASE(with_both_limits_the_one_that_takes_more_holds) {
    const auto segments = segments_of({{100, 900}, {100, 800}, {100, 0}});
    BOOST_TEST(expired(segments, 700, 200) == 2u);
    BOOST_TEST(expired(segments, 850, 100) == 2u);
    BOOST_TEST(expired(segments, 850, 1000) == 1u);
}

BOOST_AUTO_TEST_CASE(nothing_expires_by_age_while_the_clock_cannot_be_right) {
    const RetentionNow jumped{now_ms, false};
    auto segments = segments_of({{100, 900}, {100, 0}});
    BOOST_TEST(expired(segments, 100, -1, jumped) == 0u);
    BOOST_TEST(expired(segments, 100, 100, jumped) == 1u);  // by size all the same
    segments[1].last_append_ms = now_ms + day_ms;
    BOOST_TEST(expired(segments, 100, -1) == 1u);
    segments[1].last_append_ms = now_ms + day_ms + 1;
    BOOST_TEST(is_clock_behind(segments, now));
    BOOST_TEST(expired(segments, 100, -1) == 0u);
}

BOOST_AUTO_TEST_CASE(timestamps_of_a_clock_that_is_years_ahead_keep_nothing_for_ever) {
    auto segments = segments_of({{100, -3650 * day_ms}, {100, 0}});
    segments[0].largest.timestamp_ms = now_ms + 3650 * day_ms;
    segments[0].last_append_ms = now_ms - 500 - day_ms;
    BOOST_TEST(!is_clock_behind(segments, now));
    BOOST_TEST(expired(segments, 500, -1) == 0u);
    BOOST_TEST(expired(segments, 499, -1) == 1u);
}

// --- The task ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nothing_is_deleted_before_the_new_starts_are_on_disk_in_one_write) {
    RetentionWorld world;
    const auto first = world.due_at(0, 10);
    const auto second = world.due_at(1, 20);
    Member idle;
    world.directory->join(idle);
    int renames = 0;
    bool was_early = false;
    world.machine.judge_ops([&](const io::Op& op) {
        if (op.kind == io::OpKind::fsync) {  // of the directory, behind the rename
            was_early = was_early || !first->deleted.empty() || !second->deleted.empty();
        }
        renames += op.kind == io::OpKind::rename ? 1 : 0;
        return sim::OpGate::passes;
    });
    world.pass();
    BOOST_TEST(!was_early);
    BOOST_TEST(renames == 1);
    BOOST_TEST((first->deleted == std::vector<std::int64_t>{10}));
    BOOST_TEST((second->deleted == std::vector<std::int64_t>{20}));
    BOOST_TEST(idle.deleted.empty());
    world.machine.restart_after(sim::CrashKind::power_loss);
    BOOST_TEST(world.saved_start(0).value == 10);
    BOOST_TEST(world.saved_start(1).value == 20);
}

BOOST_AUTO_TEST_CASE(nothing_is_deleted_if_the_new_starts_cannot_be_written) {
    RetentionWorld world;
    const auto member = world.due_at(0, 10);
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync ? ENOSPC : sim::OpGate::passes;
    });
    world.pass();
    BOOST_TEST(member->deleted.empty());
    BOOST_TEST(world.machine.has_logged("nothing is deleted"));
    BOOST_TEST(world.directory->metrics().retention_failures.value() == 1u);
    world.machine.judge_ops({});
    world.pass();
    BOOST_TEST((member->deleted == std::vector<std::int64_t>{10}));
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_prepared_does_not_stop_the_others) {
    RetentionWorld world;
    Member ill;
    ill.fails = true;
    world.directory->join(ill);
    const auto member = world.due_at(0, 10);
    world.pass();
    BOOST_TEST((member->deleted == std::vector<std::int64_t>{10}));
    BOOST_TEST(world.directory->metrics().retention_failures.value() == 1u);
}

BOOST_AUTO_TEST_CASE(a_log_that_leaves_while_the_starts_are_written_is_left_alone) {
    RetentionWorld world;
    const auto leaving = world.due_at(0, 10);
    const auto staying = world.due_at(1, 20);
    world.machine.judge_ops([&](const io::Op& op) {
        if (op.kind == io::OpKind::rename) {
            world.directory->leave(*leaving);
        }
        return sim::OpGate::passes;
    });
    world.pass();
    BOOST_TEST(leaving->deleted.empty());
    BOOST_TEST((staying->deleted == std::vector<std::int64_t>{20}));
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_stops_deletion_by_age_for_one_pass_and_is_told) {
    for (const Nanos jump : {Nanos(2h), Nanos(-2h)}) {
        RetentionWorld world;
        Member member;
        world.directory->join(member);
        world.pass();
        world.machine.run_for(48h);  // time that passes is no jump
        world.pass();
        world.machine.disk().set_wall_offset(jump);
        world.machine.run_for(30s);
        world.pass();
        BOOST_TEST(world.machine.has_logged("the clock was set"));
        world.machine.run_for(30s);
        world.pass();
        BOOST_REQUIRE(member.asked.size() == 4u);
        BOOST_TEST(member.asked[0].is_clock_sane);
        BOOST_TEST(member.asked[1].is_clock_sane);
        BOOST_TEST(!member.asked[2].is_clock_sane);
        BOOST_TEST(member.asked[3].is_clock_sane);
    }
}

BOOST_AUTO_TEST_CASE(the_task_goes_through_all_logs_at_each_interval_until_it_is_stopped) {
    RetentionWorld world;
    Member first;
    Member second;
    world.directory->join(first);
    world.directory->join(second);
    world.retention->start(30s);
    world.machine.run_for(65s);
    BOOST_TEST(first.asked.size() == 3u);
    BOOST_TEST(second.asked.size() == 3u);
    world.machine.run(world.retention->stop());
    world.machine.run_for(65s);
    BOOST_TEST(first.asked.size() == 3u);
}

BOOST_AUTO_TEST_CASE(ten_thousand_idle_logs_cost_one_pass_no_disk_operation) {
    RetentionWorld world;
    std::vector<std::unique_ptr<Member>> members;
    for (int i = 0; i < 10'000; ++i) {
        members.push_back(std::make_unique<Member>());
        world.directory->join(*members.back());
    }
    int ops = 0;
    world.machine.judge_ops([&ops](const io::Op&) {
        ++ops;
        return sim::OpGate::passes;
    });
    world.pass();
    BOOST_TEST(ops == 0);
    BOOST_TEST(members.back()->asked.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
