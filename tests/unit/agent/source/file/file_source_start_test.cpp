// What is settled before a collector answers, and what its answer changes (T16, T22, agent-design 3.1).
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

struct Started : SourceWorld {
    explicit Started(const std::uint64_t seed = 1) : SourceWorld(seed) {
        input = &add_input({"/var/log/*.log"});
    }
    void begin(const std::string& content = numbered(0, 3)) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }
    /// With a checkpoint of one run, and that of the collector lost or kept.
    void lose_memory() {
        kill();
        forget_checkpoint();
    }

    FileInput* input;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(file_source_start)

// --- Without a collector -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_is_rotated_and_deleted_before_a_collector_answers_is_not_lost) {
    for (const bool is_known : {false, true}) {
        Started world;
        if (is_known) {
            world.begin();
            world.stop();
            world.apps.write(app_log, numbered(3, 6));
        } else {
            world.apps.write(app_log, numbered(0, 6));
        }
        world.start_alone();
        world.pass(5s);
        world.apps.write(app_log, numbered(6, 8));
        world.apps.rename(app_log, "/elsewhere");
        world.apps.write(app_log, numbered(8, 10));
        world.pass(5s);
        world.apps.remove("/elsewhere");
        world.apps.remove(app_log);
        world.pass(1min);
        world.meet();
        BOOST_TEST(world.lines_of(app_log, 10) == numbers(0, 10), boost::test_tools::per_element());
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_read_before_a_collector_answers) {
    Started world;
    world.apps.write(app_log, numbered(0, 6));
    world.start_alone();
    world.pass(1min);
    BOOST_TEST(world.metric("logboom_agent_source_bytes_read_total") == 0);
    BOOST_TEST(!world.files->is_drained());
}

BOOST_AUTO_TEST_CASE(the_end_is_where_the_file_ended_at_the_first_start_not_at_the_first_contact) {
    // T22.
    Started world;
    world.input->read_from = StartPoint::end;
    world.apps.write(app_log, "old\n");
    world.start_alone();
    world.pass(1s);
    world.apps.write(app_log, "new\n");
    // A restart before any contact changes nothing about it.
    world.kill();
    world.apps.write(app_log, "newer\n");
    world.start_alone();
    world.pass(1s);
    world.meet();
    BOOST_TEST(
        world.lines_of(app_log, 2) == (Lines{"new", "newer"}), boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(starts_at_the_end_are_on_disk_before_the_input_is_known) {
    // T22: else a crash between the two reads what was to be passed over. More files than one write takes.
    for (const Nanos lived : std::vector<Nanos>{10ms, 20ms, 30ms, 50ms, 100ms, 1s}) {
        Started world;
        world.input->read_from = StartPoint::end;
        world.checkpoint_options.updates_max = 100;
        for (int i = 0; i < 120; ++i) {
            world.apps.write("/var/log/" + std::to_string(i) + ".log", "old\n");
        }
        world.machine.disk().sync_all();
        world.start();
        world.pass(lived);
        world.lose_power();
        world.start();
        world.pass(1min);
        BOOST_TEST(world.collector.taken.empty());
    }
}

BOOST_AUTO_TEST_CASE(starts_at_the_end_survive_a_power_loss_moments_later) {
    // T22: else the end would be where the file ended at the second start.
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        Started world(seed);
        world.input->read_from = StartPoint::end;
        world.apps.write(app_log, "old\n");
        world.machine.disk().sync_all();
        world.start_alone();
        world.pass(1s);
        std::shared_ptr<io::SimOpenFile> file;
        BOOST_REQUIRE(world.machine.disk().open(app_log, O_WRONLY | O_APPEND, 0, file) == 0);
        const auto none = io::SimDisk::Faults::none;
        BOOST_REQUIRE(world.machine.disk().write(*file, as_bytes("new\n"), 0, none) == 4);
        BOOST_REQUIRE(world.machine.disk().sync(*file, none) == 0);
        world.lose_power();
        world.start();
        BOOST_TEST(world.lines_of(app_log, 1) == Lines{"new"}, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(no_more_files_are_held_open_than_allowed_while_nothing_can_be_read) {
    // T25.
    Started world;
    world.options.tailer.open_files_max = 10;
    for (int i = 0; i < 30; ++i) {
        world.apps.write("/var/log/" + std::to_string(i) + ".log", "a line\n");
    }
    world.start_alone();
    world.pass(5s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 10);
    world.meet();
    world.until([&world] { return world.collector.taken.size() == 30; });
    BOOST_TEST(world.collector.taken.size() == 30u);
}

// --- What collectors say -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_taken_for_a_new_one_before_a_collector_knew_it_is_its_old_stream) {
    // The checkpoint is lost, and another one was begun before the collector answered.
    for (const bool is_killed_between : {false, true}) {
        Started world;
        world.begin(numbered(0, 20));
        const record::Id128 stream = world.streams_of(app_log).at(0);
        world.lose_memory();
        world.start_alone();
        world.pass(5s);
        if (is_killed_between) {
            world.kill();
            world.start_alone();
            world.pass(5s);
        }
        world.apps.write(app_log, numbered(20, 22));
        world.meet();
        BOOST_TEST(world.lines_of(app_log, 22) == numbers(0, 22), boost::test_tools::per_element());
        BOOST_TEST((world.streams_of(app_log) == std::vector<record::Id128>{stream}));
        BOOST_TEST(world.collector.duplicates == 0u);
    }
}

BOOST_AUTO_TEST_CASE(its_old_stream_comes_before_what_has_its_path_now) {
    // T40, with a rotation between the start and the answer.
    Started world;
    world.begin(numbered(0, 20));
    world.lose_memory();
    world.apps.write(app_log, numbered(20, 22));
    world.start_alone();
    world.pass(5s);
    world.apps.rename(app_log, "/elsewhere");
    world.apps.write(app_log, numbered(22, 25));
    world.pass(5s);
    world.meet();
    BOOST_TEST(world.lines_of(app_log, 25) == numbers(0, 25), boost::test_tools::per_element());
    BOOST_TEST(world.streams_of(app_log).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_truncation_that_the_checkpoint_knows_is_not_forgotten_for_the_collector) {
    Started world;
    world.begin(numbered(0, 20));
    world.link->hold();
    world.apps.rewrite(app_log, numbered(0, 3, "new "));
    world.pass(5s);
    const record::Id128 stream = world.streams_of(app_log).at(0);
    BOOST_TEST(world.checkpoint->entries().at(stream).generation == 1u);
    world.kill();
    // Longer than before, and with the same bytes at the collector's position.
    world.apps.rewrite(app_log, numbered(0, 22));
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 42) == numbers(0, 20) + numbers(0, 22),
        boost::test_tools::per_element()
    );
}

// --- T22, T23 ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_came_while_we_were_down_is_read_however_old_it_is_by_now) {
    // A date-named file that was finished on Friday, and a start on Monday.
    Started world;
    world.apps.write("/var/log/ancient.log", "before everything\n");
    world.pass(30h);
    world.begin();
    world.stop();
    world.apps.write("/var/log/friday.log", "last words\n");
    world.pass(60h);
    world.start();
    BOOST_TEST(
        world.lines_of("/var/log/friday.log", 1) == Lines{"last words"},
        boost::test_tools::per_element()
    );
    // What was too old at the very first start stays so at every later one.
    world.pass(5min);
    BOOST_TEST(world.lines_now("/var/log/ancient.log").empty());
}

BOOST_AUTO_TEST_SUITE_END()
