#include "agent/source/file/locator.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

/// A world that follows `paths`, and in which app.log has some lines that were read.
struct Located : SourceWorld {
    explicit Located(const std::vector<std::string>& paths = {"/var/log/*.log"}) {
        input = &add_input(paths);
    }
    void begin(const std::string& content = numbered(0, 3)) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }

    FileInput* input;
};

/// Long enough for a head and a tail that are two proofs.
std::string long_log(const int first, const int end) {
    std::string text;
    for (int i = first; i < end; ++i) {
        text += "2026-01-01 host app[1]: message number " + std::to_string(i) + "\n";
    }
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(locator)

// --- T9: who is the file at this path? -----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_only_grew_while_we_were_down_goes_on_at_its_position) {
    // T9.1.
    Located world;
    world.begin();
    world.stop();
    world.apps.write(app_log, numbered(3, 5));
    world.start();
    BOOST_TEST(world.lines_of(app_log, 5) == numbers(0, 5), boost::test_tools::per_element());
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
    BOOST_TEST(world.collector.duplicates == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_truncated_while_we_were_down_begins_anew) {
    // T9.2.
    Located world;
    world.begin();
    world.stop();
    world.apps.rewrite(app_log, "new\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"new"}, boost::test_tools::per_element()
    );
    BOOST_TEST(world.collector.taken.back().generation == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_truncated_and_regrown_while_we_were_down_begins_anew) {
    // T9.3.
    Located world;
    world.begin();
    world.stop();
    world.apps.rewrite(app_log, numbered(0, 50, "new "));
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 53) == numbers(0, 3) + numbers(0, 50, "new "),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(an_inode_that_was_used_again_while_we_were_down_is_another_file) {
    // T9.4: longer than the old one, and with the same bytes before its position.
    Located world;
    world.begin();
    const std::uint64_t ino = world.apps.inode(app_log);
    world.stop();
    world.apps.remove(app_log);
    world.machine.disk().sync_all();  // the number is free
    world.pass(1s);
    world.apps.write(app_log, numbered(0, 6));
    BOOST_TEST(world.apps.inode(app_log) == ino);
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 9) == numbers(0, 3) + numbers(0, 6),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.streams_of(app_log).size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_inode_that_is_used_again_while_we_look_is_another_file) {
    // T9.4, with the old file closed as idle: nothing keeps its number.
    Located world;
    world.begin();
    world.pass(70s);
    const std::uint64_t ino = world.apps.inode(app_log);
    world.apps.remove(app_log);
    world.machine.disk().sync_all();
    world.apps.write(app_log, numbered(3, 10));
    BOOST_TEST(world.apps.inode(app_log) == ino);
    BOOST_TEST(world.lines_of(app_log, 10) == numbers(0, 10), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(content_that_moved_to_another_inode_goes_on_at_its_position) {
    // T9.5: an editor, or a backup that was put back.
    Located world;
    world.begin(long_log(0, 100));
    world.stop();
    world.apps.copy(app_log, "/var/log/copy");
    world.apps.remove(app_log);
    world.apps.rename("/var/log/copy", app_log);
    world.apps.write(app_log, long_log(100, 110));
    world.start();
    BOOST_TEST(world.lines_of(app_log, 110).size() == 110u);
    BOOST_TEST(world.lines_now(app_log).back() == "2026-01-01 host app[1]: message number 109");
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
}

BOOST_AUTO_TEST_CASE(content_that_moves_to_another_inode_while_we_look_goes_on_at_its_position) {
    Located world;
    world.begin(long_log(0, 100));
    world.pass(70s);  // closed meanwhile
    world.apps.copy(app_log, "/var/log/copy");
    world.apps.write("/var/log/copy", long_log(100, 110));
    world.apps.rename("/var/log/copy", app_log);
    BOOST_TEST(world.lines_of(app_log, 110).size() == 110u);
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_living_file_is_left_alone_for_a_minute_and_then_a_log_of_its_own) {
    // T9.5, T11: it may be the first half of a copytruncate.
    Located world;
    const std::string content = long_log(0, 100);
    world.begin(content);
    world.apps.copy(app_log, "/var/log/other.log");
    world.pass(55s);
    BOOST_TEST(world.lines_now("/var/log/other.log").empty());
    BOOST_TEST(world.metric("logboom_agent_file_copies_skipped_total") == 1);
    BOOST_TEST(world.lines_of("/var/log/other.log", 100).size() == 100u);
    world.apps.write(app_log, "to the first\n");
    world.apps.write("/var/log/other.log", "to the second\n");
    BOOST_TEST(world.lines_of("/var/log/other.log", 101).back() == "to the second");
    BOOST_TEST(world.lines_of(app_log, 101).back() == "to the first");
    BOOST_TEST(world.lines_now(app_log).size() == 101u);
}

BOOST_AUTO_TEST_CASE(a_copy_that_vanishes_again_costs_nothing) {
    Located world;
    world.begin(long_log(0, 100));
    world.apps.copy(app_log, "/var/log/other.log");
    world.pass(10s);
    world.apps.remove("/var/log/other.log");
    world.pass(2min);
    int ops = 0;
    world.machine.judge_ops([&ops](const io::Op&) {
        ++ops;
        return sim::OpGate::passes;
    });
    world.pass(50s);
    BOOST_TEST(ops < 50);
    BOOST_TEST(world.lines_now("/var/log/other.log").empty());
}

BOOST_AUTO_TEST_CASE(two_files_of_equal_content_are_both_read) {
    // T11.
    Located world;
    world.apps.write("/var/log/a.log", long_log(0, 50));
    world.apps.write("/var/log/b.log", long_log(0, 50));
    world.start();
    BOOST_TEST(world.lines_of("/var/log/a.log", 50).size() == 50u);
    BOOST_TEST(world.lines_of("/var/log/b.log", 50).size() == 50u);
    BOOST_TEST((world.streams_of("/var/log/a.log") != world.streams_of("/var/log/b.log")));
}

BOOST_AUTO_TEST_CASE(files_with_one_head_are_told_apart) {
    // T9, T10: an offset is never adopted by a head alone.
    const std::string banner(2000, '#');
    Located world;
    world.begin(banner + "\n" + numbered(0, 20));
    world.apps.write("/var/log/other.log", banner + "\n" + numbered(100, 140));
    BOOST_TEST(
        world.lines_of("/var/log/other.log", 41) == Lines{banner} + numbers(100, 140),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(two_names_of_one_file_are_one_stream) {
    // T4.
    Located world;
    world.begin();
    world.apps.make_link(app_log, "/var/log/link.log");
    world.pass(2min);
    world.apps.write(app_log, numbered(3, 6));
    world.pass(2min);
    BOOST_TEST(world.lines_of(app_log, 6) == numbers(0, 6), boost::test_tools::per_element());
    BOOST_TEST(world.lines_now("/var/log/link.log").empty());
    BOOST_TEST(world.collector.known.size() == 1u);
}

// --- T13, T16: where did the file go? ------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_rotation_by_rename_loses_and_doubles_nothing) {
    // T13, also of what comes to the old file after the rename.
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SourceWorld world(seed);
        world.add_input({"/var/log/*.log"});
        AppFile file = world.apps.open(app_log);
        file.write(numbered(0, 10));
        world.start();
        world.until_scanned();
        for (int rotation = 1; rotation <= 5; ++rotation) {
            const int first = 10 * rotation;
            file.write(numbered(first, first + 3));
            world.apps.rename(app_log, app_log + "." + std::to_string(rotation));
            world.pass(Millis(world.machine.rng().below(300)));
            file.write(numbered(first + 3, first + 6));
            file = world.apps.open(app_log);
            file.write(numbered(first + 6, first + 10));
            world.pass(10s);
        }
        BOOST_TEST(world.lines_of(app_log, 60) == numbers(0, 60), boost::test_tools::per_element());
        BOOST_TEST(world.streams_of(app_log).size() == 6u);
    }
}

BOOST_AUTO_TEST_CASE(a_path_keeps_its_partition_over_rotations) {
    // D1.
    Located world;
    world.apps.write("/var/log/another.log", numbered(0, 3));
    world.begin();
    for (int rotation = 1; rotation <= 3; ++rotation) {
        world.apps.rename(app_log, app_log + "." + std::to_string(rotation));
        world.apps.write(app_log, numbered(0, 2));
        world.pass(15s);
    }
    const std::vector<record::Id128> streams = world.streams_of(app_log);
    BOOST_REQUIRE(streams.size() == 4u);
    for (const record::Id128& stream : streams) {
        BOOST_TEST(
            (world.collector.known[stream].partition == world.collector.known[streams[0]].partition)
        );
    }
    const record::Id128 other = world.streams_of("/var/log/another.log").at(0);
    BOOST_TEST(
        (world.collector.known[other].partition != world.collector.known[streams[0]].partition)
    );
}

BOOST_AUTO_TEST_CASE(a_file_renamed_several_times_between_two_looks_is_read_to_its_end) {
    // T13: it is looked for by its inode.
    Located world;
    world.begin();
    world.apps.write(app_log, numbered(3, 6));
    world.apps.rename(app_log, app_log + ".1");
    world.apps.rename(app_log + ".1", app_log + ".2");
    world.apps.rename(app_log + ".2", app_log + ".3");
    world.apps.write(app_log + ".3", numbered(6, 7));
    world.apps.write(app_log, numbered(7, 10));
    BOOST_TEST(world.lines_of(app_log, 10) == numbers(0, 10), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_whole_chain_of_rotations_between_two_looks_is_read) {
    // Each file of the chain moves on by one, several times, and all of them are meant.
    Located world({"/var/log/app.log*"});
    world.apps.write(app_log + ".2", "oldest\n");
    world.apps.write(app_log + ".1", "older\n");
    world.begin();
    for (int rotation = 0; rotation < 3; ++rotation) {
        for (int i = 4; i > 0; --i) {
            const std::string from = app_log + "." + std::to_string(i);
            if (world.machine.exists(from)) {
                world.apps.rename(from, app_log + "." + std::to_string(i + 1));
            }
        }
        world.apps.rename(app_log, app_log + ".1");
        world.apps.write(app_log, numbered(3 + 2 * rotation, 5 + 2 * rotation));
    }
    world.pass(2min);
    Lines all;
    for (const ModelCollector::Taken& one : world.collector.taken) {
        all.push_back(one.record.value);
    }
    std::ranges::sort(all);
    BOOST_TEST(all == numbers(0, 9) + (Lines{"older", "oldest"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rotations_while_we_were_down_are_found_and_finished) {
    // T16: whatever include and exclude say.
    for (const char* const place :
         {"/var/log/app.log.1", "/var/log/archive/app.log", "/var/log/old/x.txt"}) {
        Located world;
        world.apps.make_dirs("/var/log/archive");
        world.apps.make_dirs("/var/log/old");
        world.begin();
        world.stop();
        world.apps.write(app_log, numbered(3, 6));
        world.apps.rename(app_log, place);
        world.apps.write(app_log, numbered(6, 8));
        world.start();
        BOOST_TEST(world.lines_of(app_log, 8) == numbers(0, 8), boost::test_tools::per_element());
        world.pass(10s);
        BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 1);
        BOOST_TEST(world.metric("logboom_agent_files{state=\"rotated\"}") == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_rotation_in_the_moment_of_a_kill_is_found_too) {
    // T16: a file that was seen moments before is remembered already.
    for (const Nanos lived : std::vector<Nanos>{50ms, 300ms, 3s}) {
        Located world;
        world.apps.write(app_log, numbered(0, 3));
        world.start();
        world.pass(lived);
        world.kill();
        world.apps.write(app_log, numbered(3, 6));
        world.apps.rename(app_log, app_log + ".1");
        world.apps.write(app_log, numbered(6, 8));
        world.start();
        BOOST_TEST(world.lines_of(app_log, 8) == numbers(0, 8), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(the_order_over_a_rotation_survives_a_lost_checkpoint) {
    // T40: the collector knows who came before whom.
    Located world;
    world.begin();
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, numbered(6, 7));
    BOOST_TEST(world.lines_of(app_log, 4).size() == 4u);
    world.kill();
    world.forget_checkpoint();
    world.apps.write(app_log, numbered(7, 9));
    world.apps.write(app_log + ".1", numbered(3, 6));
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 9)
            == numbers(0, 3) + Lines{"line 6"} + numbers(3, 6) + numbers(7, 9),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_file_that_vanished_unread_while_we_were_down_is_reported_with_its_bytes) {
    // T16, law 7.
    Located world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(3, 6));
    world.pass(3s);
    world.kill();
    world.apps.remove(app_log);
    world.apps.write(app_log, "of the next file\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"of the next file"},
        boost::test_tools::per_element()
    );
    BOOST_TEST(
        world.metric("logboom_agent_loss_bytes_total{reason=\"vanished_unread\"}")
        == static_cast<double>(numbered(3, 6).size())
    );
    BOOST_TEST(world.times_logged("file vanished before it was read to its end") == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_vanished_when_all_of_it_was_read_is_no_loss) {
    Located world;
    world.begin();
    world.stop();
    world.apps.remove(app_log);
    world.start();
    world.pass(1min);
    BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    BOOST_TEST(world.times_logged("vanished") == 0u);
}

BOOST_AUTO_TEST_CASE(a_copytruncate_neither_loses_nor_doubles_what_was_copied) {
    // T17, T18: the copy is read from the position on, before what the file has now.
    for (const std::string copy : {"/var/log/app.log.1", "/var/log/app.1.log"}) {
        Located world;
        world.begin(long_log(0, 100));
        world.link->hold();
        world.apps.write(app_log, long_log(100, 150));
        world.apps.copy(app_log, copy);
        world.apps.rewrite(app_log, numbered(0, 3, "new "));
        world.pass(5s);
        world.link->release();
        world.pass(3min);
        const Lines lines = world.lines_now(app_log);
        BOOST_REQUIRE(lines.size() == 153u);
        BOOST_TEST(lines[149] == "2026-01-01 host app[1]: message number 149");
        BOOST_TEST(lines[152] == "new 2");
        BOOST_TEST(world.lines_now(copy).empty());
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    }
}

// --- What cannot be told now ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_unreadable_file_is_reported_once_and_stops_no_other) {
    // T6, law 8.
    Located world;
    const std::string secret = "/var/log/a_secret.log";
    world.apps.write(secret, "hidden\n");
    world.machine.judge_ops([&secret](const io::Op& op) {
        const bool is_open = op.kind == io::OpKind::open && op.path == secret;
        return is_open ? EACCES : sim::OpGate::passes;
    });
    world.begin();
    BOOST_TEST(world.lines_of(app_log, 3) == numbers(0, 3), boost::test_tools::per_element());
    BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 1);
    world.pass(10min);
    BOOST_TEST(world.times_logged("file cannot be read") <= 1u);
    world.machine.judge_ops(nullptr);
    BOOST_TEST(world.lines_of(secret, 1) == Lines{"hidden"}, boost::test_tools::per_element());
    BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 0);
}

BOOST_AUTO_TEST_CASE(a_directory_in_the_place_of_a_file_is_not_read) {
    // T5.
    Located world;
    world.begin();
    world.apps.write(app_log, numbered(3, 5));
    world.apps.remove(app_log);
    world.apps.make_dirs(app_log);
    BOOST_TEST(world.lines_of(app_log, 5) == numbers(0, 5), boost::test_tools::per_element());
    world.pass(2min);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_becomes_a_directory_between_listing_and_opening_is_not_read) {
    // T5: the open descriptor is looked at.
    Located world;
    world.apps.write(app_log, "never read\n");
    bool is_done = false;
    world.machine.judge_ops([&](const io::Op& op) {
        if (op.kind == io::OpKind::open && op.path == app_log && !std::exchange(is_done, true)) {
            world.apps.remove(app_log);
            world.apps.make_dirs(app_log);
        }
        return sim::OpGate::passes;
    });
    world.start();
    world.pass(2min);
    BOOST_TEST(is_done);
    BOOST_TEST(world.collector.taken.empty());
}

// --- T22, T23: where reading begins --------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_first_start_of_an_input_reads_from_where_it_is_told) {
    // T22.
    Located from_end;
    from_end.input->read_from = StartPoint::end;
    from_end.apps.write(app_log, "old\nhalf a ");
    from_end.start();
    from_end.pass(2s);
    from_end.apps.write(app_log, "line\nnew\n");
    // Never half a line: reading begins behind the last line end.
    BOOST_TEST(
        from_end.lines_of(app_log, 2) == (Lines{"half a line", "new"}),
        boost::test_tools::per_element()
    );

    Located from_beginning;
    from_beginning.begin("old\n");
    BOOST_TEST(
        from_beginning.lines_of(app_log, 1) == Lines{"old"}, boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(reading_from_the_end_of_a_long_file_finds_the_last_line_end) {
    Located world;
    world.input->read_from = StartPoint::end;
    world.apps.write(app_log, "old\n" + std::string(200'000, 'x'));
    world.start();
    world.pass(2s);
    world.apps.write(app_log, "y\n");
    BOOST_TEST((world.lines_of(app_log, 1) == Lines{std::string(200'000, 'x') + "y"}));
}

BOOST_AUTO_TEST_CASE(files_changed_too_long_ago_are_passed_over_at_the_first_start) {
    // T22: since.
    Located world;
    world.input->read_from = StartPoint::since;
    world.input->since = 1h;
    world.write_long_ago("/var/log/stale.log", "stale\n", 2h);
    world.begin();
    BOOST_TEST(world.lines_of(app_log, 3).size() == 3u);
    BOOST_TEST(world.lines_now("/var/log/stale.log").empty());
    // Until it is written to.
    world.apps.write("/var/log/stale.log", "fresh\n");
    BOOST_TEST(world.lines_of("/var/log/stale.log", 1).back() == "fresh");
}

BOOST_AUTO_TEST_CASE(a_file_that_appears_later_is_read_from_its_beginning) {
    // T22.
    Located world;
    world.input->read_from = StartPoint::end;
    world.begin();
    world.apps.write("/var/log/late.log", "first\n");
    BOOST_TEST(
        world.lines_of("/var/log/late.log", 1) == Lines{"first"}, boost::test_tools::per_element()
    );
    world.stop();
    world.apps.write("/var/log/while_down.log", "second\n");
    world.start();
    BOOST_TEST(
        world.lines_of("/var/log/while_down.log", 1) == Lines{"second"},
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.lines_now(app_log).empty());
}

BOOST_AUTO_TEST_CASE(a_start_at_the_end_is_remembered_at_once) {
    // T22: else a crash would skip what was written since.
    Located world;
    world.input->read_from = StartPoint::end;
    world.begin("old\n");
    world.link->hold();
    world.apps.write(app_log, "new\n");
    world.pass(100ms);
    world.kill();
    world.start();
    BOOST_TEST(world.lines_of(app_log, 1) == Lines{"new"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_old_file_is_ignored_until_it_is_written_to) {
    // T23.
    Located world;
    world.write_long_ago("/var/log/stale.log", "stale\n", 25h);
    world.begin();
    world.pass(5min);
    BOOST_TEST(world.lines_now("/var/log/stale.log").empty());
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") <= 1);
    world.apps.write("/var/log/stale.log", "fresh\n");
    BOOST_TEST(
        world.lines_of("/var/log/stale.log", 2) == (Lines{"stale", "fresh"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(age_never_stops_a_file_with_unread_bytes) {
    // T23.
    Located world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(3, 6));
    world.pass(2s);
    world.kill();
    world.machine.disk().set_wall_offset(48h);
    world.start();
    BOOST_TEST(world.lines_of(app_log, 6) == numbers(0, 6), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
