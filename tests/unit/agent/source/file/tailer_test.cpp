#include "agent/source/file/tailer.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

/// A world that follows /var/log/*.log, and in which app.log has some lines that were read.
struct Followed : SourceWorld {
    explicit Followed(const std::string& content = numbered(0, 3)) {
        input = &add_input({"/var/log/*.log"});
        first = content;
    }
    void begin() {
        apps.write(app_log, first);
        start();
        until_scanned();
        pass(1s);
    }

    FileInput* input;
    std::string first;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tailer)

// --- Errors --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_read_that_fails_is_made_again_and_nothing_is_lost) {
    Followed world;
    int failures = 3;
    world.machine.judge_ops([&failures](const io::Op& op) {
        const bool is_block = op.kind == io::OpKind::read && op.off >= 0 && op.len > head_bytes_max
                           && op.len < limits::agent_read_block_bytes;
        return is_block && failures-- > 0 ? EIO : sim::OpGate::passes;
    });
    world.apps.write(app_log, std::string(2000, 'x') + "\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 1) == Lines{std::string(2000, 'x')},
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_read_errors_total") == 3);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_any_more_is_tried_again_but_not_without_a_pause) {
    Followed world;
    world.begin();
    world.pass(70s);  // closed meanwhile
    int tries = 0;
    world.machine.judge_ops([&tries](const io::Op& op) {
        const bool is_open = op.kind == io::OpKind::open && op.path == app_log;
        tries += is_open ? 1 : 0;
        return is_open ? EACCES : sim::OpGate::passes;
    });
    world.apps.write(app_log, "later\n");
    world.pass(20s);
    BOOST_TEST(tries > 1);
    BOOST_TEST(tries < 50);
    world.machine.judge_ops(nullptr);
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"later"},
        boost::test_tools::per_element()
    );
}

