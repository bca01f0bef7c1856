// T9.4, T9.5, T18: files that look like others.
#include "agent/source/file/locator.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";
const std::string word = "2026-01-01 host app[1]: message number ";

struct Copied : SourceWorld {
    explicit Copied(const std::vector<std::string>& paths = {"/var/log/*"}) {
        input = &add_input(paths);
    }
    void begin(const std::string& content) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }
    /// The lines of all paths.
    [[nodiscard]] Lines all_lines() const {
        Lines lines;
        for (const ModelCollector::Taken& one : collector.taken) {
            lines.push_back(one.record.value);
        }
        return lines;
    }

    FileInput* input;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(locator_copy)

// --- The same content is not the same file -------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_log_that_is_removed_and_written_anew_with_the_same_content_is_read_again) {
    // T9.4 comes before T9.5: a job that writes the same report each night, in the same inode.
    Copied world;
    world.begin(numbered(0, 100, word));
    world.pass(70s);  // closed as idle
    for (int night = 1; night <= 3; ++night) {
        const std::uint64_t ino = world.apps.inode(app_log);
        world.apps.remove(app_log);
        world.machine.disk().sync_all();  // its number is free
        world.apps.write(app_log, numbered(0, 100, word));
        BOOST_REQUIRE(world.apps.inode(app_log) == ino);
        world.pass(5min);
        BOOST_TEST(world.lines_now(app_log).size() == 100u * static_cast<unsigned>(night + 1));
    }
}

BOOST_AUTO_TEST_CASE(a_file_with_nothing_but_a_header_line_proves_nothing) {
    // Its head and its tail are the same bytes.
    const std::string header =
        "time,host,process,severity,message,and,a,few,more,columns,to,make,it,long\n";
    Copied world;
    world.begin(header);
    world.pass(70s);
    world.apps.remove(app_log);
    world.apps.write("/var/log/next.csv", header + "1\n");
    BOOST_TEST(world.lines_of("/var/log/next.csv", 2).size() == 2u);
}

BOOST_AUTO_TEST_CASE(each_new_file_of_a_path_may_begin_with_the_same_header) {
    const std::string header = "time,host,process,severity,message\n";
    Copied world;
    world.begin(header + "line 0\n");
    for (int i = 1; i <= 4; ++i) {
        world.apps.rename(app_log, app_log + "." + std::to_string(i));
        AppFile file = world.apps.open(app_log);
        file.write(header);
        world.pass(10s);
        file.write("line " + std::to_string(i) + "\n");
        world.pass(5s);
    }
    Lines expected;
    for (int i = 0; i <= 4; ++i) {
        expected = expected
                 + Lines{header.substr(0, header.size() - 1), "line " + std::to_string(i)};
    }
    BOOST_TEST(world.all_lines() == expected, boost::test_tools::per_element());
}

// --- Copy and truncate ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_copy_is_not_shipped_while_it_is_being_made) {
    Copied world;
    const std::string content = numbered(0, 300, word);
    world.begin(content);
    AppFile copy = world.apps.open(app_log + ".1");
    for (std::size_t at = 0; at < content.size(); at += 1000) {
        copy.write(content.substr(at, 1000));
        world.pass(100ms);
    }
    copy.close();
    world.apps.truncate(app_log, 0);
    world.apps.write(app_log, numbered(0, 3, "new "));
    world.pass(3min);
    BOOST_TEST(
        world.all_lines() == numbers(0, 300, word) + numbers(0, 3, "new "),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.collector.duplicates == 0u);
}

BOOST_AUTO_TEST_CASE(a_slow_copy_of_an_empty_beginning_is_told_from_a_log_of_its_own) {
    // A name like a copy's, but other content: after a moment it is a log.
    Copied world;
    world.begin(numbered(0, 300, word));
    AppFile file = world.apps.open(app_log + ".audit");
    world.pass(5s);
    file.write("of its own\n");
    BOOST_TEST(
        world.lines_of(app_log + ".audit", 1) == Lines{"of its own"},
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_log_that_begins_like_another_and_stays_short_is_read_all_the_same) {
    Copied world;
    world.begin(numbered(0, 300, word));
    AppFile file = world.apps.open(app_log + ".more");
    file.write(word + "0\n");
    BOOST_TEST(world.lines_of(app_log + ".more", 1).size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_was_written_before_a_copytruncate_and_not_read_is_read_from_the_copy) {
    // T18, whether the input means the copy or not.
    for (const char* const paths : {"/var/log/*", "/var/log/*.log"}) {
        Copied world({paths});
        world.begin(numbered(0, 100, word));
        world.link->hold();
        world.link->queue_max = 0;
        world.apps.write(app_log, numbered(100, 200, word));
        world.apps.copy(app_log, app_log + ".1");
        world.apps.truncate(app_log, 0);
        world.apps.write(app_log, numbered(0, 3, "new "));
        world.pass(10s);
        world.link->queue_max = 16;
        world.link->release();
        world.files->room();
        world.pass(3min);
        BOOST_TEST(
            world.all_lines() == numbers(0, 200, word) + numbers(0, 3, "new "),
            boost::test_tools::per_element()
        );
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_copytruncate_while_we_were_down_is_read_from_the_copy) {
    for (const std::size_t new_lines : {0U, 3U, 1000U}) {
        Copied world({"/var/log/*.log"});
        world.begin(numbered(0, 100, word));
        world.stop();
        world.apps.write(app_log, numbered(100, 200, word));
        world.apps.copy(app_log, app_log + "-20260101");
        const int count = static_cast<int>(new_lines);
        world.apps.rewrite(app_log, numbered(0, count, "new "));
        world.start();
        world.pass(1min);
        BOOST_TEST(
            world.all_lines() == numbers(0, 200, word) + numbers(0, count, "new "),
            boost::test_tools::per_element()
        );
        // And once more: who is who is remembered.
        world.stop();
        world.apps.write(app_log, "last\n");
        world.start();
        world.pass(1min);
        BOOST_TEST(world.all_lines().size() == 201 + new_lines);
        // Also by the collector alone.
        world.kill();
        world.forget_checkpoint();
        world.apps.write(app_log, "very last\n");
        world.start();
        world.pass(1min);
        BOOST_TEST(world.all_lines().size() == 202 + new_lines);
        BOOST_TEST(world.all_lines().back() == "very last");
    }
}

BOOST_AUTO_TEST_CASE(a_file_saved_by_an_editor_goes_on_while_it_is_open) {
    // The content moves to another inode, and the old one is held open by us alone.
    Copied world({"/var/log/*.log"});
    world.begin(numbered(0, 100, word));
    world.apps.copy(app_log, "/var/log/edited");
    world.apps.rename("/var/log/edited", app_log);
    world.apps.write(app_log, "after it\n");
    BOOST_TEST(
        world.lines_of(app_log, 101) == numbers(0, 100, word) + Lines{"after it"},
        boost::test_tools::per_element()
    );
    world.apps.write(app_log, "and more\n");
    BOOST_TEST(world.lines_of(app_log, 102).back() == "and more");
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
