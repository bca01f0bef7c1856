#include "collector/storage/partition_files.h"

#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;

namespace {

const PartitionKey key{Id128{std::byte{0x11}}, PartitionIndex(3)};

struct FilesWorld {
    FilesWorld() {
        BOOST_REQUIRE(machine.run(machine.env().fs.make_dirs(path)).has_value());
        machine.set_content(path + "/00000000000000000000.log", "batches");
        machine.set_content(path + "/00000000000000000000.timeindex", "times");
        machine.set_content(path + "/of another version", "?");
    }
    Result<Ok> remove(const PartitionKey& of) {
        return machine.run(remove_partition_files(machine.env(), "/log", of));
    }

    sim::SimMachine machine;
    std::string path = "/log/" + partition_dir_name(key);
};

}  // namespace

BOOST_AUTO_TEST_SUITE(partition_files)

BOOST_AUTO_TEST_CASE(what_cannot_be_removed_is_an_error_and_can_be_removed_later) {
    FilesWorld world;
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::unlink ? EPERM : sim::OpGate::passes;
    });
    BOOST_TEST((world.remove(key).code() == ErrorCode::io));
    world.machine.judge_ops({});
    BOOST_TEST(world.remove(key).has_value());
    BOOST_TEST(!world.machine.exists(world.path));
}

BOOST_AUTO_TEST_CASE(a_partition_without_files_is_no_error_and_others_stay) {
    FilesWorld world;
    BOOST_TEST(world.remove(PartitionKey{key.topic, PartitionIndex(4)}).has_value());
    BOOST_TEST(world.machine.names_in(world.path).size() == 3u);
    BOOST_TEST(world.remove(key).has_value());
    BOOST_TEST(world.remove(key).has_value());
    BOOST_TEST(world.machine.names_in("/log").empty());
}

BOOST_AUTO_TEST_SUITE_END()
