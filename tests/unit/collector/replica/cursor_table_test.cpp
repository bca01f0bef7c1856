#define BOOST_TEST_MODULE collector_replica
#include "collector/replica/cursor_table.h"

#include "tests/unit/collector/replica/agent_batch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Verdict = CursorTable::Verdict;

const Id128 agent = id_of(0xaa);
const Id128 stream = id_of(1);

/// A table in which the stream has come to 200, by a batch that ends at offset 9.
CursorTable table_at_200() {
    CursorTable table;
    table.advance(cursor_of(stream, 100, 200), Offset(9));
    table.settle(Offset(10));
    return table;
}

std::uint64_t to_of(const CursorTable& table, const Id128& id = stream) {
    const KnownPosition* const known = table.find(agent, id);
    BOOST_REQUIRE(known != nullptr);
    return known->to;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cursor_table)

// --- Snapshots -----------------------------------------------------------------------------------

namespace {

Buffer encoded(const CursorTable& table, const std::int64_t end = 1000) {
    Buffer bytes;
    table.encode(Offset(end), bytes);
    return bytes;
}

/// A table of three streams, one of which says which file it is.
CursorTable table_of_three() {
    CursorTable table;
    record::SourceCursor named = cursor_of(id_of(2), 0, 50);
    named.identity.emplace().path_seen = "/var/log/app.log";
    named.identity->ino = 77;
    table.advance(cursor_of(id_of(3), 0, 10), Offset(0));
    table.advance(named, Offset(4));
    table.advance(cursor_of(id_of(1), 100, 200), Offset(9));
    table.settle(Offset(10));
    return table;
}

}  // namespace

