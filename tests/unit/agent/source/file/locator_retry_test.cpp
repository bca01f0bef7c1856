// What cannot be told now: nothing is given up for it, and nothing is asked without a pause (T6).
#include "agent/source/file/locator.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

struct Retried : SourceWorld {
    Retried() { add_input({"/var/log/*.log"}); }
    void begin(const std::string& content = numbered(0, 3)) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }
    void begin_and_close_as_idle() {
        begin();
        pass(70s);
    }

    /// `kind` ends with `sys_errno` on paths that begin like this.
    void refuse(const io::OpKind kind, const std::string& path, const int sys_errno) {
        machine.judge_ops([this, kind, path, sys_errno](const io::Op& op) {
            const bool is_meant = op.kind == kind && op.path != nullptr
                               && std::string_view(op.path).starts_with(path);
            asked += is_meant ? 1 : 0;
            return is_meant ? sys_errno : sim::OpGate::passes;
        });
    }
    void allow() { machine.judge_ops(nullptr); }
    [[nodiscard]] int ops_in(const Nanos time) {
        int ops = 0;
        machine.judge_ops([&ops](const io::Op&) {
            ++ops;
            return sim::OpGate::passes;
        });
        pass(time);
        allow();
        return ops;
    }

    int asked = 0;
};

std::string long_log(const int first, const int end) {
    return numbered(first, end, "2026-01-01 host app[1]: message number ");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(locator_retry)

// --- Files that cannot be opened -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_idle_file_that_cannot_be_opened_again_is_warned_of_once_and_asked_seldom) {
    for (const int sys_errno : {EACCES, EMFILE, ELOOP}) {
        Retried world;
        world.begin_and_close_as_idle();
        world.refuse(io::OpKind::open, app_log, sys_errno);
        world.apps.write(app_log, "later\n");
        world.pass(5min);
        // 1, 2, 4 ... 60 s, and a few for notifications and rescans.
        BOOST_TEST(world.asked > 5);
        BOOST_TEST(world.asked < 25);
        BOOST_TEST(world.times_logged("file cannot be read") == 1u);
        BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 1);
        world.allow();
        BOOST_TEST(
            world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"later"},
            boost::test_tools::per_element()
        );
        BOOST_TEST(world.metric("logboom_agent_files{state=\"unreadable\"}") == 0);
    }
}

BOOST_AUTO_TEST_CASE(an_inode_used_again_is_found_out_where_only_the_generation_tells) {
    // T9.4 on a file system whose birth times do not tell two lives of an inode apart.
    Retried world;
    const WallTime born = world.machine.disk().wall();
    world.begin_and_close_as_idle();
    const std::uint64_t ino = world.apps.inode(app_log);
    world.apps.remove(app_log);
    world.machine.disk().sync_all();  // now its number is free
    world.machine.disk().set_wall_offset(born - world.machine.disk().wall());
    world.apps.write(app_log, numbered(0, 6));
    world.machine.disk().set_wall_offset(Nanos::zero());
    BOOST_REQUIRE(world.apps.inode(app_log) == ino);
    BOOST_TEST(
        world.lines_of(app_log, 9) == numbers(0, 3) + numbers(0, 6),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.ops_in(50s) < 100);
}

// --- Copies that wait ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_copy_in_whose_place_is_something_else_when_its_minute_is_over_costs_nothing
) {
    const std::string copy = "/var/log/other.log";
    for (const char* const instead : {"directory", "unreadable"}) {
        Retried world;
        world.begin(long_log(0, 100));
        world.apps.copy(app_log, copy);
        world.pass(50s);
        if (instead == std::string("directory")) {
            world.apps.remove(copy);
            world.apps.make_dirs(copy);
            world.pass(20s);
        } else {
            world.refuse(io::OpKind::open, copy, EACCES);
            world.pass(20s);
        }
        BOOST_TEST(world.ops_in(40s) < 60);
    }
}

BOOST_AUTO_TEST_CASE(a_run_to_the_end_waits_for_what_may_be_a_log_of_its_own) {
    // --once: the agent ends when it is drained.
    Retried world;
    world.begin(long_log(0, 100));
    world.apps.copy(app_log, "/var/log/other.log");
    world.pass(5s);
    BOOST_TEST(!world.files->is_drained());
    world.until_scanned();
    BOOST_TEST(world.files->is_drained());
    BOOST_TEST(world.lines_now("/var/log/other.log").size() == 100u);
}

// --- Streams whose file cannot be found ----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_rotated_file_is_not_lost_because_its_directory_cannot_be_listed_now) {
    for (const int sys_errno : {EACCES, EMFILE, EIO}) {
        Retried world;
        world.begin();
        world.stop();
        world.apps.write(app_log, numbered(3, 6));
        world.apps.rename(app_log, app_log + ".1");
        world.apps.write(app_log, numbered(6, 8));
        world.refuse(io::OpKind::list_dir, "/var/log", sys_errno);
        world.start();
        world.pass(30s);
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
        world.allow();
        world.pass(2min);
        BOOST_TEST(world.lines_of(app_log, 8) == numbers(0, 8), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_rotated_file_is_not_lost_because_it_cannot_be_opened_now) {
    for (const int sys_errno : {EACCES, EMFILE, EIO}) {
        Retried world;
        world.begin();
        world.stop();
        world.apps.write(app_log, numbered(3, 6));
        world.apps.rename(app_log, app_log + ".1");
        world.refuse(io::OpKind::open, app_log + ".1", sys_errno);
        world.start();
        world.pass(30s);
        BOOST_TEST(world.times_logged("cannot tell where a file went") == 1u);
        world.allow();
        world.pass(1min);
        BOOST_TEST(world.lines_of(app_log, 6) == numbers(0, 6), boost::test_tools::per_element());
        BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    }
}

BOOST_AUTO_TEST_CASE(what_comes_after_a_file_that_cannot_be_found_does_not_wait_for_ever) {
    // T40, law 8.
    Retried world;
    world.begin();
    world.stop();
    world.apps.write(app_log, numbered(3, 6));
    world.apps.rename(app_log, app_log + ".1");
    world.apps.write(app_log, numbered(6, 8));
    world.refuse(io::OpKind::open, app_log + ".1", EACCES);
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 5) == numbers(0, 3) + numbers(6, 8),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_path_that_cannot_be_asked_about_now_keeps_its_stream) {
    Retried world;
    world.begin_and_close_as_idle();
    world.refuse(io::OpKind::statx, app_log, EIO);
    world.apps.write(app_log, "later\n");
    world.apps.rename(app_log, app_log + ".1");
    world.apps.rename(app_log + ".1", app_log);
    world.pass(10s);
    world.allow();
    BOOST_TEST(
        world.lines_of(app_log, 4) == numbers(0, 3) + Lines{"later"},
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_rotations_total") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
