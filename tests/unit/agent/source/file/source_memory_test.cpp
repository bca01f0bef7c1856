// D18: whatever is written, and however long no collector takes anything, memory_max is never passed, and in
// the end everything arrives.
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";

/// Of that size, and no other's: files of equal content are taken for copies (T9.5).
std::string long_text(const int number, const std::size_t size) {
    std::string text = std::to_string(number) + " ";
    text.resize(size, 'l');
    return text;
}

/// The least memory that may be configured, nothing compressed, and a collector that takes nothing until it
/// is told to; only the memory stops the reading.
struct TightWorld : SourceWorld {
    TightWorld() {
        memory_max = 2 * limits::agent_memory_reserve(limits::agent_batch_bytes_default);
        batches.compress = false;
        input = &add_input({"/var/log/*.log"});
    }
    void begin() {
        start();
        link->hold();
        link->queue_max = 1'000'000;
        pass(30s);
        BOOST_TEST(memory->used_bytes() > memory_max / 3);  // it was stopped, not done
        BOOST_TEST(
            metric("logboom_agent_throttled_seconds_total{input=\"input0\",by=\"memory\"}") >= 20
        );
    }
    void check_peak() {
        BOOST_TEST(memory->peak_bytes() <= memory_max);
        BOOST_TEST_MESSAGE("peak " << memory->peak_bytes() << " of " << memory_max);
    }

    FileInput* input;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(source_memory)

BOOST_AUTO_TEST_CASE(lines_of_the_longest_size_stop_the_reading_in_time) {
    TightWorld world;
    for (int file = 0; file < 6; ++file) {
        AppFile app = world.apps.open("/var/log/" + std::to_string(file) + ".log");
        for (int i = 0; i < 6; ++i) {
            app.write(long_text(6 * file + i, 1u << 20) + "\n");
        }
    }
    world.begin();
    BOOST_TEST(world.link->waiting_count() < 30u);
    world.link->release();
    world.until([&world] { return world.collector.taken.size() == 36u; });
    BOOST_TEST(world.collector.taken.size() == 36u);
    world.check_peak();
}

BOOST_AUTO_TEST_CASE(lines_shorter_than_their_headers_stop_the_reading_in_the_middle_of_a_block) {
    // An empty line costs a hundred times the bytes that it has in the file.
    TightWorld world;
    world.batches.headers = {"lb.path"};
    const std::string path = "/var/log/" + std::string(600, 'p') + ".log";
    constexpr std::size_t line_count = 40'000;  // about 26 MB of records, 40 kB of file
    world.apps.write(path, std::string(line_count, '\n'));
    world.begin();
    world.link->release();
    world.until([&world] { return world.collector.taken.size() >= line_count; });
    world.pass(3s);
    BOOST_TEST(world.collector.taken.size() == line_count);
    world.check_peak();
}

BOOST_AUTO_TEST_CASE(of_thousands_of_long_lines_that_are_cut_nothing_is_kept_while_they_are_read) {
    // T34: each of these files ends in the middle of a line whose beginning is to be kept.
    SourceWorld world;
    FileInput& input = world.add_input({"/var/log/*.log"});
    input.split.line_bytes_max = 64u << 10;
    input.split.on_long_line = parse::LongLine::truncate;
    constexpr int file_count = 300;
    std::vector<AppFile> files;
    for (int i = 0; i < file_count; ++i) {
        files.push_back(world.apps.open("/var/log/" + std::to_string(i) + ".log"));
        files.back().write(long_text(i, 70u << 10));
    }
    world.start();
    world.pass(10s);
    BOOST_TEST(world.metric("logboom_agent_lines_cut_total{why=\"long\"}") == file_count);
    BOOST_TEST(world.memory->used_bytes() < 2u << 20);
    BOOST_TEST(world.collector.taken.empty());
    for (AppFile& file : files) {
        file.write("the end\n");
    }
    world.until([&world] { return world.collector.taken.size() == file_count; });
    BOOST_REQUIRE(world.collector.taken.size() == static_cast<std::size_t>(file_count));
    for (const ModelCollector::Taken& one : world.collector.taken) {
        BOOST_TEST(one.record.value.size() == 64u << 10);
        BOOST_TEST(one.record.header("lb.f.orig_bytes") == std::to_string((70u << 10) + 7));
    }
    world.pass(30s);
    BOOST_TEST(world.memory->used_bytes() == 0u);  // builders that nobody needs are given back
}

BOOST_AUTO_TEST_CASE(the_proof_of_a_cut_lines_end_is_that_of_the_bytes_before_it) {
    // A restart goes on behind it.
    SourceWorld world;
    FileInput& input = world.add_input({"/var/log/*.log"});
    input.split.line_bytes_max = 1000;
    input.split.on_long_line = parse::LongLine::truncate;
    const std::string line(400u << 10, 'l');
    world.apps.write(app_log, "first\n" + line + "\nnext\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 3) == (Lines{"first", std::string(1000, 'l'), "next"}),
        boost::test_tools::per_element()
    );
    AppFile app = world.apps.open(app_log);
    app.write(line);
    world.pass(2s);
    app.write("\n");
    world.until([&world] { return world.collector.taken.size() == 4u; });
    world.kill();
    world.forget_checkpoint();
    app.write("after\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 5)
            == (Lines{"first", std::string(1000, 'l'), "next", std::string(1000, 'l'), "after"}),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_truncations_total") == 0);
}

BOOST_AUTO_TEST_CASE(a_cut_line_whose_beginning_cannot_be_read_now_is_tried_again) {
    SourceWorld world;
    FileInput& input = world.add_input({"/var/log/*.log"});
    input.split.line_bytes_max = 1000;
    input.split.on_long_line = parse::LongLine::truncate;
    int failures = 3;
    world.machine.judge_ops([&failures](const io::Op& op) {
        const bool is_head = op.kind == io::OpKind::read && op.len == 1001;
        return is_head && failures-- > 0 ? EIO : sim::OpGate::passes;
    });
    world.apps.write(app_log, std::string(400u << 10, 'l') + "\nnext\n");
    world.start();
    BOOST_TEST(
        world.lines_of(app_log, 2) == (Lines{std::string(1000, 'l'), "next"}),
        boost::test_tools::per_element()
    );
    BOOST_TEST(failures < 0);
}

BOOST_AUTO_TEST_SUITE_END()