BOOST_AUTO_TEST_CASE(bytes_that_are_cut_or_not_in_order_are_no_table) {
    const Buffer good = encoded(table_of_three());
    for (std::size_t size = 1; size < good.size(); ++size) {
        const Result<CursorTable> cut = CursorTable::decode(good.view().first(size));
        // Whole entries are a table; the snapshot around them knows their number of bytes.
        BOOST_REQUIRE((!cut || cut->size() < 3));
    }
    Buffer twice = encoded(table_of_three());
    twice.append(good.view());
    BOOST_TEST((CursorTable::decode(twice.view()).code() == ErrorCode::malformed));
    BOOST_TEST((CursorTable::decode(good.view(), 2).code() == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(a_table_comes_back_with_all_that_is_known_of_its_streams) {
    const CursorTable table = table_of_three();
    const Buffer bytes = encoded(table);
    Result<CursorTable> restored = CursorTable::decode(bytes.view());
    BOOST_REQUIRE(restored.has_value());
    BOOST_TEST((restored->streams_of(agent) == table.streams_of(agent)));
    BOOST_TEST(restored->epoch_of(agent) == 1u);
    BOOST_TEST((restored->judge(cursor_of(id_of(1), 100, 200)) == Verdict::duplicate));
    BOOST_TEST((restored->judge(cursor_of(id_of(1), 200, 201)) == Verdict::append));
    BOOST_TEST((as_text(encoded(*restored).view()) == as_text(bytes.view())));
    BOOST_TEST(CursorTable::decode(ByteView())->size() == 0u);
    // Who was silent for longest is known, too.
    restored = CursorTable::decode(bytes.view(), 3);
    restored->advance(cursor_of(id_of(4), 0, 1), Offset(10));
    BOOST_TEST(restored->find(agent, id_of(3)) == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_not_written_yet_does_not_show_in_a_snapshot) {
    CursorTable table = table_of_three();
    table.advance(cursor_of(id_of(1), 200, 300), Offset(11));
    table.advance(cursor_of(id_of(1), 300, 400), Offset(12));
    table.advance(cursor_of(id_of(5), 0, 9), Offset(13));
    table.expect(cursor_of(id_of(6), 0, 9));
    const auto to_at = [&table](const std::int64_t end, const std::uint8_t id) -> std::int64_t {
        const Result<CursorTable> restored = CursorTable::decode(encoded(table, end).view());
        BOOST_REQUIRE(restored.has_value());
        const KnownPosition* const known = restored->find(agent, id_of(id));
        return known == nullptr ? -1 : static_cast<std::int64_t>(known->to);
    };
    BOOST_TEST(to_at(10, 1) == 200);
    BOOST_TEST(to_at(12, 1) == 300);
    BOOST_TEST(to_at(13, 1) == 400);
    BOOST_TEST(to_at(13, 5) == -1);
    BOOST_TEST(to_at(14, 5) == 9);
    BOOST_TEST(to_at(14, 6) == -1);  // no batch of it was ever taken
    BOOST_TEST(to_of(table, id_of(1)) == 400u);
}

// Made from the description in LAYOUT.md by a program that shares no code with ours.
BOOST_AUTO_TEST_CASE(a_table_has_exactly_these_bytes) {
    CursorTable table;
    record::SourceCursor cursor = cursor_of(stream, 100, 200);
    cursor.identity.emplace().path_seen = "/a";
    table.advance(cursor, Offset(9));
    BOOST_TEST(
        to_hex(encoded(table).view())
        == "0000003e0a10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa10011a10010101010101"
           "01010101010101010101200128c801300938044178050000000000004a044202"
           "2f61"
    );
}

// --- The rules -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(rule_1_an_older_run_of_the_agent_is_fenced_whatever_it_sends) {
    CursorTable table;
    record::SourceCursor newer = cursor_of(stream, 100, 200);
    newer.agent_epoch = 5;
    table.advance(newer, Offset(9));
    for (const auto& [from, to] : {std::pair(200, 300), std::pair(100, 200), std::pair(400, 500)}) {
        record::SourceCursor older =
            cursor_of(stream, static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(to));
        older.agent_epoch = 4;
        older.gap_reason = record::GapReason::lost;
        BOOST_TEST((table.judge(older) == Verdict::fenced));
    }
    record::SourceCursor same = cursor_of(stream, 200, 300);
    same.agent_epoch = 5;
    BOOST_TEST((table.judge(same) == Verdict::append));
    same.agent_epoch = 6;
    BOOST_TEST((table.judge(same) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(rule_2_what_begins_at_the_position_or_is_unknown_is_appended) {
    const CursorTable table = table_at_200();
    BOOST_TEST((table.judge(cursor_of(stream, 200, 201)) == Verdict::append));
    BOOST_TEST((table.judge(cursor_of(id_of(2), 5000, 6000)) == Verdict::append));
    record::SourceCursor other_agent = cursor_of(stream, 5000, 6000);
    other_agent.agent_id = id_of(0xbb);
    BOOST_TEST((table.judge(other_agent) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(rule_3_what_ends_at_the_position_or_below_is_a_duplicate) {
    const CursorTable table = table_at_200();
    BOOST_TEST((table.judge(cursor_of(stream, 100, 200)) == Verdict::duplicate));
    BOOST_TEST((table.judge(cursor_of(stream, 0, 50)) == Verdict::duplicate));
    BOOST_TEST((table.judge(cursor_of(stream, 200, 200)) == Verdict::duplicate));
    record::SourceCursor past_generation = cursor_of(stream, 5000, 6000);
    past_generation.generation = 0;
    BOOST_TEST((table.judge(past_generation) == Verdict::duplicate));
}

BOOST_AUTO_TEST_CASE(rule_4_what_begins_below_and_ends_above_overlaps_also_with_a_reason) {
    const CursorTable table = table_at_200();
    BOOST_TEST((table.judge(cursor_of(stream, 199, 201)) == Verdict::overlap));
    record::SourceCursor with_reason = cursor_of(stream, 0, 300);
    with_reason.gap_reason = record::GapReason::lost;
    BOOST_TEST((table.judge(with_reason) == Verdict::overlap));
}

BOOST_AUTO_TEST_CASE(rule_5_what_begins_above_is_a_gap_unless_it_has_a_reason) {
    const CursorTable table = table_at_200();
    record::SourceCursor above = cursor_of(stream, 201, 300);
    BOOST_TEST((table.judge(above) == Verdict::gap));
    for (const record::GapReason reason :
         {record::GapReason::truncated,
          record::GapReason::lost,
          record::GapReason::new_generation}) {
        above.gap_reason = reason;
        BOOST_TEST((table.judge(above) == Verdict::append));
    }
    // The content after a truncation: a position below the known one in a new generation.
    record::SourceCursor next_generation = cursor_of(stream, 0, 50);
    next_generation.generation = 2;
    BOOST_TEST((table.judge(next_generation) == Verdict::gap));
    next_generation.gap_reason = record::GapReason::truncated;
    BOOST_TEST((table.judge(next_generation) == Verdict::append));
}

// --- Positions -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_position_is_that_of_the_last_batch_with_the_last_identity_that_was_sent) {
    CursorTable table;
    record::SourceCursor first = cursor_of(stream, 0, 100);
    first.identity.emplace().ino = 77;
    table.advance(first, Offset(4));
    record::SourceCursor second = cursor_of(stream, 100, 250);
    second.agent_epoch = 2;
    second.generation = 3;
    table.advance(second, Offset(6));
    const KnownPosition& known = *table.find(agent, stream);
    BOOST_TEST(known.agent_epoch == 2u);
    BOOST_TEST(known.generation == 3u);
    BOOST_TEST(known.to == 250u);
    BOOST_TEST(known.last_offset.value == 6);
    BOOST_TEST(known.tail_hash == 250u * 7);
    BOOST_TEST(known.identity->ino == 77u);
}

BOOST_AUTO_TEST_CASE(dropped_batches_take_the_positions_back_in_the_order_in_which_they_came) {
    CursorTable table = table_at_200();
    const KnownPosition before = *table.find(agent, stream);
    table.advance(cursor_of(stream, 200, 300), Offset(10));
    table.advance(cursor_of(id_of(2), 0, 10), Offset(11));
    table.advance(cursor_of(stream, 300, 400), Offset(12));
    table.roll_back(Offset(11));
    BOOST_TEST(to_of(table) == 300u);
    table.roll_back(Offset(10));
    BOOST_TEST((*table.find(agent, stream) == before));
    table.roll_back(Offset(0));  // what was written stays
    BOOST_TEST((*table.find(agent, stream) == before));
}

BOOST_AUTO_TEST_CASE(a_stream_whose_first_batch_was_dropped_begins_at_it_and_not_behind) {
    CursorTable table;
    table.advance(cursor_of(stream, 100, 200), Offset(0));
    table.advance(cursor_of(stream, 200, 300), Offset(1));
    table.roll_back(Offset(0));
    BOOST_TEST(to_of(table) == 100u);
    BOOST_TEST((table.judge(cursor_of(stream, 200, 300)) == Verdict::gap));
    BOOST_TEST((table.judge(cursor_of(stream, 100, 200)) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(an_unknown_stream_whose_batch_was_refused_begins_at_it_and_not_behind) {
    CursorTable table;
    table.expect(cursor_of(stream, 100, 200));
    BOOST_TEST(to_of(table) == 100u);
    BOOST_TEST((table.judge(cursor_of(stream, 200, 300)) == Verdict::gap));
    BOOST_TEST((table.judge(cursor_of(stream, 100, 200)) == Verdict::append));
    CursorTable known = table_at_200();
    known.expect(cursor_of(stream, 500, 600));
    BOOST_TEST(to_of(known) == 200u);
}

BOOST_AUTO_TEST_CASE(written_batches_do_not_go_back) {
    CursorTable table = table_at_200();
    table.advance(cursor_of(stream, 200, 300), Offset(10));
    table.advance(cursor_of(stream, 300, 400), Offset(11));
    table.settle(Offset(11));
    table.roll_back(Offset(10));
    BOOST_TEST(to_of(table) == 300u);
}

BOOST_AUTO_TEST_CASE(offsets_that_are_given_anew_are_taken_anew) {
    CursorTable table;
    for (int round = 0; round < 3; ++round) {
        table.advance(cursor_of(stream, 0, 100), Offset(0));
        table.roll_back(Offset(0));
    }
    table.advance(cursor_of(id_of(2), 0, 100), Offset(0));
    table.settle(Offset(1));
    table.advance(cursor_of(stream, 0, 50), Offset(1));
    BOOST_TEST(to_of(table) == 50u);
    BOOST_TEST(to_of(table, id_of(2)) == 100u);
}

BOOST_AUTO_TEST_CASE(the_stream_that_was_silent_for_longest_is_forgotten_first) {
    CursorTable table(3);
    for (std::uint8_t i = 1; i <= 3; ++i) {
        table.advance(cursor_of(id_of(i), 0, 10), Offset(i));
    }
    table.advance(cursor_of(id_of(1), 10, 20), Offset(4));  // it speaks again
    table.advance(cursor_of(id_of(9), 0, 10), Offset(5));
    BOOST_TEST(table.size() == 3u);
    BOOST_TEST(table.find(agent, id_of(2)) == nullptr);
    BOOST_TEST(table.find(agent, id_of(1)) != nullptr);
    BOOST_TEST((table.judge(cursor_of(id_of(2), 10, 20)) == Verdict::append));
}

BOOST_AUTO_TEST_CASE(streams_that_never_sent_a_good_batch_are_forgotten_before_the_others) {
    CursorTable table(3);
    table.advance(cursor_of(id_of(1), 0, 10), Offset(0));
    table.advance(cursor_of(id_of(2), 0, 10), Offset(1));
    for (std::uint8_t i = 10; i < 200; ++i) {
        table.expect(cursor_of(id_of(i), 0, 10));
        BOOST_REQUIRE(table.size() == 3u);
    }
    BOOST_TEST(table.find(agent, id_of(1)) != nullptr);
    BOOST_TEST(table.find(agent, id_of(2)) != nullptr);
}

BOOST_AUTO_TEST_CASE(the_streams_of_an_agent_are_listed_by_id_page_by_page) {
    CursorTable table;
    std::int64_t offset = 0;
    for (const unsigned i : {7u, 3u, 9u, 1u}) {
        record::SourceCursor cursor = cursor_of(id_of(static_cast<std::uint8_t>(i)), 0, 10);
        cursor.agent_epoch = i;
        table.advance(cursor, Offset(offset++));
    }
    for (const unsigned other : {0xa9u, 0xabu}) {
        record::SourceCursor cursor = cursor_of(id_of(5), 0, 10);
        cursor.agent_id = id_of(static_cast<std::uint8_t>(other));
        cursor.agent_epoch = 99;
        table.advance(cursor, Offset(offset++));
    }
    const std::vector<CursorTable::Stream> all = table.streams_of(agent);
    BOOST_REQUIRE(all.size() == 4u);
    BOOST_TEST((all[0].id == id_of(1)));
    BOOST_TEST((all[3].id == id_of(9)));
    const std::vector<CursorTable::Stream> page = table.streams_of(agent, id_of(1), 2);
    BOOST_REQUIRE(page.size() == 2u);
    BOOST_TEST((page[0].id == id_of(3)));
    BOOST_TEST((page[1].id == id_of(7)));
    BOOST_TEST(table.streams_of(agent, id_of(9)).empty());
    BOOST_TEST(table.epoch_of(agent) == 9u);
    BOOST_TEST(table.epoch_of(id_of(0xee)) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
