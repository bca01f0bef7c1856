#include "shared/io/event_loop.h"

#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <thread>

using namespace logboom;
using test::code_of;
using test::IoWorld;
using test::with_every_real;
using test::with_every_seed;

namespace {

Task<void> wait_for_the_end(IoWorld& w, ErrorCode& into) {
    const Result<Ok> ended = co_await w.env().sleep(std::chrono::hours(24));
    into = code_of(ended);
}

Task<void> spin(const bool& is_done, std::uint64_t& turns) {
    while (!is_done) {
        ++turns;
        co_await io::yield();
    }
}
Task<void> sleep_and_write(IoWorld& w, bool& is_done) {
    const Result<Ok> slept = co_await w.env().sleep(2ms);
    BOOST_TEST(slept.has_value());
    const Result<Ok> written = co_await w.fs().replace_file(w.path("file"), as_bytes("x"));
    BOOST_TEST(written.has_value());
    is_done = true;
}
Task<Result<Ok>> work_beside_a_spinner(IoWorld& w) {
    bool is_done = false;
    std::uint64_t turns = 0;
    Scope tasks(w.scheduler());
    tasks.spawn(spin(is_done, turns));
    tasks.spawn(sleep_and_write(w, is_done));
    co_await tasks.join();
    BOOST_TEST(turns > 1u);
    co_return Ok{};
}

Task<void> note_time(IoWorld& w, const Nanos delay, std::vector<SteadyTime>& woken) {
    const Result<Ok> slept = co_await w.env().sleep(delay);
    BOOST_TEST(slept.has_value());
    woken.push_back(w.backend().now());
}
Task<Result<Ok>> sleep_for_different_times(IoWorld& w) {
    const SteadyTime begin = w.backend().now();
    std::vector<SteadyTime> woken;
    Scope tasks(w.scheduler());
    for (const int ms : {7, 1, 4, 300}) {
        tasks.spawn(note_time(w, Millis(ms), woken));
    }
    co_await tasks.join();
    BOOST_TEST(woken.size() == 4u);
    BOOST_TEST(std::is_sorted(woken.begin(), woken.end()));
    BOOST_TEST((woken.front() >= begin + 1ms));
    BOOST_TEST((woken.back() >= begin + 300ms));
    co_return Ok{};
}

Task<void> do_nothing() {
    co_return;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_loop)

BOOST_AUTO_TEST_CASE(a_loop_ends_with_its_main_task) {
    const auto act = [](IoWorld& w) {
        w.run(do_nothing());
        w.run(do_nothing());
    };
    with_every_real(act);
    with_every_seed(act);
}

BOOST_AUTO_TEST_CASE(a_stop_that_is_requested_before_the_loop_runs_cancels_its_main_task) {
    const auto act = [](IoWorld& w) {
        ErrorCode ended{};
        w.loop().request_stop();
        w.run(wait_for_the_end(w, ended));
        BOOST_TEST(ended == ErrorCode::cancelled);
    };
    with_every_real(act);
    with_every_seed(act);
}

BOOST_AUTO_TEST_CASE(a_stop_that_another_thread_requests_ends_a_loop_that_waits) {
    with_every_real([](IoWorld& w) {
        ErrorCode ended{};
        std::thread stopper([&w] { w.loop().request_stop(); });
        w.run(wait_for_the_end(w, ended));
        stopper.join();
        BOOST_TEST(ended == ErrorCode::cancelled);
    });
}

BOOST_AUTO_TEST_CASE(tasks_that_never_wait_hold_up_neither_timers_nor_completions) {
    test::on_every_real(work_beside_a_spinner);
}

BOOST_AUTO_TEST_CASE(sleepers_are_woken_in_order_and_never_too_early) {
    test::on_every_backend(sleep_for_different_times);
}

BOOST_AUTO_TEST_SUITE_END()
