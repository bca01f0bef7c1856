// Law 8 at the first meeting: the files of each topic begin when its positions are known; and what the agent
// says of its inputs (O3).
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";
const std::string other_log = "/other/b.log";

struct TwoTopics : SourceWorld {
    TwoTopics() {
        add_input({"/var/log/*.log"});
        add_input({"/other/*.log"}).topic = "other";
        apps.make_dirs("/other");
    }
    void meet_one(const std::string& topic) { files->begin(collector.positions({topic}, 64)); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(source_topics)

BOOST_AUTO_TEST_CASE(files_of_a_topic_that_was_not_met_wait_and_hold_up_no_other) {
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.apps.write(other_log, numbered(0, 3));
    world.start_alone();
    world.meet_one("logs");
    BOOST_TEST(world.lines_of(app_log, 3) == numbers(0, 3), boost::test_tools::per_element());
    world.apps.write(app_log, numbered(3, 4));
    BOOST_TEST(world.lines_of(app_log, 4).size() == 4u);
    world.pass(2min);
    BOOST_TEST(world.lines_now(other_log).empty());
    BOOST_TEST(!world.files->is_drained());
    world.meet_one("other");
    BOOST_TEST(world.lines_of(other_log, 3) == numbers(0, 3), boost::test_tools::per_element());
    BOOST_TEST(world.files->is_drained());
}

BOOST_AUTO_TEST_CASE(a_topic_met_later_has_its_positions_from_the_collector_too) {
    // A lost checkpoint: what was taken for a new file while its topic was not known is the old one.
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.apps.write(other_log, numbered(0, 3));
    world.start();
    BOOST_TEST(world.lines_of(other_log, 3).size() == 3u);
    BOOST_TEST(world.lines_of(app_log, 3).size() == 3u);
    world.kill();
    world.forget_checkpoint();
    world.apps.write(other_log, numbered(3, 5));
    world.start_alone();
    world.meet_one("logs");
    world.pass(1min);
    world.apps.write(other_log, numbered(5, 6));  // it is looked at, and not read
    world.pass(1s);
    world.meet_one("other");
    BOOST_TEST(world.lines_of(other_log, 6) == numbers(0, 6), boost::test_tools::per_element());
    BOOST_TEST(world.lines_now(app_log) == numbers(0, 3), boost::test_tools::per_element());
    BOOST_TEST(world.collector.known.size() == 2u);
}

// --- Health --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_input_of_which_nothing_can_be_read_is_failing_and_the_others_are_not) {
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.apps.write(other_log, numbered(0, 3));
    world.machine.judge_ops([](const io::Op& op) {
        const bool is_other = op.path != nullptr && std::string(op.path) == other_log;
        return op.kind == io::OpKind::open && is_other ? EACCES : sim::OpGate::passes;
    });
    world.start();
    world.pass(10s);
    BOOST_TEST(!world.files->health().at(0).is_failing);
    BOOST_TEST(world.files->health().at(1).is_failing);
    world.apps.write("/other/good.log", "good\n");  // now some of it can
    world.pass(10s);
    BOOST_TEST(!world.files->health().at(1).is_failing);
    BOOST_TEST(world.lines_now("/other/good.log").size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_input_whose_files_cannot_be_read_any_more_after_a_restart_is_failing) {
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.apps.write(other_log, numbered(0, 3));
    world.start();
    BOOST_TEST(world.lines_of(other_log, 3).size() == 3u);
    world.kill();
    world.machine.judge_ops([](const io::Op& op) {
        const bool is_other = op.path != nullptr && std::string(op.path) == other_log;
        return op.kind == io::OpKind::open && is_other ? EACCES : sim::OpGate::passes;
    });
    world.apps.write(other_log, numbered(3, 5));
    world.start();
    world.pass(10s);
    BOOST_TEST(!world.files->health().at(0).is_failing);
    BOOST_TEST(world.files->health().at(1).is_failing);
    world.machine.judge_ops(nullptr);
    BOOST_TEST(world.lines_of(other_log, 5).size() == 5u);
    BOOST_TEST(!world.files->health().at(1).is_failing);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_listed_is_said_once_and_makes_its_input_fail) {
    // T6, law 8.
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.apps.write(other_log, numbered(0, 3));
    world.machine.judge_ops([](const io::Op& op) {
        const bool is_other = op.path != nullptr && std::string(op.path) == "/other";
        return op.kind == io::OpKind::list_dir && is_other ? EACCES : sim::OpGate::passes;
    });
    world.start();
    world.pass(5min);
    BOOST_TEST(world.lines_now(app_log).size() == 3u);
    BOOST_TEST(!world.files->health().at(0).is_failing);
    BOOST_TEST(world.files->health().at(1).is_failing);
    BOOST_TEST(world.times_logged("directory cannot be listed") == 1u);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 1);
    world.machine.judge_ops(nullptr);
    BOOST_TEST(world.lines_of(other_log, 3).size() == 3u);
    BOOST_TEST(!world.files->health().at(1).is_failing);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 0);
}

