// O6 and rule 5: what is lost is told once, to the byte, before anything behind it, and found again by an
// agent that was killed before it had heard that it was told.
#include "agent/source/file/losses.h"

#include "shared/json/json_value.h"
#include "shared/record/loss_topic.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

const std::string app_log = "/var/log/app.log";
const std::string lost_bytes = "logboom_agent_loss_bytes_total";

std::int64_t size_of(const std::string& text) {
    return static_cast<std::int64_t>(text.size());
}

/// What a loss record says of its range.
struct Told {
    std::int64_t generation = 0;
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::int64_t bytes = 0;
    std::string reason = "truncated_unread";

    bool operator==(const Told&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Told& told) {
    return out << told.reason << " " << told.generation << " [" << told.from << ", " << told.to
               << ") " << told.bytes;
}

struct LossWorld : SourceWorld {
    LossWorld() { add_input({"/var/log/*.log"}); }
    void begin(const std::string& content = numbered(0, 100)) {
        apps.write(app_log, content);
        start();
        until_scanned();
        pass(2s);
    }
    /// Nothing can be read on, as when the collector is away for long.
    void stop_reading() { link->queue_max = 0; }
    /// The file is at work, but nothing that is sent arrives.
    void read_in_vain() {
        link->hold();
        link->queue_max = 16;
        files->room();
        pass(2s);
    }
    /// 100 lines were taken, 10 were seen and not read, and then there is other content.
    void lose_ten_lines() {
        begin();
        stop_reading();
        apps.write(app_log, numbered(100, 110));
        pass(2s);
        apps.rewrite(app_log, "new\n");
        pass(2s);
    }
    [[nodiscard]] json::JsonValue record(const std::size_t index = 0) const {
        Result<json::JsonValue> parsed = json::parse_json(collector.losses.at(index).record.value);
        BOOST_REQUIRE(parsed.has_value());
        return std::move(*parsed);
    }
    [[nodiscard]] std::vector<Told> told() const {
        std::vector<Told> all;
        for (std::size_t i = 0; i < collector.losses.size(); ++i) {
            const json::JsonValue one = record(i);
            all.push_back(
                {one.number("generation").value(),
                 one.number("from").value(),
                 one.number("to").value(),
                 one.number("bytes").value(),
                 std::string(one.text("reason"))}
            );
        }
        return all;
    }
    [[nodiscard]] record::Id128 stream() const { return streams_of(app_log).front(); }
    [[nodiscard]] const CheckpointEntry& remembered() const {
        return checkpoint->entries().at(stream());
    }
    void until_told(const std::size_t count) {
        until([this, count] { return collector.losses.size() >= count; });
    }
    /// Nothing more comes; each byte that was counted was told.
    void check(const std::vector<Told>& expected, const Lines& lines) {
        BOOST_TEST(lines_of(app_log, lines.size()) == lines, boost::test_tools::per_element());
        pass(10s);
        BOOST_TEST(told() == expected, boost::test_tools::per_element());
        BOOST_TEST(files->is_drained());
    }
};

const std::int64_t size_100 = size_of(numbered(0, 100));
const std::int64_t size_110 = size_of(numbered(0, 110));
const Told ten_lines{0, size_100, size_110, size_110 - size_100};

}  // namespace

BOOST_AUTO_TEST_SUITE(losses)

BOOST_AUTO_TEST_CASE(a_loss_is_told_with_all_that_is_known_of_it) {
    LossWorld world;
    world.batches.host = "web-1";
    world.lose_ten_lines();
    world.link->queue_max = 16;
    world.files->room();
    world.check({ten_lines}, numbers(0, 100) + Lines{"new"});
    const json::JsonValue record = world.record();
    BOOST_TEST(record.text("agent") == to_hex(id_of(1)));
    BOOST_TEST(record.text("host") == "web-1");
    BOOST_TEST(record.text("stream") == to_hex(world.stream()));
    BOOST_TEST(record.text("path") == app_log);
    BOOST_TEST(record.text("topic") == "logs");
    const std::string time(record.text("time"));
    BOOST_TEST((time.size() == 24 && time[10] == 'T' && time.back() == 'Z'), time);
    const ModelCollector::Taken& taken = world.collector.losses.front();
    BOOST_TEST(taken.record.header("lb.host") == "web-1");
    BOOST_TEST(taken.record.header("lb.path") == app_log);
    BOOST_TEST((taken.stream == batch::derived_id(world.stream(), record::loss_topic)));
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(ten_lines.bytes));
    BOOST_TEST(world.metric("logboom_agent_loss_records_total") == 1);
}

BOOST_AUTO_TEST_CASE(a_path_that_is_no_text_is_escaped) {
    LossWorld world;
    const std::string odd = "/var/log/\xff\\\".log";
    world.apps.write(odd, "a line\n");
    world.start();
    world.until_scanned();
    world.stop_reading();
    world.apps.write(odd, "another\n");
    world.pass(2s);
    world.apps.rewrite(odd, "");
    world.link->queue_max = 16;
    world.files->room();
    world.until_told(1);
    BOOST_TEST(world.record().text("path") == "/var/log/\\xff\\\\\".log");
    BOOST_TEST(world.collector.losses.front().record.header("lb.path") == odd);
}

