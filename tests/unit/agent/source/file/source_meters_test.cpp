// What is shown per input: lag, and the time in which it was not our fault (O1).
#include "agent/source/file/source_meters.h"

#include "agent/source/file/lag.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

constexpr SteadyTime begin = SteadyTime(1h);

}  // namespace

BOOST_AUTO_TEST_SUITE(source_meters)

BOOST_AUTO_TEST_CASE(bytes_wait_since_they_were_seen_first) {
    Lag lag;
    BOOST_TEST((lag.age(begin) == 0s));
    lag.update(100, 0, begin);
    BOOST_TEST(lag.bytes() == 100u);
    lag.update(150, 20, begin + 10s);
    BOOST_TEST(lag.bytes() == 130u);
    BOOST_TEST((lag.age(begin + 30s) == 30s));
    lag.update(150, 150, begin + 31s);
    BOOST_TEST(lag.bytes() == 0u);
    BOOST_TEST((lag.age(begin + 40s) == 0s));
}

BOOST_AUTO_TEST_CASE(the_age_is_never_less_than_that_of_the_oldest_byte_and_follows_it) {
    // A file that gets a byte each second, of which those older than 5 s are acknowledged.
    Lag lag;
    for (int second = 1; second <= 100; ++second) {
        const SteadyTime now = begin + std::chrono::seconds(second);
        const auto size = static_cast<std::uint64_t>(second);
        lag.update(size, size > 5 ? size - 5 : 0, now);
        if (second > 10) {
            BOOST_TEST((lag.age(now) >= 4s));
            BOOST_TEST((lag.age(now) <= 10s));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_time_in_which_several_wait_is_counted_once) {
    metrics::Registry registry;
    metrics::Counter& seconds = registry.counter("x_total", "");
    ThrottledTime time(seconds);
    time.begin(begin);
    time.begin(begin + 1s);
    time.end(begin + 2s + 600ms);
    BOOST_TEST(seconds.value() == 2u);
    time.end(begin + 3s);
    BOOST_TEST(seconds.value() == 3u);
    time.begin(begin + 10s);
    time.end(begin + 10s + 400ms);
    time.begin(begin + 20s);
    time.settle(begin + 20s + 600ms);  // fractions add up
    BOOST_TEST(seconds.value() == 4u);
}

BOOST_AUTO_TEST_CASE(lag_and_what_it_comes_from_are_shown_by_input) {
    SourceWorld world;
    world.add_input({"/var/log/a.log"});
    world.add_input({"/var/log/b.log"});
    world.apps.write("/var/log/a.log", numbered(0, 10));
    world.start();
    world.until_scanned();
    world.pass(2s);
    world.link->hold();
    world.link->queue_max = 0;
    world.apps.write("/var/log/a.log", numbered(10, 20));
    world.pass(30s);
    const auto waiting = static_cast<double>(numbered(10, 20).size());
    BOOST_TEST(world.metric("logboom_agent_source_bytes_behind{input=\"input0\"}") == waiting);
    BOOST_TEST(world.metric("logboom_agent_source_bytes_behind{input=\"input1\"}") == 0);
    BOOST_TEST(world.metric("logboom_agent_source_seconds_behind{input=\"input0\"}") >= 29);
    BOOST_TEST(world.metric("logboom_agent_source_seconds_behind{input=\"input0\"}") <= 31);
    const auto throttled = [&world](const std::string& input) {
        return world.metric(
            "logboom_agent_throttled_seconds_total{input=\"" + input + "\",by=\"collector\"}"
        );
    };
    BOOST_TEST(throttled("input0") >= 29);
    BOOST_TEST(throttled("input1") <= 1);
    world.link->release();
    world.link->queue_max = 16;
    world.files->room();
    world.pass(5s);
    BOOST_TEST(world.metric("logboom_agent_source_bytes_behind{input=\"input0\"}") == 0);
    BOOST_TEST(world.metric("logboom_agent_source_seconds_behind{input=\"input0\"}") == 0);
    BOOST_TEST(throttled("input0") <= 32);
    BOOST_TEST(world.metric("logboom_agent_source_events_total{input=\"input0\"}") == 20);
    BOOST_TEST(
        world.metric("logboom_agent_source_bytes_read_total{input=\"input0\"}")
        == static_cast<double>(numbered(0, 20).size())
    );
}

BOOST_AUTO_TEST_CASE(a_deleted_file_that_is_still_read_shows_as_pinned_space) {
    SourceWorld world;
    world.add_input({"/var/log/*.log"});
    world.apps.write("/var/log/a.log", numbered(0, 10));
    world.start();
    world.until_scanned();
    world.pass(2s);
    world.link->queue_max = 0;
    AppFile writer = world.apps.open("/var/log/a.log");
    writer.write(numbered(10, 20));
    world.apps.remove("/var/log/a.log");
    world.pass(10s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"deleted\"}") == 1);
    BOOST_TEST(
        world.metric("logboom_agent_pinned_deleted_bytes")
        == static_cast<double>(numbered(10, 20).size())
    );
    writer.close();
    world.link->queue_max = 16;
    world.files->room();
    world.pass(20s);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"deleted\"}") == 0);
    BOOST_TEST(world.metric("logboom_agent_pinned_deleted_bytes") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
