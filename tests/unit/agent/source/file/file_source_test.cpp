#include "agent/source/file/file_source.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

struct Sourced : SourceWorld {
    explicit Sourced(const std::uint64_t seed = 1) : SourceWorld(seed) {
        input = &add_input({"/var/log/*.log"});
    }
    void begin(const std::string& content = numbered(0, 3)) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }

    FileInput* input;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(file_source)

// --- Notification is only the speed, T2, T28 -----------------------------------------------------

BOOST_AUTO_TEST_CASE(a_new_line_is_read_within_moments) {
    // T1, T27.
    Sourced world;
    world.batches.batch_age_max = 1ms;
    world.begin();
    world.apps.write(app_log, numbered(3, 4));
    world.pass(50ms);
    BOOST_TEST(world.lines_now(app_log) == numbers(0, 4), boost::test_tools::per_element());
    world.apps.write("/var/log/new.log", "of a new file\n");
    world.pass(50ms);
    BOOST_TEST(world.lines_now("/var/log/new.log").size() == 1u);
}

BOOST_AUTO_TEST_CASE(when_notifications_were_lost_everything_is_looked_at_at_once) {
    // T2, T28.
    Sourced world;
    world.machine.backend_options().watch_queue_max = 8;
    world.machine.end_program();
    world.machine.start();
    world.begin();
    for (int i = 0; i < 50; ++i) {
        world.apps.write("/var/log/" + std::to_string(i) + ".log", numbered(0, 2));
    }
    world.pass(2s);  // and not when the next rescan is due
    for (int i = 0; i < 50; ++i) {
        BOOST_TEST(world.lines_now("/var/log/" + std::to_string(i) + ".log").size() == 2u, i);
    }
    BOOST_TEST(world.metric("logboom_agent_inotify_overflows_total") >= 1);
}

BOOST_AUTO_TEST_CASE(what_no_notification_tells_is_found_by_the_rescan) {
    // T2, T27: a file system whose changes are made elsewhere.
    Sourced world;
    world.machine.judge_ops([](const io::Op& op) {
        const bool is_watch = op.kind == io::OpKind::read && op.off < 0;
        return is_watch ? sim::OpGate::held : sim::OpGate::passes;
    });
    world.begin();
    world.apps.write(app_log, numbered(3, 5));
    world.apps.write("/var/log/new.log", "of a new file\n");
    world.pass(75s);  // 60 s, and 20 % of it
    BOOST_TEST(world.lines_now(app_log) == numbers(0, 5), boost::test_tools::per_element());
    BOOST_TEST(world.lines_now("/var/log/new.log").size() == 1u);
}

BOOST_AUTO_TEST_CASE(rescans_come_at_their_interval_with_a_fifth_to_both_sides) {
    // T2: hosts that started together do not walk together.
    Nanos shortest = 1h;
    Nanos longest{};
    Sourced world;
    world.input->rescan_interval = 10s;
    world.begin();
    double scans = world.metric("logboom_agent_rescans_total");
    SteadyTime last{};
    for (int i = 0; i < 30; ++i) {
        ++scans;
        world.until([&] { return world.metric("logboom_agent_rescans_total") == scans; });
        const SteadyTime now = world.machine.events().now();
        if (i > 1) {
            shortest = std::min<Nanos>(shortest, now - last);
            longest = std::max<Nanos>(longest, now - last);
        }
        last = now;
    }
    BOOST_TEST((shortest >= 8s));
    BOOST_TEST((longest <= 12s + 500ms));
    BOOST_TEST((longest - shortest > 2s));
}

BOOST_AUTO_TEST_CASE(idle_files_cost_nothing_but_the_rescan) {
    // Law 9.
    Sourced world;
    for (int i = 0; i < 100; ++i) {
        world.apps.write("/var/log/" + std::to_string(i) + ".log", numbered(0, 2));
    }
    world.begin();
    world.pass(3min);  // all are closed, the checkpoint is written
    int ops = 0;
    int opens = 0;
    world.machine.judge_ops([&](const io::Op& op) {
        ++ops;
        opens += op.kind == io::OpKind::open ? 1 : 0;
        return sim::OpGate::passes;
    });
    world.pass(10min);
    BOOST_TEST(opens == 0);
    BOOST_TEST(ops < 14 * 110);  // a stat of each at each rescan
}

