// T17, T18: files that are cut, with and without a copy of what they had. Whatever was in the file when it
// was copied arrives once, before what was written after the cut.
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";
const std::string copied_log = app_log + ".1";
const std::string lost_bytes = "logboom_agent_loss_bytes_total{reason=\"truncated_unread\"}";

struct CutWorld : SourceWorld {
    explicit CutWorld(const std::vector<std::string>& paths = {"/var/log/*.log"}) {
        input = &add_input(paths);
    }
    void begin(const std::string& content) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }
    /// Nothing can be read on, as when the collector is away for long.
    void stop_reading() { link->queue_max = 0; }
    void go_on_reading() {
        link->queue_max = 16;
        files->room();
    }
    [[nodiscard]] Lines all_lines() const {
        Lines lines;
        for (const ModelCollector::Taken& one : collector.taken) {
            lines.push_back(one.record.value);
        }
        return lines;
    }
    void check(const Lines& expected) {
        until([this, &expected] { return collector.taken.size() >= expected.size(); });
        pass(70s);  // longer than a copy is left alone
        BOOST_TEST(all_lines() == expected, boost::test_tools::per_element());
        BOOST_TEST(metric("logboom_agent_loss_bytes_total") == 0);
    }

    FileInput* input;
};

const std::vector<std::vector<std::string>> globs{{"/var/log/*.log"}, {"/var/log/app.log*"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(copytruncate)

// --- With a copy ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_small_file_goes_on_in_its_copy) {
    // Head and tail are the same bytes; the copy shows by its birth.
    for (const auto& paths : globs) {
        CutWorld world(paths);
        world.begin(numbered(0, 3));
        world.stop_reading();
        world.apps.write(app_log, numbered(3, 6));
        world.pass(1s);
        world.apps.copy_truncate(app_log);
        world.apps.write(app_log, numbered(6, 8));
        world.pass(1s);
        world.go_on_reading();
        world.check(numbers(0, 8));
        BOOST_TEST(world.streams_of(app_log).size() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(a_file_of_which_nothing_was_read_goes_on_in_its_copy) {
    for (const auto& paths : globs) {
        for (const int line_count : {4, 4000}) {
            CutWorld world(paths);
            world.apps.write(app_log, numbered(0, line_count));
            world.start_alone();
            world.pass(5s);
            world.apps.copy_truncate(app_log);
            world.apps.write(app_log, numbered(line_count, line_count + 2));
            world.pass(5s);
            world.meet();
            world.check(numbers(0, line_count + 2));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_cut_is_seen_while_nothing_can_be_read_on_and_so_is_the_next_one) {
    // The first copy has another name when reading goes on, and the second one holds what came between.
    for (const auto& paths : globs) {
        CutWorld world(paths);
        world.begin(numbered(0, 100));
        world.stop_reading();
        for (int i = 1; i <= 3; ++i) {
            world.apps.write(app_log, numbered(100 * i, 100 * i + 100));
            world.pass(30s);
            world.apps.copy_truncate(app_log);
            world.pass(30s);
        }
        world.apps.write(app_log, numbered(400, 500));
        world.pass(10min);
        world.go_on_reading();
        world.check(numbers(0, 500));
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_grows_beyond_its_old_size_at_once_is_seen_to_be_cut) {
    for (const auto& paths : globs) {
        CutWorld world(paths);
        world.begin(numbered(0, 100));
        world.apps.write(app_log, numbered(100, 110));
        world.apps.copy_truncate(app_log);
        world.apps.write(app_log, numbered(110, 400));
        world.check(numbers(0, 400));
    }
}

BOOST_AUTO_TEST_CASE(a_copy_that_takes_its_time_is_waited_for) {
    for (const auto& paths : globs) {
        CutWorld world(paths);
        world.begin(numbered(0, 20));
        world.stop_reading();
        world.apps.write(app_log, numbered(20, 40));
        const std::string content = world.machine.content(app_log);
        {
            AppFile copy = world.apps.open(copied_log);
            for (std::size_t at = 0; at < content.size(); at += 50) {
                copy.write(content.substr(at, 50));
                world.pass(400ms);
            }
        }
        world.apps.truncate(app_log, 0);
        world.apps.write(app_log, numbered(40, 42));
        world.pass(1s);
        world.go_on_reading();
        world.check(numbers(0, 42));
    }
}

BOOST_AUTO_TEST_CASE(a_copytruncate_while_we_were_down_is_read_from_the_copy_however_small) {
    for (const auto& paths : globs) {
        for (const int line_count : {3, 300}) {
            CutWorld world(paths);
            world.begin(numbered(0, line_count));
            world.stop();
            world.apps.write(app_log, numbered(line_count, line_count + 3));
            world.pass(1s);
            world.apps.copy_truncate(app_log);
            world.apps.write(app_log, numbered(line_count + 3, 2 * line_count + 9));
            world.start();
            world.check(numbers(0, 2 * line_count + 9));
        }
    }
}

BOOST_AUTO_TEST_CASE(of_several_copies_that_begin_alike_the_first_one_goes_on) {
    // Each day begins with the same banner; two days passed while we were down.
    const std::string banner = "=== application log ===\n";
    CutWorld world;
    world.begin(banner);
    world.stop();
    world.apps.write(app_log, "first day\n");
    world.apps.copy_truncate(app_log);
    world.pass(1s);
    world.apps.write(app_log, banner + "second day\n");
    world.apps.copy_truncate(app_log);
    world.pass(1s);
    world.start();
    world.pass(10s);
    world.apps.write(app_log, "third day\n");
    BOOST_TEST(
        world.lines_of(app_log, 3) == (Lines{"=== application log ===", "first day", "third day"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_cut_that_was_settled_is_not_settled_again_after_the_checkpoint_was_lost) {
    // The inode is the successor's: what it has now must not be read for the stream that had it before.
    for (const auto& paths : globs) {
        for (const bool is_followed_by_more : {false, true}) {
            CutWorld world(paths);
            world.begin(numbered(0, 100));
            if (is_followed_by_more) {
                world.stop_reading();
                world.apps.write(app_log, numbered(100, 110));
                world.pass(1s);
            }
            world.apps.copy_truncate(app_log);
            world.pass(1s);
            world.go_on_reading();
            world.apps.write(
                app_log, is_followed_by_more ? numbered(110, 112) : numbered(100, 112)
            );
            world.until([&world] { return world.collector.taken.size() == 112u; });
            world.pass(10s);
            world.kill();
            world.forget_checkpoint();
            world.apps.write(app_log, numbered(112, 115));
            world.start();
            world.check(numbers(0, 115));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_only_looks_like_a_copy_is_read_like_any_other) {
    // T11: other programs' files with the same banner, some of them born later.
    CutWorld world({"/var/log/*.log", "/var/log/*.1"});
    world.begin("banner\n");
    for (const char* const path :
         {"/var/log/app2.log", "/var/log/app-worker.log", "/var/log/b.log"}) {
        world.apps.write(path, "banner\n");
        BOOST_TEST(world.lines_of(path, 1) == Lines{"banner"}, boost::test_tools::per_element());
    }
    // One that is named like a copy waits a minute for the original to be cut.
    world.apps.write(copied_log, "banner\n");
    world.pass(10s);
    BOOST_TEST(world.lines_now(copied_log).empty());
    BOOST_TEST(world.lines_of(copied_log, 1) == Lines{"banner"}, boost::test_tools::per_element());
}

// --- Without a copy ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_a_cut_destroyed_is_counted_to_the_byte) {
    CutWorld world;
    world.begin(numbered(0, 100));
    world.stop_reading();
    world.apps.write(app_log, numbered(100, 110));
    world.pass(1s);
    world.apps.rewrite(app_log, "new\n");
    world.pass(1s);
    world.go_on_reading();
    BOOST_TEST(
        world.lines_of(app_log, 101) == numbers(0, 100) + Lines{"new"},
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(numbered(100, 110).size()));
    BOOST_TEST(world.metric("logboom_agent_loss_events_total") == 1);
}

BOOST_AUTO_TEST_CASE(a_cut_file_of_which_everything_was_read_lost_nothing_however_long_it_is_now) {
    for (const int line_count : {2, 5000}) {
        CutWorld world;
        world.begin(numbered(0, 100));
        world.apps.rewrite(app_log, numbered(0, line_count, "new "));
        BOOST_TEST(
            world.lines_of(app_log, 100 + static_cast<std::size_t>(line_count))
                == numbers(0, 100) + numbers(0, line_count, "new "),
            boost::test_tools::per_element()
        );
        BOOST_TEST(world.metric("logboom_agent_truncations_total") == 1);
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_file_of_which_nothing_was_read_and_that_was_rewritten_is_one_file) {
    // Only its first bytes tell that it is not what it was.
    CutWorld world;
    world.apps.write(app_log, numbered(0, 10));
    world.start_alone();
    world.pass(5s);
    world.apps.rewrite(app_log, numbered(0, 50, "new "));
    world.pass(5s);
    world.meet();
    BOOST_TEST(
        world.lines_of(app_log, 50) == numbers(0, 50, "new "), boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(numbered(0, 10).size()));
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_behind_the_position_is_counted_and_the_rest_goes_on) {
    // No new generation: the bytes before the position are the same.
    CutWorld world;
    world.begin(numbered(0, 100));
    world.stop_reading();
    world.apps.write(app_log, numbered(100, 200));
    world.pass(1s);
    world.apps.truncate(app_log, numbered(0, 150).size());
    world.apps.write(app_log, numbered(150, 160, "new "));
    world.pass(1s);
    world.go_on_reading();
    BOOST_TEST(
        world.lines_of(app_log, 160) == numbers(0, 150) + numbers(150, 160, "new "),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_truncations_total") == 0);
    const std::size_t lost = numbered(0, 200).size() - numbered(0, 150).size();
    const std::size_t written = numbered(150, 160, "new ").size();
    // The new lines were there when somebody looked again.
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(lost - written));
}

BOOST_AUTO_TEST_CASE(a_file_rewritten_within_one_time_stamp_is_seen_to_be_another) {
    // Clocks of file systems tick in milliseconds.
    CutWorld world;
    world.begin("old content\n");
    const WallTime before = world.machine.disk().wall();
    world.apps.write(app_log, "more\n");
    world.until([&world] { return world.collector.taken.size() == 2u; });
    world.machine.disk().set_wall_offset(before - world.machine.disk().wall());
    world.apps.rewrite(app_log, "new content\nmore\n");
    world.machine.disk().set_wall_offset(Nanos::zero());
    BOOST_TEST(
        world.lines_of(app_log, 4) == (Lines{"old content", "more", "new content", "more"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(what_was_read_before_a_cut_and_not_taken_is_counted_when_it_is_asked_for_again
) {
    CutWorld world;
    world.begin(numbered(0, 10));
    const record::Id128 stream = world.streams_of(app_log).front();
    world.link->hold();
    world.apps.write(app_log, numbered(10, 20));
    world.pass(1s);
    world.apps.rewrite(app_log, "new\n");
    world.pass(1s);
    // The collector has lost what it had of the file's end.
    const std::size_t kept = numbered(0, 5).size();
    world.files->rewind(stream, {0, kept});
    world.pass(1s);
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(numbered(0, 20).size() - kept));
    world.link->release();
}

BOOST_AUTO_TEST_SUITE_END()
