#include "collector/storage/checkpoint.h"

#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::storage;

namespace {

const PartitionKey first_key{Id128{std::byte{0x11}}, PartitionIndex(0)};
const PartitionKey second_key{Id128{std::byte{0x22}}, PartitionIndex(7)};

std::string checkpoint_file(const Checkpoints& checkpoints) {
    Buffer file;
    encode_checkpoints(checkpoints, file);
    return std::string(as_text(file.view()));
}

CleanLog some_clean_log() {
    CleanLog log;
    log.key = second_key;
    log.log_end = Offset(1000);
    log.segment_base = Offset(600);
    log.segment_bytes = 4321;
    return log;
}

std::string clean_file() {
    Buffer file;
    const std::vector<CleanLog> logs(1, some_clean_log());
    encode_clean_marker(logs, file);
    return std::string(as_text(file.view()));
}

Result<DirectoryStart> start(sim::SimMachine& machine) {
    return machine.run(start_log_directory(machine.env(), "/data/log"));
}

/// A machine whose log directory was started once.
struct DirectoryWorld {
    DirectoryWorld() { BOOST_REQUIRE(start(machine).has_value()); }

    sim::SimMachine machine;
};

void check_cut_and_flipped(const std::string& good, const auto& decode) {
    for (std::size_t size = 0; size < good.size(); ++size) {
        BOOST_REQUIRE(!decode(as_bytes(good.substr(0, size))).has_value());
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        if (at >= 5 && at < 8) {
            continue;  // three bytes of the head that say nothing
        }
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1u << bit));
            BOOST_REQUIRE(!decode(as_bytes(bad)).has_value());
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_cut_or_has_a_flipped_bit_is_not_believed) {
    check_cut_and_flipped(
        checkpoint_file({{first_key, {Offset(5), Offset(0)}}}), decode_checkpoints
    );
}

BOOST_AUTO_TEST_CASE(a_clean_mark_that_is_cut_or_has_a_flipped_bit_is_not_believed) {
    check_cut_and_flipped(clean_file(), decode_clean_marker);
}

