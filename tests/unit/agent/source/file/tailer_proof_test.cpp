// T17: the bytes before a position are read together with those behind it.
#include "agent/source/file/tailer.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";
/// Begins lines of 200 bytes: many blocks of them are not many records.
const std::string old_word = std::string(190, 'o') + " ";
const std::string new_word = std::string(190, 'n') + " ";

struct Proven : SourceWorld {
    Proven() { input = &add_input({"/var/log/*.log"}); }
    void begin(const std::string& content) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }

    FileInput* input;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tailer_proof)

BOOST_AUTO_TEST_CASE(a_file_cut_and_refilled_in_the_middle_of_a_backlog_is_found_out) {
    // No look at its size tells: it is longer than before at each moment.
    Proven world;
    world.apps.write(app_log, numbered(0, 6000, old_word));
    int blocks = 0;
    world.machine.judge_ops([&](const io::Op& op) {
        if (op.kind == io::OpKind::read && op.off >= 0 && op.len > 100'000 && ++blocks == 3) {
            world.apps.rewrite(app_log, numbered(0, 7000, new_word));
        }
        return sim::OpGate::passes;
    });
    world.start();
    world.until([&world] { return world.collector.taken.size() > 7000; });
    const Lines lines = world.lines_of(app_log, 7001);
    BOOST_REQUIRE(lines.size() > 7000u);
    const Lines end(lines.end() - 7000, lines.end());
    BOOST_TEST((end == numbers(0, 7000, new_word)));
}

BOOST_AUTO_TEST_CASE(a_backlog_is_read_without_asking_for_the_size_of_the_file_at_each_block) {
    // The agent's CPU per GB.
    Proven world;
    const std::string content = numbered(0, 30'000, old_word);
    world.apps.write(app_log, content);
    int reads = 0;
    int stats = 0;
    world.machine.judge_ops([&](const io::Op& op) {
        reads += op.kind == io::OpKind::read && op.off >= 0 && op.len > 100'000 ? 1 : 0;
        stats += op.kind == io::OpKind::statx && op.fd >= 0 ? 1 : 0;
        return sim::OpGate::passes;
    });
    world.start();
    world.until([&world] { return world.collector.taken.size() == 30'000; });
    BOOST_TEST(world.collector.taken.size() == 30'000u);
    BOOST_TEST(reads >= static_cast<int>(content.size() / (256u << 10)));
    BOOST_TEST(stats < 10);
}

BOOST_AUTO_TEST_CASE(a_start_at_the_end_is_proven) {
    Proven world;
    world.input->read_from = StartPoint::end;
    world.begin(numbered(0, 100));
    world.stop();
    world.apps.rewrite(app_log, numbered(0, 200, "new "));
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 200) == numbers(0, 200, "new "), boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_position_that_was_gone_back_to_is_proven) {
    Proven world;
    world.begin(numbered(0, 100));
    const record::Id128 stream = world.streams_of(app_log).at(0);
    const std::uint64_t half = numbered(0, 50).size();
    world.collector.known[stream].to.offset = half;
    world.collector.taken.resize(50);
    world.files->rewind(stream, ship::Position{0, half});
    BOOST_TEST(world.lines_of(app_log, 100) == numbers(0, 100), boost::test_tools::per_element());
    world.apps.rewrite(app_log, numbered(0, 200, "new "));
    BOOST_TEST(
        world.lines_of(app_log, 300) == numbers(0, 100) + numbers(0, 200, "new "),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(bytes_left_out_of_lines_too_long_are_counted) {
    // Law 7.
    for (const parse::LongLine mode : {parse::LongLine::truncate, parse::LongLine::drop}) {
        Proven world;
        world.input->split.line_bytes_max = 64;
        world.input->split.on_long_line = mode;
        world.begin("before\n" + std::string(150, 'l') + "\nafter\n");
        const double left_out = mode == parse::LongLine::truncate ? 150 - 64 : 150;
        BOOST_TEST(world.metric("logboom_agent_dropped_bytes_total") == left_out);
    }
}

BOOST_AUTO_TEST_CASE(the_unended_last_line_of_a_rotated_file_is_counted_when_it_is_dropped) {
    Proven world;
    world.input->split.line_bytes_max = 64;
    world.input->split.on_long_line = parse::LongLine::drop;
    world.begin("before\n");
    world.apps.write(app_log, std::string(150, 'l'));
    world.apps.rename(app_log, app_log + ".1");
    world.pass(10s);
    BOOST_TEST(world.metric("logboom_agent_dropped_bytes_total") == 150);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
