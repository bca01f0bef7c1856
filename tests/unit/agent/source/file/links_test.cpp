// T4: symbolic links, hard links and loops of them.
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string link_log = "/var/log/link.log";
const std::string target = "/data/one/app.txt";

struct Linked : SourceWorld {
    explicit Linked(const std::vector<std::string>& paths = {"/var/log/*.log"}) {
        input = &add_input(paths);
        apps.make_dirs("/data/one");
        apps.make_dirs("/data/two");
    }
    void begin() {
        start();
        until_scanned();
        pass(2s);
    }
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

BOOST_AUTO_TEST_SUITE(links)

BOOST_AUTO_TEST_CASE(what_is_written_to_a_links_target_is_read_within_moments_under_the_links_name
) {
    Linked world;
    world.batches.headers.emplace_back("lb.f.log.path_resolved");
    world.apps.write(target, numbered(0, 3));
    world.apps.make_link(target, link_log);
    world.begin();
    world.apps.write(target, numbered(3, 5));
    world.pass(400ms);
    BOOST_TEST(world.lines_now(link_log) == numbers(0, 5), boost::test_tools::per_element());
    BOOST_TEST(world.records_of(link_log).back().header("lb.f.log.path_resolved") == target);
    BOOST_TEST(world.lines_now(target).empty());
}

BOOST_AUTO_TEST_CASE(a_link_that_leads_elsewhere_is_followed_and_what_it_led_to_is_read_to_its_end
) {
    // "current" links, Kubernetes' /var/log/containers. Also when the old file is closed as idle.
    for (const Nanos idle : {Nanos(1s), Nanos(5min)}) {
        Linked world;
        const std::string second = "/data/two/app.txt";
        world.apps.write(target, numbered(0, 3));
        world.apps.write(second, numbered(5, 7));
        world.apps.make_link(target, link_log);
        world.begin();
        world.pass(idle);
        AppFile writer = world.apps.open(target);
        writer.write(numbered(3, 4));
        world.apps.remove(link_log);
        world.apps.make_link(second, link_log);
        writer.write(numbered(4, 5));
        writer.close();
        world.pass(20s);
        BOOST_TEST(world.lines_now(link_log) == numbers(0, 7), boost::test_tools::per_element());
        world.apps.write(second, numbered(7, 8));
        world.pass(400ms);
        BOOST_TEST(world.lines_now(link_log) == numbers(0, 8), boost::test_tools::per_element());
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_directory_link_that_leads_elsewhere_is_seen_within_seconds) {
    Linked world({"/srv/current/*.log"});
    world.apps.make_dirs("/srv");
    world.apps.make_link("/data/one", "/srv/current");
    world.apps.write("/data/one/a.log", "one\n");
    world.apps.write("/data/two/a.log", "two\n");
    world.begin();
    BOOST_TEST(
        world.lines_now("/srv/current/a.log") == Lines{"one"}, boost::test_tools::per_element()
    );
    world.apps.remove("/srv/current");
    world.apps.make_link("/data/two", "/srv/current");
    world.pass(12s);  // the old file is quiet for 5 s before the new one begins
    BOOST_TEST(
        world.lines_now("/srv/current/a.log") == (Lines{"one", "two"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_link_that_leads_nowhere_is_no_error_and_is_read_when_its_file_comes) {
    Linked world;
    world.apps.make_link(target, link_log);
    world.apps.make_link("/var/log/b.log", "/var/log/a.log");
    world.apps.make_link("/var/log/a.log", "/var/log/b.log");  // ELOOP
    world.begin();
    BOOST_TEST(world.metric("logboom_agent_dangling_links") == 3);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 0);
    BOOST_TEST(world.times_logged("warn") == 0u);
    world.apps.write(target, "here\n");
    BOOST_TEST(world.lines_of(link_log, 1) == Lines{"here"}, boost::test_tools::per_element());
    world.pass(2min);
    BOOST_TEST(world.metric("logboom_agent_dangling_links") == 2);
}

BOOST_AUTO_TEST_CASE(all_names_of_a_file_are_one_reader_and_none_is_opened_again_and_again) {
    Linked world({"/var/log/*.log", "/data/one/*"});
    const std::string hard = "/var/log/hard.log";
    world.apps.write(target, numbered(0, 3));
    world.apps.make_hard_link(target, hard);
    world.apps.make_link(target, link_log);
    world.begin();
    BOOST_TEST(world.collector.known.size() == 1u);
    BOOST_TEST(world.all_lines() == numbers(0, 3), boost::test_tools::per_element());
    int opens = 0;
    world.machine.judge_ops([&opens](const io::Op& op) {
        opens += op.kind == io::OpKind::open ? 1 : 0;
        return sim::OpGate::passes;
    });
    world.pass(50s);
    BOOST_TEST(opens == 0);
    world.apps.write(target, numbered(3, 4));
    world.apps.write(hard, numbered(4, 5));
    world.pass(2min);
    BOOST_TEST(world.all_lines() == numbers(0, 5), boost::test_tools::per_element());
    BOOST_TEST(world.collector.known.size() == 1u);
    BOOST_TEST(opens <= 4);  // a look at the generation, and once after it was closed as idle
}

BOOST_AUTO_TEST_CASE(when_one_name_of_a_file_goes_it_is_read_under_another) {
    Linked world;
    const std::string first = "/var/log/a.log";
    const std::string second = "/var/log/b.log";
    world.apps.write(first, numbered(0, 3));
    world.apps.make_hard_link(first, second);
    world.begin();
    world.apps.remove(first);
    world.apps.write(second, numbered(3, 5));
    world.pass(3min);
    world.apps.write(second, numbered(5, 6));
    world.pass(3min);
    BOOST_TEST(world.all_lines() == numbers(0, 6), boost::test_tools::per_element());
    BOOST_TEST(world.collector.known.size() == 1u);
}

BOOST_AUTO_TEST_CASE(directories_that_link_to_one_another_are_walked_once_under_their_own_names) {
    // Without that these eight levels with two links each would be 3^8 walks, and more in a loop.
    Linked world({"/data/**/*.log"});
    std::string directory = "/data/tree";
    std::size_t count = 1;
    for (char level = 'a'; level <= 'h'; ++level, ++count) {
        world.apps.make_dirs(directory);
        world.apps.write(directory + "/x.log", "x\n");
        world.apps.make_link("/data/tree", directory + "/0-up");
        world.apps.make_link(directory + "/" + level, directory + "/1-down");
        directory += "/";
        directory += level;
    }
    int listed = 0;
    world.machine.judge_ops([&listed](const io::Op& op) {
        listed += op.kind == io::OpKind::list_dir ? 1 : 0;
        return sim::OpGate::passes;
    });
    world.start_alone();
    world.pass(1s);
    BOOST_TEST(listed < 40);
    world.meet();
    world.until([&world] { return world.collector.taken.size() >= 8u; });
    world.pass(10s);
    BOOST_TEST(world.collector.taken.size() == 8u);
    for (const ModelCollector::Taken& one : world.collector.taken) {
        const std::string path = one.record.header("lb.path");
        BOOST_TEST(path.find("0-up") == std::string::npos, path);
        BOOST_TEST(path.find("1-down") == std::string::npos, path);
    }
}

BOOST_AUTO_TEST_CASE(a_link_into_proc_is_not_followed_unless_it_is_named) {
    // T5: reading some of it has effects.
    Linked world({"/var/log/*.log", "/var/log/named.log"});
    world.apps.make_dirs("/proc");
    world.apps.write("/proc/kmsg", "kernel\n");
    world.apps.make_link("/proc/kmsg", "/var/log/kernel.log");
    world.apps.make_link("/proc/kmsg", "/var/log/named.log");
    world.begin();
    world.apps.make_link("/proc/kmsg", "/var/log/later.log");
    world.pass(2min);
    BOOST_TEST(world.lines_now("/var/log/kernel.log").empty());
    BOOST_TEST(world.lines_now("/var/log/later.log").empty());
    BOOST_TEST(
        world.lines_now("/var/log/named.log") == Lines{"kernel"}, boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_SUITE_END()