BOOST_AUTO_TEST_CASE(one_kind_of_file_is_not_taken_for_the_other) {
    const std::string checkpoints = checkpoint_file({{first_key, {Offset(5), Offset(0)}}});
    BOOST_TEST((decode_clean_marker(as_bytes(checkpoints)).code() == ErrorCode::malformed));
    BOOST_TEST((decode_checkpoints(as_bytes(clean_file())).code() == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_given_up_is_refused_and_the_way_out_is_told) {
    DirectoryWorld world;
    world.machine.set_content("/data/log/storage-failed", "fdatasync segment: io\n");
    const Result<DirectoryStart> refused = start(world.machine);
    BOOST_TEST((refused.code() == ErrorCode::storage_failed));
    BOOST_TEST(world.machine.has_logged("check the disk, then remove the marker"));
    BOOST_TEST(world.machine.has_logged("/data/log/storage-failed"));
    world.machine.remove("/data/log/storage-failed");
    BOOST_TEST(start(world.machine).has_value());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_version_is_refused_and_both_versions_are_named) {
    DirectoryWorld world;
    std::string file = checkpoint_file({{first_key, {Offset(5), Offset(0)}}});
    file[4] = 9;
    world.machine.set_content("/data/log/checkpoint-0", file);
    const Result<DirectoryStart> refused = start(world.machine);
    BOOST_TEST((refused.code() == ErrorCode::unsupported));
    BOOST_TEST(world.machine.has_logged("/data/log/checkpoint-0"));
    BOOST_TEST(world.machine.has_logged("version=9"));
    BOOST_TEST(world.machine.has_logged("supported=1"));
    BOOST_TEST(world.machine.content("/data/log/checkpoint-0") == file);
}

BOOST_AUTO_TEST_CASE(a_clean_mark_of_another_version_is_refused_and_stays) {
    DirectoryWorld world;
    std::string file = clean_file();
    file[4] = 2;
    world.machine.set_content("/data/log/clean", file);
    const Result<DirectoryStart> refused = start(world.machine);
    BOOST_TEST((refused.code() == ErrorCode::unsupported));
    BOOST_TEST(world.machine.has_logged("version=2"));
    BOOST_TEST(world.machine.has_logged("supported=1"));
    BOOST_TEST(world.machine.content("/data/log/clean") == file);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_read_counts_as_missing) {
    DirectoryWorld world;
    world.machine.set_content("/data/log/checkpoint-0", "noise");
    world.machine.set_content(
        "/data/log/checkpoint-1", checkpoint_file({{second_key, {Offset(7), Offset(0)}}})
    );
    const Result<DirectoryStart> started = start(world.machine);
    BOOST_REQUIRE(started.has_value());
    BOOST_TEST(started->synced_end_of(first_key).value == 0);
    BOOST_TEST(started->synced_end_of(second_key).value == 7);
    BOOST_TEST(world.machine.has_logged("counts as missing"));
}

BOOST_AUTO_TEST_CASE(a_clean_mark_that_cannot_be_read_counts_as_missing_and_goes) {
    DirectoryWorld world;
    world.machine.set_content("/data/log/clean", clean_file() + "x");
    const Result<DirectoryStart> started = start(world.machine);
    BOOST_REQUIRE(started.has_value());
    BOOST_TEST(started->clean.empty());
    BOOST_TEST(!world.machine.exists("/data/log/clean"));
    BOOST_TEST(world.machine.has_logged("counts as missing"));
}

BOOST_AUTO_TEST_CASE(a_disk_that_cannot_be_read_is_an_error_and_nothing_is_assumed) {
    DirectoryWorld world;
    world.machine.set_content(
        "/data/log/checkpoint-0", checkpoint_file({{first_key, {Offset(5), Offset(0)}}})
    );
    world.machine.disk().options().faults.read_error = 1;
    BOOST_TEST((start(world.machine).code() == ErrorCode::io));
}

BOOST_AUTO_TEST_CASE(the_clean_mark_is_gone_for_good_before_anything_else_is_done) {
    DirectoryWorld world;
    const Result<Ok> marked =
        world.machine.run(write_clean_marker(world.machine.env(), "/data/log", {some_clean_log()}));
    BOOST_REQUIRE(marked.has_value());
    const Result<DirectoryStart> started = start(world.machine);
    BOOST_REQUIRE(started.has_value());
    BOOST_REQUIRE(started->clean_of(second_key) != nullptr);
    BOOST_TEST((*started->clean_of(second_key) == some_clean_log()));
    BOOST_TEST(started->clean_of(first_key) == nullptr);
    world.machine.restart_after(sim::CrashKind::power_loss);
    BOOST_TEST(!world.machine.exists("/data/log/clean"));
}

BOOST_AUTO_TEST_CASE(a_clean_mark_does_not_come_back_although_who_took_it_was_killed_at_once) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        sim::SimMachine machine(options);
        BOOST_REQUIRE(start(machine).has_value());
        const Result<Ok> marked =
            machine.run(write_clean_marker(machine.env(), "/data/log", {some_clean_log()}));
        BOOST_REQUIRE(marked.has_value());
        bool is_gone = false;
        machine.judge_ops([&is_gone](const io::Op& op) {
            is_gone = is_gone || op.kind == io::OpKind::unlink;
            return is_gone && op.kind == io::OpKind::fsync ? sim::OpGate::held
                                                           : sim::OpGate::passes;
        });
        auto taken = machine.begin(start_log_directory(machine.env(), "/data/log"));
        machine.run_until([&machine] { return machine.held_ops() == 1; });
        machine.judge_ops({});
        machine.restart_after(sim::CrashKind::killed);
        BOOST_REQUIRE(start(machine)->clean.empty());  // and now logs are written to
        machine.restart_after(sim::CrashKind::power_loss);
        BOOST_REQUIRE(!machine.exists("/data/log/clean"));
    }
}