// --- T17: truncation -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_truncated_file_is_read_from_its_beginning) {
    // T17 by T9.2: shorter than what was read.
    Followed world(numbered(0, 100));
    world.begin();
    world.apps.rewrite(app_log, numbered(0, 2, "new "));
    BOOST_TEST(
        world.lines_of(app_log, 102) == numbers(0, 100) + numbers(0, 2, "new "),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_truncations_total") == 1);
    // The new content is a new generation of the same stream.
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
    BOOST_TEST(world.collector.taken.back().generation == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_was_truncated_and_is_longer_than_before_is_read_from_its_beginning
) {
    // T17 by T9.3: only the bytes before the position tell.
    Followed world(numbered(0, 3));
    world.begin();
    world.apps.rewrite(app_log, numbered(0, 200, "new "));
    BOOST_TEST(
        world.lines_of(app_log, 203) == numbers(0, 3) + numbers(0, 200, "new "),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_file_that_was_truncated_and_is_as_long_as_before_is_read_from_its_beginning
) {
    Followed world("old content\n");
    world.begin();
    world.apps.rewrite(app_log, "new content\n");
    BOOST_TEST(
        world.lines_of(app_log, 2) == (Lines{"old content", "new content"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_position_is_proven_by_the_bytes_before_it_however_little_was_read_last) {
    // T8: up to 64 bytes before the position, not before what the last read brought.
    Followed world(numbered(0, 3));
    world.begin();
    world.apps.write(app_log, "\n");
    BOOST_TEST(world.lines_of(app_log, 4).size() == 4u);
    const std::size_t size = numbered(0, 3).size() + 1;
    std::string other(size - 1, 'x');
    world.apps.rewrite(app_log, other + "\nand more\n");  // a line end at the same place
    BOOST_TEST(
        world.lines_of(app_log, 6) == (numbers(0, 3) + Lines{"", other, "and more"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(unread_bytes_that_a_truncation_destroyed_are_counted) {
    Followed world(numbered(0, 3));
    world.begin();
    // Its writer is still there, so that the tail waits.
    AppFile file = world.apps.open(app_log);
    file.write("unfinished");
    world.pass(20s);
    file.truncate(0);
    file.write("new\n");
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"new"}, boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_loss_bytes_total{reason=\"truncated_unread\"}") == 10);
}

BOOST_AUTO_TEST_CASE(a_file_may_shrink_while_it_is_being_read) {
    // T39: it is read, not mapped; a mapping would be the end of the program here.
    Followed world("");
    AppFile file = world.apps.open(app_log);
    file.write(numbered(0, 10'000));
    bool has_shrunk = false;
    world.machine.judge_ops([&](const io::Op& op) {
        if (op.kind == io::OpKind::read && op.len > head_bytes_max
            && !std::exchange(has_shrunk, true)) {
            file.truncate(20);
        }
        return sim::OpGate::passes;
    });
    world.start();
    world.until([&has_shrunk] { return has_shrunk; });
    world.pass(5s);
    file.write(numbered(0, 2, "\nnew "));
    BOOST_TEST(world.lines_of(app_log, 1).back() == "new 1");
}

// --- T32: the last line without its end ----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_tail_is_never_sent_by_time_alone_while_it_has_a_writer) {
    Followed world;
    world.begin();
    AppFile file = world.apps.open(app_log);
    file.write("half a ");
    world.pass(10min);
    BOOST_TEST(world.lines_now(app_log) == numbers(0, 3), boost::test_tools::per_element());
    file.write("line\n");
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"half a line"},
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_tail_is_sent_5_seconds_after_its_last_growth_when_nobody_writes) {
    Followed world;
    world.begin();
    world.apps.write(app_log, "last ");
    world.pass(3s);
    world.apps.write(app_log, "words");
    world.pass(4500ms);
    BOOST_TEST(world.lines_now(app_log).size() == 3u);
    world.pass(2s);
    BOOST_TEST(world.lines_now(app_log).back() == "last words");
    const ReadRecord tail = world.records_of(app_log).back();
    BOOST_TEST(tail.header("lb.f.log.partial") == "true");
    BOOST_TEST(!tail.has("lb.f.log.partial_continues"));
    // What comes later is said to go on with it.
    world.apps.write(app_log, " and more\nnext\n");
    BOOST_TEST(
        world.lines_of(app_log, 6) == (numbers(0, 3) + Lines{"last words", " and more", "next"}),
        boost::test_tools::per_element()
    );
    const std::vector<ReadRecord> records = world.records_of(app_log);
    BOOST_TEST(records.at(4).header("lb.f.log.partial_continues") == "true");
    BOOST_TEST(!records.at(5).has("lb.f.log.partial_continues"));
    BOOST_TEST(world.metric("logboom_agent_partial_tails_total") == 1);
}

BOOST_AUTO_TEST_CASE(a_tail_that_was_sent_is_continued_after_a_restart_too) {
    Followed world("tai");
    world.begin();
    BOOST_TEST(world.lines_of(app_log, 1) == Lines{"tai"}, boost::test_tools::per_element());
    world.stop();
    world.apps.write(app_log, "l\nnext\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 3) == (Lines{"tai", "l", "next"}), boost::test_tools::per_element()
    );
    BOOST_TEST(world.records_of(app_log).at(1).header("lb.f.log.partial_continues") == "true");
}

BOOST_AUTO_TEST_CASE(a_tail_is_never_sent_when_the_input_says_so) {
    Followed world("no end");
    world.input->partial_flush = Nanos::zero();
    world.begin();
    world.pass(10min);
    BOOST_TEST(world.lines_now(app_log).empty());
}

BOOST_AUTO_TEST_CASE(where_nobody_can_tell_about_writers_a_minute_of_quiet_stands_for_none) {
    // T14: no leases, as on NFS.
    Followed world("no end");
    world.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::has_writer ? EACCES : sim::OpGate::passes;
    });
    world.apps.write(app_log, world.first);
    world.start();
    world.pass(50s);
    BOOST_TEST(world.lines_now(app_log).empty());
    world.pass(15s);
    BOOST_TEST(world.lines_now(app_log) == Lines{"no end"}, boost::test_tools::per_element());
}

// --- T13, T14: rotated files ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_rotated_file_is_read_for_as_long_as_somebody_writes_to_it) {
    // T13, T14: a server that opens its new file much later.
    Followed world;
    world.begin();
    AppFile old = world.apps.open(app_log);
    world.apps.rename(app_log, app_log + ".1");
    for (int i = 3; i < 13; ++i) {
        world.pass(1min);
        old.write(numbered(i, i + 1));
    }
    BOOST_TEST(world.lines_of(app_log, 13) == numbers(0, 13), boost::test_tools::per_element());
    BOOST_TEST(old.opens() == 2u);
}

BOOST_AUTO_TEST_CASE(a_rotated_file_is_let_go_when_nobody_writes_and_it_was_quiet_for_a_while) {
    // T14.
    Followed world;
    world.begin();
    AppFile old = world.apps.open(app_log);
    world.apps.rename(app_log, app_log + ".1");
    world.pass(30s);
    old.write(numbered(3, 4));
    world.pass(1s);
    old.close();
    BOOST_TEST(world.metric("logboom_agent_files{state=\"rotated\"}") == 1);
    world.pass(3s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 1);
    world.pass(3s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"rotated\"}") == 0);
    BOOST_TEST(world.lines_of(app_log, 4) == numbers(0, 4), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_rotated_file_is_not_let_go_before_all_of_it_is_acknowledged) {
    // T14.
    Followed world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(3, 5));
    world.apps.rename(app_log, app_log + ".1");
    world.pass(10min);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"rotated\"}") == 1);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 1);
    world.link->release();
    BOOST_TEST(world.lines_of(app_log, 5) == numbers(0, 5), boost::test_tools::per_element());
    world.pass(5s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
}

BOOST_AUTO_TEST_CASE(a_deleted_file_is_read_to_its_end_and_then_closed) {
    Followed world;
    world.begin();
    world.link->hold();
    AppFile file = world.apps.open(app_log);
    file.write(numbered(3, 2000));
    world.apps.remove(app_log);
    world.pass(1min);
    world.link->release();
    BOOST_TEST(world.lines_of(app_log, 2000) == numbers(0, 2000), boost::test_tools::per_element());
    BOOST_TEST(file.opens() == 2u);
    file.write(numbered(2000, 2001));
    BOOST_TEST(world.lines_of(app_log, 2001).size() == 2001u);
    file.close();
    world.pass(10s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_rotated_file_is_sent_at_once_when_nobody_writes) {
    // T32.
    Followed world;
    world.input->partial_flush = 1h;
    world.begin();
    world.apps.write(app_log, "the end");
    world.apps.rename(app_log, app_log + ".1");
    world.pass(2s);
    BOOST_TEST(
        world.lines_now(app_log) == numbers(0, 3) + Lines{"the end"},
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(the_end_of_a_rotated_file_is_sent_although_it_is_a_line_too_long) {
    // T34: in no mode is the end of a file held back.
    Followed world;
    world.input->split.line_bytes_max = 64;
    world.input->split.on_long_line = parse::LongLine::truncate;
    world.begin();
    world.apps.write(app_log, std::string(500, 'l'));
    world.apps.rename(app_log, app_log + ".1");
    BOOST_TEST(
        world.lines_of(app_log, 4) == (numbers(0, 3) + Lines{std::string(64, 'l')}),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.records_of(app_log).back().header("lb.f.orig_bytes") == "500");
    world.pass(10s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
}

// --- T40: order ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_new_file_waits_until_the_one_before_it_is_at_its_end) {
    // T40: whatever is written where, the old file's lines come first.
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SourceWorld world(seed);
        world.add_input({"/var/log/*.log"});
        world.batches.batch_bytes_max = 1024;
        world.apps.write(app_log, numbered(0, 3));
        world.start();
        world.until_scanned();
        world.link->hold();
        world.apps.write(app_log, numbered(3, 2000));
        world.apps.rename(app_log, app_log + ".1");
        world.apps.write(app_log, numbered(2000, 2010));
        world.pass(5s);
        world.link->release();
        BOOST_TEST((world.lines_of(app_log, 2010) == numbers(0, 2010)), "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(a_writer_that_is_quiet_does_not_hold_up_the_new_file) {
    // T40: quiet for rotate_quiet is enough; what the old one still gets is sent then, and counted.
    Followed world;
    world.begin();
    AppFile old = world.apps.open(app_log);
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, "of the new file\n");
    world.pass(4s);
    BOOST_TEST(world.lines_now(app_log) == numbers(0, 3), boost::test_tools::per_element());
    world.pass(3s);
    BOOST_TEST(
        world.lines_now(app_log) == numbers(0, 3) + Lines{"of the new file"},
        boost::test_tools::per_element()
    );
    old.write("late\n");
    BOOST_TEST(
        world.lines_of(app_log, 5) == (numbers(0, 3) + Lines{"of the new file", "late"}),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_late_after_rotation_total") == 5);
}

BOOST_AUTO_TEST_CASE(a_writer_that_is_quiet_in_the_middle_of_a_line_does_not_either) {
    // Law 8: one program that hangs in the middle of a line must not stop its successor's file.
    Followed world;
    world.begin();
    AppFile old = world.apps.open(app_log);
    old.write("half a ");
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, "of the new file\n");
    world.pass(10s);
    BOOST_TEST(
        world.lines_now(app_log) == numbers(0, 3) + Lines{"of the new file"},
        boost::test_tools::per_element()
    );
    old.write("line\n");
    BOOST_TEST(
        world.lines_of(app_log, 5) == (numbers(0, 3) + Lines{"of the new file", "half a line"}),
        boost::test_tools::per_element()
    );
}

// --- T24, T25, T37: descriptors and turns --------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_at_rest_is_closed_after_a_while_and_opened_again_when_it_is_written) {
    // T24.
    Followed world;
    world.begin();
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 1);
    world.pass(65s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"idle\"}") == 1);
    world.apps.write(app_log, numbered(3, 5));
    BOOST_TEST(world.lines_of(app_log, 5) == numbers(0, 5), boost::test_tools::per_element());
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_waits_for_its_acknowledgement_is_not_closed) {
    // T24.
    Followed world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(3, 4));
    world.pass(5min);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 1);
}