BOOST_AUTO_TEST_CASE(the_new_content_is_not_read_before_the_loss_is_acknowledged) {
    LossWorld world;
    world.lose_ten_lines();
    world.read_in_vain();
    world.pass(60s);
    BOOST_TEST(world.link->waiting_count() == 1u);  // the record
    BOOST_TEST(world.remembered().generation == 0u);
    BOOST_TEST(world.remembered().offset == static_cast<std::uint64_t>(size_100));
    BOOST_TEST(world.remembered().identity.size_seen == static_cast<std::uint64_t>(size_110));
    BOOST_TEST(!world.files->is_drained());
    // Another file does not wait for it (law 8).
    world.apps.write("/var/log/other.log", "a line\n");
    world.pass(2s);
    BOOST_TEST(world.link->waiting_count() == 2u);
    world.link->release();
    world.check({ten_lines}, numbers(0, 100) + Lines{"new"});
    BOOST_TEST(world.remembered().generation == 1u);
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(ten_lines.bytes));
}

BOOST_AUTO_TEST_CASE(an_agent_that_is_killed_before_it_has_told_finds_the_loss_again) {
    LossWorld world;
    world.lose_ten_lines();
    world.read_in_vain();
    world.kill();
    world.start();
    world.check({ten_lines}, numbers(0, 100) + Lines{"new"});
}

BOOST_AUTO_TEST_CASE(an_agent_that_is_killed_before_it_hears_that_it_was_told_tells_nothing_new) {
    for (const Nanos later : {Nanos(0), Nanos(1ms), Nanos(20ms), Nanos(300ms)}) {
        LossWorld world;
        world.lose_ten_lines();
        world.read_in_vain();  // what the checkpoint says by then is on disk
        world.link->release();
        world.until_told(1);
        world.pass(later);
        world.kill();
        world.start();
        world.check({ten_lines}, numbers(0, 100) + Lines{"new"});
        BOOST_TEST(world.collector.rejects == 0u);
    }
}

BOOST_AUTO_TEST_CASE(what_was_handed_out_before_a_cut_is_awaited_and_lost_if_it_is_not_taken) {
    LossWorld world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(100, 105));
    world.pass(2s);
    world.stop_reading();
    world.apps.write(app_log, numbered(105, 110));
    world.pass(2s);
    world.apps.rewrite(app_log, "new\n");
    world.pass(2s);
    world.link->queue_max = 16;
    world.files->room();
    world.pass(2s);
    BOOST_TEST(world.link->waiting_count() == 1u);  // lines 100 to 104: the record waits for them
    BOOST_TEST(world.remembered().generation == 0u);
    // Killed now, what was handed out has no other place than the agent's memory.
    world.kill();
    world.start();
    world.check({ten_lines}, numbers(0, 100) + Lines{"new"});
}

BOOST_AUTO_TEST_CASE(a_file_is_begun_anew_only_when_all_that_was_read_of_it_has_been_taken) {
    // Nothing is lost yet: it is if the agent is killed.
    LossWorld world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(100, 110));
    world.pass(2s);
    world.apps.rewrite(app_log, "new\n");
    world.pass(5s);
    BOOST_TEST(world.link->waiting_count() == 1u);
    BOOST_TEST(world.remembered().generation == 0u);
    BOOST_TEST(world.metric(lost_bytes) == 0);
    world.link->release();
    world.check({}, numbers(0, 110) + Lines{"new"});
    BOOST_TEST(world.remembered().generation == 1u);
    BOOST_TEST(world.metric(lost_bytes) == 0);
}

BOOST_AUTO_TEST_CASE(what_was_taken_before_a_crash_is_not_told_as_lost) {
    // The checkpoint is behind; the collector's position says how much was lost.
    LossWorld world;
    world.begin();
    world.link->hold();
    world.apps.write(app_log, numbered(100, 105));
    world.pass(2s);
    world.stop_reading();
    world.apps.write(app_log, numbered(105, 110));
    world.pass(2s);
    world.apps.rewrite(app_log, "new\n");
    world.pass(3s);
    world.link->release();
    world.until([&world] { return world.collector.taken.size() == 105u; });
    const double counted_before = world.metric(lost_bytes);
    world.kill();
    world.start_alone();
    world.pass(5s);
    BOOST_TEST(world.metric(lost_bytes) == counted_before);  // nobody can tell how much it was
    world.meet();
    const std::int64_t from = size_of(numbered(0, 105));
    world.check({{0, from, size_110, size_110 - from}}, numbers(0, 105) + Lines{"new"});
    BOOST_TEST(world.metric(lost_bytes) == counted_before + static_cast<double>(size_110 - from));
}

