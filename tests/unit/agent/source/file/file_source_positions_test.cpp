// What collectors tell of our files when the checkpoint is lost or old, and files have changed meanwhile.
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";
const std::string checkpoint_file = "/state/checkpoint.log";

struct Told : SourceWorld {
    Told() { add_input({"/var/log/*"}); }
    void begin(const std::string& content) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }
    /// Also what is there before any collector answers.
    void start_again() {
        start_alone();
        pass(3s);
        meet();
        pass(2min);
    }
    /// The lines of all paths.
    [[nodiscard]] Lines all_lines() const {
        Lines lines;
        for (const ModelCollector::Taken& one : collector.taken) {
            lines.push_back(one.record.value);
        }
        return lines;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(file_source_positions)

BOOST_AUTO_TEST_CASE(a_copy_of_what_only_the_collector_knows_is_no_log_of_its_own) {
    // Of files shorter than a head, of which the name and the age alone tell a copy.
    for (const int lines : {3, 30, 300}) {
        Told world;
        world.begin(numbered(0, lines));
        world.apps.write(app_log, numbered(lines, lines + 3));
        world.pass(1s);
        world.kill();
        world.apps.write(app_log, numbered(lines + 3, lines + 5));
        world.pass(1s);
        world.apps.copy(app_log, app_log + ".1");
        world.apps.rewrite(app_log, numbered(0, 1, "new "));
        world.forget_checkpoint();
        world.start_again();
        BOOST_TEST(
            world.all_lines() == numbers(0, lines + 5) + numbers(0, 1, "new "),
            boost::test_tools::per_element()
        );
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_rotated_before_a_collector_answered_is_read_before_the_next) {
    Told world;
    world.begin(numbered(0, 100));
    world.kill();
    world.apps.write(app_log, numbered(100, 200));
    world.forget_checkpoint();
    world.start_alone();
    world.pass(3s);
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, numbered(0, 50, "new "));
    world.pass(3s);
    world.meet();
    world.pass(2min);
    BOOST_TEST(
        world.all_lines() == numbers(0, 200) + numbers(0, 50, "new "),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(an_old_checkpoint_does_not_make_a_cut_of_another_streams_content) {
    Told world;
    world.begin(numbered(0, 10));
    const std::string old = world.machine.content(checkpoint_file);
    world.apps.write(app_log, numbered(10, 50));
    world.pass(2s);
    world.apps.copy_truncate(app_log);
    world.apps.write(app_log, numbered(0, 100, "new "));
    world.pass(10s);
    BOOST_REQUIRE(world.all_lines().size() == 150u);
    world.kill();
    world.machine.set_content(checkpoint_file, old);
    world.apps.remove(app_log + ".1");
    world.start_again();
    BOOST_TEST(world.all_lines().size() == 150u);
    world.apps.write(app_log, "last\n");
    world.pass(5s);
    BOOST_TEST(world.all_lines().size() == 151u);
    BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
