#include "agent/batch/batcher.h"

#include "tests/unit/agent/batch/batch_bench.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::batch;
using namespace logboom::tests;

namespace {

using Values = std::vector<std::string>;

BatchOptions options_of(const std::uint32_t batch_bytes_max) {
    BatchOptions options;
    options.batch_bytes_max = batch_bytes_max;
    options.host = "web-01";
    return options;
}

/// The bytes [from, to) that each batch says to cover join on to those before, from `begin` to `end`.
void check_ranges(
    const std::vector<ship::SealedBatch>& batches,
    const std::uint64_t begin,
    const std::uint64_t end
) {
    std::uint64_t at = begin;
    for (const ship::SealedBatch& batch : batches) {
        BOOST_TEST(batch.from == at);
        BOOST_TEST(batch.to > batch.from);
        const record::SourceCursor cursor = read_batch(batch.bytes.view()).cursor;
        BOOST_TEST(cursor.from == batch.from);
        BOOST_TEST(cursor.to == batch.to);
        at = batch.to;
    }
    BOOST_TEST(at == end);
}

std::string random_file(Rng& rng) {
    std::string file;
    while (file.size() < 4000) {
        const std::uint64_t size = rng.chance(0.3) ? 0 : rng.below(rng.chance(0.1) ? 400 : 60);
        for (std::uint64_t i = 0; i < size; ++i) {
            file += static_cast<char>('a' + rng.below(26));
        }
        file += '\n';
    }
    return file;
}

/// What a file's lines are with the options, and where the last record or passed-over byte ends.
struct Reference {
    Values values;
    std::uint64_t end = 0;

