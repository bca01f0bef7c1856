// T40: the lines of a path's new file come after those of the old one, but nothing waits for ever.
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

}  // namespace

BOOST_AUTO_TEST_SUITE(rotation_order)

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_to_its_end_does_not_hold_up_the_next) {
    // Law 8: a bad sector under the old file.
    SourceWorld world;
    world.add_input({"/var/log/*.log"});
    world.apps.write(app_log, numbered(0, 3));
    world.start();
    world.until_scanned();
    world.pass(2s);
    const std::uint64_t bad_from = numbered(0, 3).size();
    const std::size_t old_size = numbered(0, 500).size();
    AppFile old = world.apps.open(app_log);
    world.machine.judge_ops([bad_from, old_size](const io::Op& op) {
        const auto end = static_cast<std::uint64_t>(op.off) + op.len;
        const bool is_bad = op.kind == io::OpKind::read && op.off >= 0 && end > bad_from
                         && op.len > 1024 && end <= old_size;
        return is_bad ? EIO : sim::OpGate::passes;
    });
    old.write(numbered(3, 500));
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, "next\n");
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"next"},
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.times_logged("file cannot be read") == 1u);
    // What can be read again later is read.
    world.machine.judge_ops(nullptr);
    BOOST_TEST(world.lines_of(app_log, 501).size() == 501u);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_line_that_nobody_writes_is_sent_before_the_next_file) {
    SourceWorld world;
    world.add_input({"/var/log/*.log"});
    world.apps.write(app_log, numbered(0, 3));
    world.start();
    world.until_scanned();
    world.apps.write(app_log, "no end");
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, "next\n");
    BOOST_TEST(
        world.lines_of(app_log, 5) == (numbers(0, 3) + Lines{"no end", "next"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_SUITE_END()
