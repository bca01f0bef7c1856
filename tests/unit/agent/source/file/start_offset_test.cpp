#include "agent/source/file/start_offset.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

constexpr WallTime started{1000h};

FileInput input_of(const StartPoint from, const Nanos since, const Nanos ignore_older) {
    FileInput input{.name = "app", .topic = "logs", .paths = PathSet({"/*"}, {})};
    input.read_from = from;
    input.since = since;
    input.ignore_older = ignore_older;
    return input;
}

io::FileStat file_of(const WallTime born, const WallTime changed) {
    io::FileStat stat;
    stat.btime_ns = born.time_since_epoch().count();
    stat.mtime = changed;
    return stat;
}

/// Where reading begins in a file with that content.
std::uint64_t start_of(
    const std::string& content, const StartPoint from, const bool is_first_start
) {
    SourceWorld world;
    world.apps.write("/a", content);
    Result<io::File> file = world.machine.run(world.machine.env().fs.open("/a", O_RDONLY));
    const FileInput input = input_of(from, Nanos::zero(), Nanos::zero());
    const Result<std::uint64_t> start = world.machine.run(
        start_offset(world.machine.env(), *file, input, is_first_start, content.size())
    );
    BOOST_REQUIRE(start.has_value());
    return *start;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(start_offset)

BOOST_AUTO_TEST_CASE(a_file_is_ignored_if_it_was_too_old_when_its_input_first_started) {
    // T23.
    const FileInput input = input_of(StartPoint::beginning, Nanos::zero(), 24h);
    BOOST_TEST(is_ignored(input, file_of(started - 100h, started - 25h), started));
    BOOST_TEST(!is_ignored(input, file_of(started - 100h, started - 23h), started));
    BOOST_TEST(!is_ignored(input, file_of(started - 100h, started + 1h), started));
}

BOOST_AUTO_TEST_CASE(a_file_that_came_later_is_never_ignored) {
    // T22: whatever its times say; a copy keeps the old one's.
    const FileInput input = input_of(StartPoint::since, 1h, 24h);
    BOOST_TEST(!is_ignored(input, file_of(started + 1h, started - 100h), started));
    io::FileStat unknown = file_of(started, started + 1h);
    unknown.btime_ns.reset();
    BOOST_TEST(!is_ignored(input, unknown, started));
    unknown.mtime = started - 25h;
    BOOST_TEST(is_ignored(input, unknown, started));
}

BOOST_AUTO_TEST_CASE(since_looks_back_from_the_first_start) {
    // T22.
    const FileInput input = input_of(StartPoint::since, 1h, 24h);
    BOOST_TEST(is_ignored(input, file_of(started - 100h, started - 2h), started));
    BOOST_TEST(!is_ignored(input, file_of(started - 100h, started - 30min), started));
}

BOOST_AUTO_TEST_CASE(without_a_limit_no_file_is_too_old) {
    const FileInput input = input_of(StartPoint::beginning, Nanos::zero(), Nanos::zero());
    BOOST_TEST(!is_ignored(input, file_of(started - 900h, started - 900h), started));
}

BOOST_AUTO_TEST_CASE(the_end_is_behind_the_last_line_end_at_the_first_start_only) {
    // T22.
    BOOST_TEST(start_of("one\ntwo\n", StartPoint::end, true) == 8u);
    BOOST_TEST(start_of("one\ntwo\nhalf", StartPoint::end, true) == 8u);
    BOOST_TEST(start_of("no line end", StartPoint::end, true) == 0u);
    BOOST_TEST(start_of("", StartPoint::end, true) == 0u);
    BOOST_TEST(start_of("one\ntwo\n", StartPoint::end, false) == 0u);
    BOOST_TEST(start_of("one\ntwo\n", StartPoint::beginning, true) == 0u);
    BOOST_TEST(start_of("one\ntwo\n", StartPoint::since, true) == 0u);
}

BOOST_AUTO_TEST_CASE(the_last_line_end_is_found_however_far_it_is_from_the_end) {
    for (const std::size_t tail : {65'535u, 65'536u, 65'537u, 200'000u}) {
        const std::string content = "one\n" + std::string(tail, 'x');
        BOOST_TEST(start_of(content, StartPoint::end, true) == 4u, tail);
    }
}

BOOST_AUTO_TEST_SUITE_END()