    void add(const ByteView value, const std::uint64_t to) {
        values.emplace_back(as_text(value));
        end = to;
    }
    void add_marked(const ByteView value, const std::uint64_t to, const parse::LineMarks&) {
        add(value, to);
    }
    void pass(const std::uint64_t to) { end = to; }
};

/// As a tailer does: the beginning of a line that is cut, with the bytes before its end in sight.
void show_head(const std::string& file, parse::LineSplitter& splitter, Batcher& batcher) {
    const parse::CutLine line = *splitter.awaited();
    const std::size_t before = std::min<std::size_t>(tail_bytes_max, line.end);
    batcher.look_at(as_bytes(file).subspan(line.end - before, before), line.end - before);
    splitter.finish_cut(as_bytes(file).subspan(line.begin, line.head_bytes), batcher);
    batcher.look_away();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batcher)

BOOST_AUTO_TEST_CASE(a_small_batch_is_sealed_when_it_is_old_enough) {
    // D16: 200 ms after its first line was read.
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/var/log/app.log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    add_line(batcher, "one");
    bench.machine.run_for(150ms);
    add_line(batcher, "two");
    bench.machine.run_for(49ms);
    BOOST_TEST(bench.kept.batches.size() == 0u);
    bench.machine.run_for(2ms);
    BOOST_REQUIRE(bench.kept.batches.size() == 1u);
    BOOST_TEST(bench.kept.values() == (Values{"one", "two"}), boost::test_tools::per_element());
    BOOST_TEST(!batcher.is_open());
}

BOOST_AUTO_TEST_CASE(a_batch_is_sealed_as_soon_as_it_covers_enough_of_its_source) {
    // D16: raw bytes of the source, line ends counted in.
    BatchBench bench(options_of(1024));
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    for (int i = 0; i < 63; ++i) {
        add_line(batcher, std::string(15, 'x'));
    }
    BOOST_TEST(bench.kept.batches.size() == 0u);
    add_line(batcher, std::string(15, 'x'));
    BOOST_REQUIRE(bench.kept.batches.size() == 1u);
    BOOST_TEST(bench.kept.batches[0].to == 1024u);
    BOOST_TEST(bench.kept.batches[0].records_count == 64);
}

BOOST_AUTO_TEST_CASE(a_longer_line_is_alone_in_its_batch_and_keeps_its_place) {
    // D16.
    BatchBench bench(options_of(1024));
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    add_line(batcher, "before");
    add_line(batcher, std::string(5000, 'l'));
    add_line(batcher, "after");
    batcher.seal();
    BOOST_REQUIRE(bench.kept.batches.size() == 3u);
    BOOST_TEST(bench.kept.batches[1].records_count == 1);
    BOOST_TEST(
        bench.kept.values() == (Values{"before", std::string(5000, 'l'), "after"}),
        boost::test_tools::per_element()
    );
    check_ranges(bench.kept.batches, 0, batcher.position().offset);
}

BOOST_AUTO_TEST_CASE(lines_shorter_than_their_headers_fill_a_batch_by_what_they_cost) {
    BatchOptions options = options_of(1024);
    options.host = std::string(200, 'h');
    BatchBench bench(options);
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    for (int i = 0; i < 200; ++i) {
        add_line(batcher, "");
    }
    batcher.seal();
    BOOST_TEST(bench.kept.batches.size() > 5u);
    for (const ship::SealedBatch& batch : bench.kept.batches) {
        BOOST_TEST(batch.records_count * 200 <= 4 * 1024 + 200);
    }
    check_ranges(bench.kept.batches, 0, 200);
}

BOOST_AUTO_TEST_CASE(the_ranges_of_batches_join_whatever_is_dropped) {
    // The ranges are how a collector knows that nothing is missing: rules 2 to 5 of agent-design 3.1.
    Rng rng(5);
    for (int round = 0; round < 60; ++round) {
        const std::string file = random_file(rng);
        parse::SplitOptions split;
        split.line_bytes_max = 100;
        constexpr std::array modes{
            parse::LongLine::split, parse::LongLine::truncate, parse::LongLine::drop};
        split.on_long_line = modes[rng.below(modes.size())];
        split.drop_empty = rng.chance(0.7);
        Reference reference;
        parse::LineSplitter whole(split);
        static_cast<void>(whole.feed(as_bytes(file), 0, reference));

        BatchBench bench(options_of(static_cast<std::uint32_t>(100 + rng.below(1000))));
        NamedBatcher batcher(bench.room, id_of(7), "/log");
        batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
        parse::LineSplitter splitter(split);
        std::size_t at = 0;
        std::size_t visible = 0;
        while (at < file.size()) {
            visible = std::min(file.size(), visible + 1 + rng.below(700));
            const ByteView block = as_bytes(file).subspan(at, visible - at);
            batcher.look_at(block, at);
            at += splitter.feed(block, at, batcher);
            batcher.look_away();
            if (splitter.awaited()) {
                show_head(file, splitter, batcher);
            }
            bench.machine.run_for(Millis(rng.below(120)));
        }
        add_line(batcher, "the end");  // so that what was passed over last is covered
        batcher.seal();
        reference.values.emplace_back("the end");

        BOOST_TEST_CONTEXT("round " << round) {
            BOOST_TEST(bench.kept.values() == reference.values, boost::test_tools::per_element());
            check_ranges(bench.kept.batches, 0, reference.end + 8);
            for (const ship::SealedBatch& batch : bench.kept.batches) {
                const std::string all = file + "the end\n";
                BOOST_REQUIRE(batch.tail.size > 0u);
                const ByteView before = as_bytes(all).first(batch.to);
                BOOST_TEST(batch.tail.hash == bench.hash(before.last(batch.tail.size)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(bytes_without_records_make_no_batch_and_are_covered_by_the_next) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position{0, 100}, Tail(), record::GapReason::none);
    batcher.pass(150);
    batcher.seal();
    bench.machine.run_for(1s);
    BOOST_TEST(bench.kept.batches.size() == 0u);
    BOOST_TEST(batcher.position().offset == 150u);
    BOOST_TEST(batcher.sealed_to() == 100u);
    add_line(batcher, "then a line");
    batcher.seal();
    check_ranges(bench.kept.batches, 100, 162);
    BOOST_TEST(batcher.sealed_to() == 162u);
}

BOOST_AUTO_TEST_CASE(beginning_elsewhere_drops_what_was_open) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position{0, 0}, Tail(), record::GapReason::none);
    add_line(batcher, "dropped");
    batcher.begin_at(ship::Position{0, 0}, Tail(), record::GapReason::none);
    BOOST_TEST(!batcher.is_open());
    BOOST_TEST(bench.room.open_count() == 0u);
    add_line(batcher, "read again");
    bench.machine.run_for(1s);
    BOOST_TEST(bench.kept.values() == Values{"read again"}, boost::test_tools::per_element());
    check_ranges(bench.kept.batches, 0, 11);
}

BOOST_AUTO_TEST_CASE(a_new_generation_is_told_once_as_a_gap) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position{3, 0}, Tail(), record::GapReason::new_generation);
    add_line(batcher, "first");
    batcher.seal();
    add_line(batcher, "second");
    batcher.seal();
    BOOST_REQUIRE(bench.kept.batches.size() == 2u);
    BOOST_TEST(bench.kept.batches[0].generation == 3u);
    BOOST_TEST(bench.kept.batches[0].has_gap);
    BOOST_TEST(!bench.kept.batches[1].has_gap);
    const record::SourceCursor cursor = read_batch(bench.kept.batches[0].bytes.view()).cursor;
    BOOST_TEST((cursor.gap_reason == record::GapReason::new_generation));
    BOOST_TEST(cursor.generation == 3u);
}

BOOST_AUTO_TEST_CASE(each_record_carries_the_headers_that_were_chosen) {
    BatchOptions options;
    options.host = "web-01";
    options.headers = {"lb.host", "lb.path", "lb.src", "lb.agent"};
    BatchBench bench(options);
    NamedBatcher batcher(bench.room, id_of(7), "/var/log/\xFFodd.log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    add_line(batcher, "a");
    add_line(batcher, "b");
    batcher.seal();
    const ReadBatch batch = read_batch(bench.kept.batches.at(0).bytes.view());
    for (const ReadRecord& record : batch.records) {
        BOOST_TEST(record.headers->size() == 4u);
        BOOST_TEST(record.header("lb.host") == "web-01");
        BOOST_TEST(record.header("lb.path") == "/var/log/\xFFodd.log");  // T7: bytes, as they are
        BOOST_TEST(record.header("lb.src") == "file");
        BOOST_TEST(record.header("lb.agent") == to_hex(id_of(1)));
    }
    BatchOptions bare;
    bare.headers.clear();
    BatchBench other(bare);
    NamedBatcher quiet(other.room, id_of(8), "/log");
    quiet.begin_at(ship::Position(), Tail(), record::GapReason::none);
    add_line(quiet, "a");
    quiet.seal();
    BOOST_TEST(read_batch(other.kept.batches.at(0).bytes.view()).records.at(0).headers->empty());
}

BOOST_AUTO_TEST_CASE(marks_become_headers_of_their_record_alone) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    const std::string block = "abcd";
    batcher.look_at(as_bytes(block), 0);
    parse::LineMarks part;
    part.part = 2;
    part.part_last = true;
    batcher.add_marked(as_bytes("a"), 1, part);
    parse::LineMarks partial;
    partial.partial = true;
    partial.partial_continues = true;
    batcher.add_marked(as_bytes("b"), 2, partial);
    parse::LineMarks cut;
    cut.orig_bytes = 12345;
    batcher.add_marked(as_bytes("c"), 3, cut);
    batcher.add(as_bytes("d"), 4);
    batcher.look_away();
    batcher.seal();
    const std::vector<ReadRecord> records =
        read_batch(bench.kept.batches.at(0).bytes.view()).records;
    BOOST_REQUIRE(records.size() == 4u);
    BOOST_TEST(records[0].header("lb.f.log.part") == "2");
    BOOST_TEST(records[0].header("lb.f.log.part_last") == "true");
    BOOST_TEST(!records[0].has("lb.f.log.partial"));
    BOOST_TEST(records[1].header("lb.f.log.partial") == "true");
    BOOST_TEST(records[1].header("lb.f.log.partial_continues") == "true");
    BOOST_TEST(!records[1].has("lb.f.log.part"));
    BOOST_TEST(records[2].header("lb.trunc") == "true");
    BOOST_TEST(records[2].header("lb.f.orig_bytes") == "12345");
    BOOST_TEST(records[3].headers->size() == 2u);  // lb.host and lb.path
}

BOOST_AUTO_TEST_CASE(a_cursor_names_the_agent_and_tells_a_new_identity_once) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    record::FileIdentity identity;
    identity.ino = 42;
    identity.path_seen = "/log";
    batcher.tell(identity);
    add_line(batcher, "first");
    batcher.seal();
    add_line(batcher, "second");
    batcher.seal();
    const ReadBatch first = read_batch(bench.kept.batches.at(0).bytes.view());
    BOOST_TEST((first.cursor.agent_id == id_of(1)));
    BOOST_TEST(first.cursor.agent_epoch == 5u);
    BOOST_TEST((first.cursor.stream == id_of(7)));
    BOOST_REQUIRE(first.cursor.identity.has_value());
    BOOST_TEST((*first.cursor.identity == identity));
    const ReadBatch second = read_batch(bench.kept.batches.at(1).bytes.view());
    BOOST_TEST(!second.cursor.identity.has_value());
}