BOOST_AUTO_TEST_CASE(more_files_than_may_be_open_are_read_all_the_same) {
    // T25: the limit closes what is at rest, and refuses nothing.
    Followed world;
    world.options.tailer.open_files_max = 5;
    for (int i = 0; i < 60; ++i) {
        world.apps.write("/var/log/" + std::to_string(i) + ".log", numbered(0, 3));
    }
    world.begin();
    world.pass(2s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") <= 6);
    for (int i = 0; i < 60; ++i) {
        world.apps.write("/var/log/" + std::to_string(i) + ".log", numbered(3, 5));
    }
    for (int i = 0; i < 60; ++i) {
        BOOST_TEST(
            world.lines_of("/var/log/" + std::to_string(i) + ".log", 5) == numbers(0, 5),
            boost::test_tools::per_element()
        );
    }
}

BOOST_AUTO_TEST_CASE(a_full_outlet_stops_the_reading_and_nothing_is_lost) {
    // D18: files can wait.
    Followed world;
    world.batches.batch_bytes_max = 1024;
    world.begin();
    world.link->hold();
    for (int i = 3; i < 3000; ++i) {
        world.apps.write(app_log, numbered(i, i + 1));
        if (i % 100 == 0) {
            world.pass(300ms);
        }
    }
    world.pass(10s);
    BOOST_TEST(world.link->waiting_count() < world.link->queue_max + 30);
    world.link->release();
    BOOST_TEST((world.lines_of(app_log, 3000) == numbers(0, 3000)));
}

// --- T34, T36, T10, and where reading goes on ----------------------------------------------------

BOOST_AUTO_TEST_CASE(a_line_longer_than_a_block_is_one_record) {
    Followed world(std::string(700'000, 'l') + "\nafter\n");
    world.begin();
    BOOST_TEST((world.lines_of(app_log, 2) == Lines{std::string(700'000, 'l'), "after"}));
}

BOOST_AUTO_TEST_CASE(a_long_line_is_split_cut_or_dropped_and_the_file_goes_on) {
    // T34.
    const std::string line = std::string(150, 'l') + "\n";
    for (const parse::LongLine mode :
         {parse::LongLine::split, parse::LongLine::truncate, parse::LongLine::drop}) {
        Followed world("before\n" + line + "after\n");
        world.input->split.line_bytes_max = 64;
        world.input->split.on_long_line = mode;
        world.begin();
        Lines expected{"before"};
        if (mode == parse::LongLine::split) {
            expected = expected + Lines{line.substr(0, 64), line.substr(0, 64), line.substr(0, 22)};
        } else if (mode == parse::LongLine::truncate) {
            expected.push_back(line.substr(0, 64));
        }
        expected.emplace_back("after");
        BOOST_TEST(
            world.lines_of(app_log, expected.size()) == expected, boost::test_tools::per_element()
        );
        BOOST_TEST(world.metric("logboom_agent_lines_cut_total") == 1);
    }
}

BOOST_AUTO_TEST_CASE(parts_of_a_line_are_numbered_on_after_a_kill_at_any_place) {
    // T34, T36: the cursor may stand behind any part.
    std::string text;
    for (int i = 0; i < 40; ++i) {
        text += std::string(64, static_cast<char>('a' + i % 26));
    }
    for (const std::string begin : {"", "\xEF\xBB\xBF", "a line\n"}) {
        SourceWorld world;
        FileInput& input = world.add_input({"/var/log/*.log"});
        input.split.line_bytes_max = 64;
        world.batches.batch_bytes_max = 64;
        AppFile file = world.apps.open(app_log);
        file.write(begin + text.substr(0, 1000));
        world.start();
        std::size_t size = 1000;
        for (int life = 0; life < 6; ++life) {
            world.pass(500ms);
            world.kill();
            file.write(text.substr(size, 200));
            size += 200;
            world.start();
        }
        file.write(text.substr(size) + "\n");
        const std::size_t offset = begin == "a line\n" ? 1 : 0;
        BOOST_TEST(world.lines_of(app_log, 40 + offset).size() == 40 + offset);
        const std::vector<ReadRecord> records = world.records_of(app_log);
        for (std::size_t i = 0; i + offset < records.size(); ++i) {
            const ReadRecord& record = records[i + offset];
            BOOST_TEST(record.value == text.substr(64 * i, 64));
            BOOST_TEST(record.header("lb.f.log.part") == std::to_string(i + 1));
            BOOST_TEST(record.has("lb.f.log.part_last") == (i == 39));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_collectors_position_is_gone_back_to_while_the_file_has_it) {
    // Rule 4 and an unclean election: what was acknowledged is read again.
    Followed world(numbered(0, 10));
    world.begin();
    BOOST_TEST(world.lines_of(app_log, 10).size() == 10u);
    // The collector loses the last five lines.
    const record::Id128 stream = world.streams_of(app_log).at(0);
    world.collector.known[stream].to.offset = numbered(0, 5).size();
    world.collector.taken.resize(5);
    world.apps.write(app_log, numbered(10, 12));
    BOOST_TEST(world.lines_of(app_log, 12) == numbers(0, 12), boost::test_tools::per_element());
    BOOST_TEST(world.collector.rejects == 1u);
}

BOOST_AUTO_TEST_CASE(the_head_of_a_small_file_grows_with_it) {
    // T10.
    Followed world("short\n");
    world.begin();
    const record::Id128 stream = world.streams_of(app_log).at(0);
    BOOST_TEST(world.collector.known[stream].identity->head_len == 6u);
    world.apps.write(app_log, std::string(500, 'x') + "\n");
    BOOST_TEST(world.lines_of(app_log, 2).size() == 2u);
    world.apps.write(app_log, std::string(5000, 'y') + "\n");
    BOOST_TEST(world.lines_of(app_log, 3).size() == 3u);
    world.apps.write(app_log, "one more batch, which tells it\n");
    BOOST_TEST(world.lines_of(app_log, 4).size() == 4u);
    const std::optional<FileIdentity>& identity = world.collector.known[stream].identity;
    BOOST_TEST(identity->head_len == 1024u);
    const std::string content = world.machine.content(app_log);
    BOOST_TEST(identity->head_hash == world.hash(as_bytes(content).first(1024)));
}

BOOST_AUTO_TEST_CASE(
    a_file_rewritten_while_we_were_down_is_read_whole_although_its_end_was_passed_over
) {
    // T9.3: behind the last record lie empty lines that were dropped, which nothing proves but the record.
    Followed world("a\n\n\n\n\n");
    world.input->split.drop_empty = true;
    world.begin();
    BOOST_TEST(world.lines_of(app_log, 1) == Lines{"a"}, boost::test_tools::per_element());
    world.stop();
    world.apps.rewrite(app_log, "b\nc\nd\ne\nf\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 6) == (Lines{"a", "b", "c", "d", "e", "f"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(bytes_that_yield_no_record_are_passed_over_once) {
    // Without records nothing is stored; until the next record the checkpoint alone remembers them.
    Followed world("a\n" + std::string(1000, '\n'));
    world.input->split.drop_empty = true;
    world.begin();
    world.pass(5s);
    BOOST_TEST(world.collector.batches == 1u);
    world.stop();
    world.start();
    world.until_scanned();
    BOOST_TEST(world.metric("logboom_agent_empty_lines_dropped_total") == 1000);
    world.apps.write(app_log, "b\n");
    BOOST_TEST(world.lines_of(app_log, 2) == (Lines{"a", "b"}), boost::test_tools::per_element());
    BOOST_TEST(world.collector.rejects == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