BOOST_AUTO_TEST_CASE(a_clean_mark_survives_a_power_loss_once_it_was_written) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        sim::SimMachine machine(options);
        BOOST_REQUIRE(start(machine).has_value());
        const Result<Ok> marked =
            machine.run(write_clean_marker(machine.env(), "/data/log", {some_clean_log()}));
        BOOST_REQUIRE(marked.has_value());
        machine.restart_after(sim::CrashKind::power_loss);
        const Result<DirectoryStart> started = start(machine);
        BOOST_REQUIRE(started.has_value());
        BOOST_REQUIRE(started->clean_of(second_key) != nullptr);
    }
}

BOOST_AUTO_TEST_CASE(of_several_shards_checkpoints_the_highest_value_holds) {
    DirectoryWorld world;
    world.machine.set_content(
        "/data/log/checkpoint-0",
        checkpoint_file({{first_key, {Offset(5), Offset(0)}}, {second_key, {Offset(9), Offset(0)}}})
    );
    world.machine.set_content(
        "/data/log/checkpoint-11",
        checkpoint_file({{first_key, {Offset(6), Offset(0)}}, {second_key, {Offset(8), Offset(0)}}})
    );
    // One that was being written counts for nothing.
    world.machine.set_content(
        "/data/log/checkpoint-0.tmp", checkpoint_file({{first_key, {Offset(100), Offset(0)}}})
    );
    const Result<DirectoryStart> started = start(world.machine);
    BOOST_REQUIRE(started.has_value());
    BOOST_TEST(started->synced_end_of(first_key).value == 6);
    BOOST_TEST(started->synced_end_of(second_key).value == 9);
}

BOOST_AUTO_TEST_CASE(a_new_directory_knows_nothing) {
    sim::SimMachine machine;
    const Result<DirectoryStart> started = start(machine);
    BOOST_REQUIRE(started.has_value());
    BOOST_TEST(started->checkpoints.empty());
    BOOST_TEST(started->clean.empty());
    BOOST_TEST(machine.names_in("/data/log").empty());
}

// Made from the description in LAYOUT.md by a program that shares no code with ours.
BOOST_AUTO_TEST_CASE(a_checkpoint_has_exactly_these_bytes) {
    BOOST_TEST(
        to_hex(as_bytes(checkpoint_file(
            {{first_key, {Offset(5), Offset(0)}}, {second_key, {Offset(1000), Offset(0)}}}
        )))
        == "4c42435001000000"
           "0000003177ec87ad"
           "0a140a101100000000000000000000000000000018050a170a10220000000000"
           "00000000000000000000100718e8071001"
    );
    BOOST_TEST(to_hex(as_bytes(checkpoint_file({}))) == "4c4243500100000000000002d5eb5c051001");
}

BOOST_AUTO_TEST_CASE(a_clean_mark_has_exactly_these_bytes) {
    BOOST_TEST(
        to_hex(as_bytes(clean_file()))
        == "4c42434c01000000"
           "000000218d5ebf44"
           "0a1d0a1022000000000000000000000000000000100718e80720d80428e12110"
           "01"
    );
}

BOOST_AUTO_TEST_CASE(what_is_written_comes_back) {
    const Checkpoints checkpoints{
        {first_key, {Offset(0), Offset(0)}}, {second_key, {Offset(INT64_MAX), Offset(0)}}};
    BOOST_TEST((*decode_checkpoints(as_bytes(checkpoint_file(checkpoints))) == checkpoints));
    const std::vector<CleanLog> logs(1, some_clean_log());
    BOOST_TEST((*decode_clean_marker(as_bytes(clean_file())) == logs));
}

BOOST_AUTO_TEST_SUITE_END()