BOOST_AUTO_TEST_CASE(bytes_that_wait_while_nothing_moves_show_and_an_unfinished_line_does_not) {
    // O3: red when nothing moves, and not for ever red.
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    AppFile writer = world.apps.open(other_log);
    writer.write("unfini");
    world.start();
    world.pass(5min);
    BOOST_TEST((world.files->health().at(1).stuck_for == 0s));
    world.link->hold();
    world.apps.write(app_log, numbered(3, 5));
    world.pass(100s);
    BOOST_TEST((world.files->health().at(0).stuck_for > 90s));
    BOOST_TEST((world.files->health().at(0).stuck_for < 110s));
    BOOST_TEST((world.files->health().at(1).stuck_for == 0s));
    world.link->release();
    world.pass(1s);
    BOOST_TEST((world.files->health().at(0).stuck_for == 0s));
}

BOOST_AUTO_TEST_CASE(an_input_that_stands_still_shows_though_another_one_moves) {
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.apps.write(other_log, numbered(0, 3));
    world.start();
    BOOST_TEST(world.lines_of(other_log, 3).size() == 3u);
    BOOST_TEST(world.lines_of(app_log, 3).size() == 3u);
    world.kill();
    world.start_alone();
    world.meet_one("logs");
    world.pass(10s);
    world.apps.write(other_log, numbered(3, 4));  // nobody tells how far its topic is
    for (int n = 3; n < 13; ++n) {
        world.apps.write(app_log, numbered(n, n + 1));
        world.pass(10s);
    }
    BOOST_TEST(world.lines_now(app_log).size() == 13u);
    BOOST_TEST((world.files->health().at(0).stuck_for < 20s));
    BOOST_TEST((world.files->health().at(1).stuck_for > 90s));
}

// --- T6 ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_read_is_told_with_its_owner_and_what_would_help) {
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    int opens = 0;
    world.machine.judge_ops([&opens](const io::Op& op) {
        const bool is_app = op.path != nullptr && std::string(op.path) == app_log;
        opens += op.kind == io::OpKind::open && is_app ? 1 : 0;
        return op.kind == io::OpKind::open && is_app ? EACCES : sim::OpGate::passes;
    });
    world.start();
    // That it is written to is no reason to try it each time.
    for (int i = 0; i < 100; ++i) {
        world.apps.write(app_log, numbered(3 + i, 4 + i));
        world.pass(500ms);
    }
    BOOST_TEST(world.times_logged("file cannot be read; trying again") == 1u);
    BOOST_TEST(world.times_logged("uid 0 gid 0 mode 0644") == 1u);
    BOOST_TEST(world.times_logged("CAP_DAC_READ_SEARCH") == 1u);
    BOOST_TEST(opens < 15);
    world.machine.judge_ops(nullptr);
    BOOST_TEST(world.lines_of(app_log, 103) == numbers(0, 103), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_file_that_fails_for_another_reason_is_told_without_that_advice) {
    TwoTopics world;
    world.apps.write(app_log, numbered(0, 3));
    world.machine.judge_ops([](const io::Op& op) {
        const bool is_app = op.path != nullptr && std::string(op.path) == app_log;
        return op.kind == io::OpKind::open && is_app ? EIO : sim::OpGate::passes;
    });
    world.start();
    world.pass(10s);
    BOOST_TEST(world.times_logged("file cannot be read; trying again") == 1u);
    BOOST_TEST(world.times_logged("CAP_DAC_READ_SEARCH") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