// --- Positions, agent-design 3.1 -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_lost_checkpoint_is_rebuilt_from_the_collectors_positions) {
    // Law 2: losing it neither loses nor doubles.
    Sourced world;
    world.begin(numbered(0, 50));
    world.apps.write("/var/log/other.log", numbered(0, 10));
    BOOST_TEST(world.lines_of("/var/log/other.log", 10).size() == 10u);
    world.kill();
    world.forget_checkpoint();
    world.apps.write(app_log, numbered(50, 60));
    world.start();
    BOOST_TEST(world.lines_of(app_log, 60) == numbers(0, 60), boost::test_tools::per_element());
    world.pass(2min);
    BOOST_TEST(
        world.lines_now("/var/log/other.log") == numbers(0, 10), boost::test_tools::per_element()
    );
    BOOST_TEST(world.collector.duplicates == 0u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_behind_the_collector_sends_nothing_twice) {
    // Killed after the acknowledgement and before the checkpoint was written.
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Sourced world(seed);
        world.begin();
        for (int i = 3; i < 60; i += 3) {
            world.apps.write(app_log, numbered(i, i + 3));
            world.pass(Millis(world.machine.rng().below(1500)));
            if (i % 12 == 0) {
                world.kill();
                world.start();
            }
        }
        BOOST_TEST(world.lines_of(app_log, 60) == numbers(0, 60), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_before_the_collector_yields_to_it) {
    // The collector lost what it had promised, and the file still has it.
    Sourced world;
    world.begin(numbered(0, 10));
    world.pass(5s);
    world.stop();
    const record::Id128 stream = world.streams_of(app_log).at(0);
    world.collector.known[stream].to.offset = numbered(0, 4).size();
    world.collector.known[stream].tail = batch::tail_of(world.hash, as_bytes(numbered(0, 4)));
    world.collector.taken.resize(4);
    world.start();
    BOOST_TEST(world.lines_of(app_log, 10) == numbers(0, 10), boost::test_tools::per_element());
    BOOST_TEST(world.collector.rejects == 0u);
}

BOOST_AUTO_TEST_CASE(a_collector_that_knows_nothing_gets_what_it_has_not_by_the_checkpoint) {
    // Its state expired: the checkpoint is all there is.
    Sourced world;
    world.begin();
    world.pass(5s);
    world.stop();
    world.collector.known.clear();
    world.apps.write(app_log, numbered(3, 5));
    world.start();
    BOOST_TEST(world.lines_of(app_log, 5) == numbers(0, 5), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stop_sends_what_was_read_and_the_next_start_goes_on_behind_it) {
    Sourced world;
    world.begin();
    world.apps.write(app_log, numbered(3, 6));
    world.pass(20ms);  // younger than a batch may become
    world.stop();
    const std::size_t stopped_at = world.lines_now(app_log).size();
    BOOST_TEST(stopped_at >= 3u);
    world.start();
    BOOST_TEST(world.lines_of(app_log, 6) == numbers(0, 6), boost::test_tools::per_element());
    BOOST_TEST(world.collector.duplicates == 0u);
}

// --- Inputs --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_input_sends_to_its_topic) {
    Sourced world;
    FileInput& other = world.add_input({"/srv/*.log"});
    other.topic = "other";
    world.apps.make_dirs("/srv");
    world.apps.write("/srv/x.log", "x\n");
    world.begin();
    BOOST_TEST(world.lines_of("/srv/x.log", 1).size() == 1u);
    for (const auto& [stream, known] : world.collector.known) {
        BOOST_TEST(known.topic == (known.identity->path_seen == "/srv/x.log" ? "other" : "logs"));
    }
}

BOOST_AUTO_TEST_CASE(a_stream_of_an_input_that_left_the_configuration_is_remembered_until_it_is_back
) {
    Sourced world;
    world.begin();
    world.pass(5s);
    world.stop();
    const std::vector<FileInput> inputs = world.options.inputs;
    world.options.inputs.clear();
    world.add_input({"/srv/*.log"}).name = "another";
    world.start();
    world.pass(2min);
    world.stop();
    world.options.inputs = inputs;
    world.apps.write(app_log, numbered(3, 5));
    world.start();
    BOOST_TEST(world.lines_of(app_log, 5) == numbers(0, 5), boost::test_tools::per_element());
    BOOST_TEST(world.streams_of(app_log).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_stream_whose_file_is_long_gone_is_forgotten) {
    // T26.
    Sourced world;
    world.options.forget_after = 10min;
    world.begin();
    world.apps.remove(app_log);
    world.pass(9min);
    BOOST_TEST(world.files->streams_count() == 1u);
    world.pass(4min);
    BOOST_TEST(world.files->streams_count() == 0u);
    BOOST_TEST(world.checkpoint->entries().empty());
}

BOOST_AUTO_TEST_CASE(what_is_behind_is_shown) {
    Sourced world;
    world.begin();
    BOOST_TEST(world.metric("logboom_agent_source_bytes_behind") == 0);
    BOOST_TEST(world.files->is_drained());
    AppFile file = world.apps.open(app_log);
    file.write("unfinished");
    world.pass(2s);
    BOOST_TEST(world.metric("logboom_agent_source_bytes_behind") == 10);
    BOOST_TEST(!world.files->is_drained());
}

BOOST_AUTO_TEST_SUITE_END()
