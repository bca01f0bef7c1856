#include "collector/storage/log_directory.h"

#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::storage;

namespace {

const PartitionKey first_key{Id128{std::byte{0x11}}, PartitionIndex(0)};
const PartitionKey second_key{Id128{std::byte{0x22}}, PartitionIndex(7)};

class Member final : public DirectoryMember {
public:
    Task<void> sync_written() override { co_return; }
    void on_directory_failed() override { ++failures; }
    Task<Result<std::optional<LogStart>>> prepare_retention(RetentionNow) override {
        co_return std::optional<LogStart>();
    }
    Task<void> delete_below(Offset) override { co_return; }

    int failures = 0;
};

struct DirectoryWorld {
    explicit DirectoryWorld(DirectoryStart found = DirectoryStart()) : start(std::move(found)) {
        const Result<Ok> made = machine.run(machine.env().fs.make_dirs("/log"));
        BOOST_REQUIRE(made.has_value());
        LogDirectoryOptions options;
        options.path = "/log";
        options.shard_index = 3;
        directory = &machine.make<LogDirectory>(machine.env(), options, start, has_failed);
    }

    /// What the next start finds.
    Result<DirectoryStart> found() {
        return machine.run(start_log_directory(machine.env(), "/log"));
    }

    DirectoryStart start;
    std::atomic<bool> has_failed{false};
    sim::SimMachine machine;
    LogDirectory* directory = nullptr;
};

constexpr Error io_error{ErrorCode::io, EIO, "fdatasync"};

}  // namespace

BOOST_AUTO_TEST_SUITE(log_directory)

BOOST_AUTO_TEST_CASE(giving_up_tells_every_member_once_and_leaves_a_mark_for_the_next_start) {
    DirectoryWorld world;
    Member first;
    Member second;
    Member gone;
    world.directory->join(first);
    world.directory->join(gone);
    world.directory->join(second);
    world.directory->leave(gone);
    world.directory->give_up(io_error, "/log/some/segment.log");
    BOOST_TEST(world.directory->has_failed());
    BOOST_TEST(first.failures == 1);
    BOOST_TEST(second.failures == 1);
    BOOST_TEST(gone.failures == 0);
    world.directory->leave(first);
    world.directory->leave(second);
    world.machine.run(world.directory->stop());
    BOOST_TEST(world.machine.has_logged("log directory given up after an I/O error"));
    BOOST_TEST(
        world.machine.content("/log/storage-failed").find("/log/some/segment.log") == 1u  // quoted
    );
    BOOST_TEST((world.found().code() == ErrorCode::storage_failed));
}

BOOST_AUTO_TEST_CASE(a_mark_that_cannot_be_written_is_told) {
    DirectoryWorld world;
    world.machine.disk().options().faults.write_error = 1;
    world.directory->give_up(io_error, "/log/some/segment.log");
    world.machine.run(world.directory->stop());
    BOOST_TEST(world.machine.has_logged("do not use it again before its disk was checked"));
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_given_up_gets_no_checkpoint_any_more) {
    DirectoryWorld world;
    world.directory->note_synced(first_key, Offset(5));
    world.directory->give_up(io_error, "/log/some/segment.log");
    world.machine.run_for(5s);
    world.machine.run(world.directory->stop());
    BOOST_TEST(!world.machine.exists("/log/checkpoint-3"));
}

BOOST_AUTO_TEST_CASE(a_second_shard_that_gives_up_tells_its_own_members_and_writes_no_second_mark) {
    DirectoryWorld world;
    world.has_failed = true;  // another shard was first
    Member member;
    world.directory->join(member);
    world.directory->give_up(io_error, "/log/some/segment.log");
    BOOST_TEST(member.failures == 1);
    world.directory->leave(member);
    world.machine.run(world.directory->stop());
    BOOST_TEST(!world.machine.exists("/log/storage-failed"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_written_leaves_the_one_before) {
    DirectoryWorld world;
    world.directory->note_synced(first_key, Offset(5));
    world.machine.run_for(2s);
    world.machine.disk().options().faults.sync_error = 1;
    world.directory->note_synced(first_key, Offset(9));
    world.machine.run_for(2s);
    BOOST_TEST(world.machine.has_logged("the recovery checkpoint could not be written"));
    world.machine.disk().options().faults.sync_error = 0;
    BOOST_TEST(world.found()->synced_end_of(first_key).value == 5);
    world.directory->note_synced(first_key, Offset(10));
    world.machine.run_for(2s);
    BOOST_TEST(world.found()->synced_end_of(first_key).value == 10);
    BOOST_TEST(!world.directory->has_failed());  // a cache is no log
    world.machine.run(world.directory->stop());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_follows_within_a_second_and_not_with_each_sync) {
    DirectoryWorld world;
    int renames = 0;
    world.machine.judge_ops([&renames](const io::Op& op) {
        renames += op.kind == io::OpKind::rename ? 1 : 0;
        return sim::OpGate::passes;
    });
    for (std::int64_t end = 1; end <= 600; ++end) {
        world.directory->note_synced(first_key, Offset(end));
        world.machine.run_for(2ms);
    }
    world.machine.run_for(1200ms);
    BOOST_TEST(renames == 2);
    BOOST_TEST(world.found()->synced_end_of(first_key).value == 600);
    world.machine.run_for(10s);
    BOOST_TEST(renames == 2);  // nothing new, nothing written
}

BOOST_AUTO_TEST_CASE(a_checkpoint_never_goes_back_and_keeps_logs_that_are_not_open) {
    DirectoryStart start;
    start.checkpoints[first_key].synced_end = Offset(50);
    start.checkpoints[second_key].synced_end = Offset(70);
    DirectoryWorld world(start);
    world.directory->note_synced(first_key, Offset(40));
    world.machine.run(world.directory->stop());
    BOOST_TEST(world.found()->synced_end_of(first_key).value == 50);
    BOOST_TEST(world.found()->synced_end_of(second_key).value == 70);
}

BOOST_AUTO_TEST_CASE(stopping_writes_the_checkpoint_at_once) {
    DirectoryWorld world;
    world.directory->note_synced(first_key, Offset(5));
    const SteadyTime asked = world.machine.env().clock.now();
    world.machine.run(world.directory->stop());
    BOOST_TEST((world.machine.env().clock.now() < asked + 1s));
    BOOST_TEST(world.found()->synced_end_of(first_key).value == 5);
}

BOOST_AUTO_TEST_CASE(a_partition_that_is_forgotten_is_in_the_next_checkpoint_no_more) {
    DirectoryStart found;
    found.checkpoints[first_key].synced_end = Offset(5);
    DirectoryWorld world(found);
    world.directory->note_synced(second_key, Offset(7));
    world.machine.run_for(2s);
    BOOST_TEST(world.found()->checkpoints.size() == 2u);
    world.directory->forget(first_key);
    world.machine.run_for(2s);
    BOOST_TEST(world.found()->checkpoints.size() == 1u);
    BOOST_TEST((world.found()->synced_end_of(second_key) == Offset(7)));
}

BOOST_AUTO_TEST_SUITE_END()