BOOST_AUTO_TEST_CASE(a_part_that_was_told_before_is_not_told_again) {
    LossWorld world;
    world.lose_ten_lines();
    const std::int64_t middle = size_of(numbered(0, 104));
    ModelCollector::Known& known =
        world.collector.known[batch::derived_id(world.stream(), record::loss_topic)];
    known.topic = record::loss_topic;
    known.to = {0, static_cast<std::uint64_t>(middle)};
    world.link->queue_max = 16;
    world.files->room();
    world.check({{0, middle, size_110, size_110 - middle}}, numbers(0, 100) + Lines{"new"});
    BOOST_TEST(world.collector.rejects == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_vanished_is_remembered_until_that_is_told) {
    for (const bool is_killed : {false, true}) {
        LossWorld world;
        world.begin();
        world.stop_reading();
        world.apps.write(app_log, numbered(100, 110));
        world.pass(2s);
        world.link->hold();
        world.kill();
        world.apps.remove(app_log);
        world.start_alone();
        world.link->hold();
        world.meet();
        world.pass(5s);
        BOOST_TEST(world.link->waiting_count() == 1u);
        BOOST_TEST(world.remembered().gone_since_ms == 0);
        if (is_killed) {
            world.link->release();
            world.until_told(1);
            world.kill();
            world.start();
        }
        world.link->release();
        Told expected = ten_lines;
        expected.reason = "vanished_unread";
        world.check({expected}, numbers(0, 100));
        BOOST_TEST(world.remembered().gone_since_ms != 0);
        BOOST_TEST(world.metric(lost_bytes) >= static_cast<double>(ten_lines.bytes));
    }
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_behind_the_position_is_told_before_anything_behind_it) {
    for (const bool is_killed : {false, true}) {
        LossWorld world;
        world.begin();
        world.stop_reading();
        world.apps.write(app_log, numbered(100, 110));
        world.pass(2s);
        world.apps.truncate(app_log, static_cast<std::uint64_t>(size_of(numbered(0, 105))));
        world.pass(2s);
        world.read_in_vain();
        BOOST_TEST(world.link->waiting_count() == 1u);
        if (is_killed) {
            world.link->release();
            world.until_told(1);
            world.kill();
            world.start();
        }
        world.link->release();
        world.apps.write(app_log, numbered(105, 107, "new "));
        const std::int64_t from = size_of(numbered(0, 105));
        world.check(
            {{0, from, size_110, size_110 - from}}, numbers(0, 105) + numbers(105, 107, "new ")
        );
    }
}

BOOST_AUTO_TEST_CASE(
    what_the_collector_lost_of_an_earlier_generation_is_told_though_the_agent_restarts
) {
    for (const bool is_restarted : {false, true}) {
        LossWorld world;
        world.begin();
        world.apps.rewrite(app_log, "new\n");
        world.until([&world] { return world.collector.taken.size() == 101u; });
        world.pass(3s);
        const std::int64_t kept = size_of(numbered(0, 40));
        world.collector.known[world.stream()].to = {0, static_cast<std::uint64_t>(kept)};
        world.collector.known[world.stream()].tail = {};
        if (is_restarted) {
            world.stop();
            world.start();
        } else {
            world.files->rewind(world.stream(), {0, static_cast<std::uint64_t>(kept)});
        }
        world.check({{0, kept, size_100, size_100 - kept}}, numbers(0, 100) + Lines{"new", "new"});
    }
}

BOOST_AUTO_TEST_CASE(losses_that_pile_up_while_no_collector_answers_are_told_as_two) {
    LossWorld world;
    world.begin();
    world.stop_reading();
    std::int64_t size = 0;
    for (int i = 1; i <= 5; ++i) {
        const std::string text = numbered(0, 10 * i, "content " + std::to_string(i) + " ");
        size += size_of(text);
        world.apps.rewrite(app_log, text);
        world.pass(2s);
    }
    world.apps.rewrite(app_log, "last\n");
    world.pass(2s);
    world.link->queue_max = 16;
    world.files->room();
    BOOST_TEST(
        world.lines_of(app_log, 101) == numbers(0, 100) + Lines{"last"},
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.told().size() == 2u);
    std::int64_t bytes = 0;
    for (const Told& one : world.told()) {
        bytes += one.bytes;
    }
    BOOST_TEST(bytes == size);
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(size));
}

BOOST_AUTO_TEST_CASE(where_losses_cannot_be_told_only_the_files_that_lost_something_wait) {
    LossWorld world;
    world.begin();
    world.stop_reading();
    world.apps.write(app_log, numbered(100, 110));
    world.pass(2s);
    world.kill();
    world.apps.rewrite(app_log, "new\n");
    world.start_alone();
    world.files->begin(world.collector.positions({"logs", "other"}, 64));
    world.apps.write("/var/log/other.log", "a line\n");
    BOOST_TEST(world.lines_of("/var/log/other.log", 1) == Lines{"a line"});
    BOOST_TEST(world.lines_now(app_log) == numbers(0, 100), boost::test_tools::per_element());
    BOOST_TEST(world.metric(lost_bytes) == static_cast<double>(ten_lines.bytes));
    world.files->begin(world.collector.positions({std::string(record::loss_topic)}, 64));
    world.check({ten_lines}, numbers(0, 100) + Lines{"new"});
}

BOOST_AUTO_TEST_SUITE_END()
