// Which directories are watched, which are polled, and what is not looked at (T3, T5, T27, T28).
#include "agent/source/file/discovery.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

struct Watched : SourceWorld {
    explicit Watched(
        const std::vector<std::string>& paths, const std::vector<std::string>& exclude = {}
    ) {
        add_input(paths, exclude);
    }
    void begin() {
        apps.write(app_log, numbered(0, 3));
        start();
        until_scanned();
        pass(2s);
    }
    void refuse(const io::OpKind kind, const std::string& path, const int sys_errno) {
        machine.judge_ops([this, kind, path, sys_errno](const io::Op& op) {
            const bool is_meant = op.kind == kind
                               && (path.empty() || (op.path != nullptr && path == op.path));
            asked += is_meant ? 1 : 0;
            return is_meant ? sys_errno : sim::OpGate::passes;
        });
    }

    int asked = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(discovery_watch)

// --- T28 -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_watched_is_polled_and_only_that_one) {
    Watched world({"/var/log/*.log", "/srv/*.log"});
    world.apps.make_dirs("/srv");
    world.apps.write("/srv/b.log", "first\n");
    world.refuse(io::OpKind::inotify_add, "/srv", ENOSPC);
    world.begin();
    world.apps.write("/srv/b.log", "second\n");
    world.pass(2s);  // hot: once a second
    BOOST_TEST(world.lines_now("/srv/b.log").size() == 2u);
    world.pass(5min);
    world.apps.write("/srv/b.log", "third\n");
    world.pass(11s);  // cold
    BOOST_TEST(world.lines_now("/srv/b.log").size() == 3u);
    world.apps.write("/srv/new.log", "of a new file\n");
    world.pass(11s);
    BOOST_TEST(world.lines_now("/srv/new.log").size() == 1u);
    world.apps.write(app_log, numbered(3, 4));
    world.pass(300ms);
    BOOST_TEST(world.lines_now(app_log).size() == 4u);
    BOOST_TEST(world.times_logged("fs.inotify.max_user_watches") == 1u);
}

BOOST_AUTO_TEST_CASE(one_watch_that_fails_does_not_make_us_walk_everything_each_second) {
    Watched world({"/var/log/*.log"});
    world.refuse(io::OpKind::inotify_add, "/var/log", ENOSPC);
    world.begin();
    const double walks = world.metric("logboom_agent_rescans_total");
    world.asked = 0;
    world.pass(20min);
    BOOST_TEST(world.metric("logboom_agent_rescans_total") - walks < 30);
    BOOST_TEST(world.asked <= 5);  // each 5 minutes
}

BOOST_AUTO_TEST_CASE(a_watch_that_failed_is_tried_again_after_5_minutes) {
    Watched world({"/var/log/*.log"});
    world.refuse(io::OpKind::inotify_add, "", ENOSPC);
    world.begin();
    world.machine.judge_ops(nullptr);
    world.pass(7min);
    world.apps.write(app_log, numbered(3, 4));
    world.pass(300ms);
    BOOST_TEST(world.lines_now(app_log).size() == 4u);
}

BOOST_AUTO_TEST_CASE(without_any_notification_everything_is_polled_until_there_is_some) {
    // EMFILE: fs.inotify.max_user_instances.
    Watched world({"/var/log/*.log"});
    world.refuse(io::OpKind::inotify_open, "", EMFILE);
    world.begin();
    world.apps.write(app_log, numbered(3, 4));
    world.pass(2s);
    BOOST_TEST(world.lines_now(app_log).size() == 4u);
    world.pass(20min);
    BOOST_TEST(world.asked <= 5);
    BOOST_TEST(world.times_logged("no notification of file changes") <= 1u);
    world.machine.judge_ops(nullptr);
    world.pass(7min);
    world.apps.write(app_log, numbered(4, 5));
    world.pass(300ms);
    BOOST_TEST(world.lines_now(app_log).size() == 5u);
}

// --- Directories that come and go ----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_directory_that_was_renamed_and_made_anew_is_watched_again) {
    Watched world({"/srv/app/*.log"});
    world.apps.make_dirs("/srv/app");
    world.apps.write("/srv/app/a.log", "first\n");
    world.start();
    world.until_scanned();
    for (int i = 0; i < 3; ++i) {
        world.apps.rename("/srv/app", "/srv/app." + std::to_string(i));
        world.apps.make_dirs("/srv/app");
        world.apps.write("/srv/app/a.log", "next\n");
        world.pass(90s);
        const std::size_t before = world.lines_now("/srv/app/a.log").size();
        world.apps.write("/srv/app/a.log", "now\n");
        world.pass(300ms);
        BOOST_TEST(world.lines_now("/srv/app/a.log").size() == before + 1);
    }
    BOOST_TEST(world.metric("logboom_agent_watches") <= 2);
}

// --- What is left out ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_link_to_what_is_excluded_is_left_out_whenever_it_comes) {
    // T3.
    Watched world({"/var/log/*.log"}, {"/private/**"});
    world.apps.make_dirs("/private");
    world.apps.write("/private/secret", "not this\n");
    world.apps.make_link("/private/secret", "/var/log/first.log");
    world.begin();
    world.apps.make_link("/private/secret", "/var/log/second.log");
    world.apps.make_link("/var/log/second.log", "/var/log/third.log");
    world.pass(5s);
    world.apps.write("/private/secret", "nor this\n");
    world.pass(3min);
    BOOST_TEST(world.collector.taken.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_path_is_compared_without_its_detours) {
    BOOST_TEST(without_detours("/var/log/../../private/./secret") == "/private/secret");
    BOOST_TEST(without_detours("/../a//b/") == "/a/b");
    BOOST_TEST(without_detours("/..") == "/");
}

BOOST_AUTO_TEST_CASE(nothing_under_proc_and_sys_is_read_unless_it_is_named) {
    // T5.
    Watched world({"/**/*.log", "/proc/kernel.log"}, {"/state/**"});
    world.apps.make_dirs("/proc/1");
    world.apps.make_dirs("/sys/x");
    world.apps.write("/proc/1/a.log", "no\n");
    world.apps.write("/sys/x/a.log", "no\n");
    world.apps.write("/proc/kernel.log", "named\n");
    world.begin();
    BOOST_TEST(
        world.lines_of("/proc/kernel.log", 1) == Lines{"named"}, boost::test_tools::per_element()
    );
    BOOST_TEST(world.lines_now(app_log).size() == 3u);
    BOOST_TEST(world.collector.taken.size() == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