BOOST_AUTO_TEST_CASE(an_identity_that_was_told_to_a_dropped_batch_is_told_by_the_next) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    record::FileIdentity identity;
    identity.ino = 42;
    batcher.tell(identity);
    add_line(batcher, "dropped");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    add_line(batcher, "first");
    batcher.seal();
    BOOST_TEST(read_batch(bench.kept.batches.at(0).bytes.view()).cursor.identity.has_value());
}

BOOST_AUTO_TEST_CASE(the_tail_at_the_end_of_a_batch_proves_its_position) {
    BatchBench bench;
    const std::string file = std::string(100, 'a') + "\n" + "bbb\n";
    NamedBatcher batcher(bench.room, id_of(7), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    batcher.look_at(as_bytes(file), 0);
    batcher.add(as_bytes(file).first(100), 101);
    batcher.look_away();
    bench.machine.run_for(1s);  // sealed while no block is there
    BOOST_REQUIRE(bench.kept.batches.size() == 1u);
    BOOST_TEST(bench.kept.batches[0].tail.size == 64u);
    BOOST_TEST(
        bench.kept.batches[0].tail.hash == bench.hash(as_bytes(std::string(63, 'a') + "\n"))
    );
}

BOOST_AUTO_TEST_CASE(compression_can_be_turned_off) {
    for (const bool compress : {false, true}) {
        BatchOptions options;
        options.compress = compress;
        BatchBench bench(options);
        NamedBatcher batcher(bench.room, id_of(7), "/log");
        batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
        add_line(batcher, std::string(5000, 'a'));
        batcher.seal();
        const ReadBatch batch = read_batch(bench.kept.batches.at(0).bytes.view());
        BOOST_TEST((batch.codec_id == codec::CodecId::lz4) == compress);
    }
}

BOOST_AUTO_TEST_SUITE_END()
