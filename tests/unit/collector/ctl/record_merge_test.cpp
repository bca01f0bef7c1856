#include "collector/ctl/record_merge.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace logboom;
using namespace logboom::ctl;

namespace {

constexpr SteadyTime start{};

HeldRecord record_at(const std::int64_t time_ms, const std::int64_t offset = 0) {
    RecordRow row;
    row.topic = "app";
    row.timestamp_ms = time_ms;
    row.offset = offset;
    return HeldRecord(row);
}

/// Times of what is due, an 'L' behind those that are late.
std::string due(RecordMerge& merge, const SteadyTime now) {
    std::string times;
    while (const auto record = merge.pop(now)) {
        times += (times.empty() ? "" : " ") + std::to_string(record->row().timestamp_ms);
        times += record->row().is_late ? "L" : "";
    }
    return times;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_merge)

BOOST_AUTO_TEST_CASE(a_record_lives_longer_than_the_batch_it_came_in) {
    std::string batch = "keyvaluelb.hostweb01";
    const std::string_view bytes = batch;
    RecordRow row;
    row.topic = "app";
    row.key = as_bytes(bytes.substr(0, 3));
    row.value = as_bytes(bytes.substr(3, 5));
    row.headers = {
        {bytes.substr(8, 7), as_bytes(bytes.substr(15))}, {bytes.substr(8, 2), std::nullopt}};
    HeldRecord held(row);
    batch.assign(batch.size(), '#');
    const HeldRecord moved = std::move(held);
    BOOST_TEST(as_text(moved.row().key.value()) == "key");
    BOOST_TEST(moved.row().text() == "value");
    BOOST_TEST(moved.row().header("lb.host").value() == "web01");
    BOOST_TEST(!moved.row().headers[1].value.has_value());
    BOOST_TEST(moved.size_bytes() == 22u);
}

BOOST_AUTO_TEST_CASE(a_backlog_comes_out_by_time_once_no_partition_has_more) {
    RecordMerge merge(500ms);
    merge.add_source();
    merge.add_source();
    merge.set_behind(0, true);
    merge.set_behind(1, true);
    merge.push(0, record_at(10), Age::backlog, start);
    merge.push(0, record_at(30), Age::backlog, start);
    BOOST_TEST(due(merge, start).empty());  // the other may bring an earlier one
    BOOST_TEST(!merge.due_at().has_value());
    merge.push(1, record_at(20), Age::backlog, start);
    BOOST_TEST(due(merge, start) == "10 20");  // and now a later one than 20, earlier than 30
    merge.set_behind(1, false);
    BOOST_TEST(due(merge, start) == "30");
    BOOST_TEST(merge.empty());
    BOOST_TEST(merge.backlog_count() == 0u);
}

BOOST_AUTO_TEST_CASE(what_arrives_waits_for_earlier_ones_of_other_partitions) {
    RecordMerge merge(500ms);
    merge.add_source();
    merge.add_source();
    merge.push(0, record_at(20), Age::live, start);
    BOOST_TEST(due(merge, start + 499ms).empty());
    BOOST_TEST((merge.due_at() == start + 500ms));
    merge.push(1, record_at(10), Age::live, start + 400ms);
    BOOST_TEST(due(merge, start + 899ms).empty());
    BOOST_TEST(due(merge, start + 900ms) == "10 20");
}

BOOST_AUTO_TEST_CASE(a_record_that_comes_too_late_is_shown_at_once_and_marked) {
    RecordMerge merge(500ms);
    merge.add_source();
    merge.add_source();
    merge.push(0, record_at(20), Age::live, start);
    BOOST_TEST(due(merge, start + 500ms) == "20");
    merge.push(1, record_at(10), Age::live, start + 501ms);
    BOOST_TEST(due(merge, start + 501ms) == "10L");
    merge.push(1, record_at(20), Age::live, start + 502ms);  // equal is not late
    BOOST_TEST(due(merge, start + 502ms).empty());
}

BOOST_AUTO_TEST_CASE(within_a_partition_offsets_keep_their_order_whatever_the_times) {
    RecordMerge merge(0ms);
    merge.add_source();
    for (std::int64_t offset = 0; const std::int64_t time : {50, 10, 50, 40}) {
        merge.push(0, record_at(time, offset++), Age::backlog, start);
    }
    BOOST_TEST(due(merge, start) == "50 10 50 40");
}

BOOST_AUTO_TEST_CASE(a_limit_and_an_end_know_what_was_not_shown) {
    RecordMerge merge(500ms);
    merge.add_source();
    BOOST_TEST(!merge.first_held(0).has_value());
    merge.push(0, record_at(1, 7), Age::live, start);
    merge.push(0, record_at(2, 8), Age::live, start);
    BOOST_TEST(merge.first_held(0).value() == 7);
    BOOST_TEST(merge.pop_any().value().row().offset == 7);
    BOOST_TEST(merge.first_held(0).value() == 8);
    BOOST_TEST(merge.pop_any().value().row().offset == 8);
    BOOST_TEST(!merge.pop_any().has_value());
    BOOST_TEST(merge.held_bytes(0) == 0u);
}

/// Random backlogs of several partitions against a sort that keeps each partition's order.
BOOST_AUTO_TEST_CASE(backlogs_with_ascending_times_come_out_sorted) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        std::mt19937 random(seed);
        RecordMerge merge(500ms);
        std::vector<std::deque<std::int64_t>> left(1 + random() % 5);
        std::vector<std::int64_t> all;
        for (auto& times : left) {
            std::int64_t time = 0;
            for (auto i = random() % 20; i > 0; --i) {
                time += static_cast<std::int64_t>(random() % 10);
                times.push_back(time);
                all.push_back(time);
            }
            merge.set_behind(merge.add_source(), !times.empty());
        }
        std::ranges::sort(all);
        std::vector<std::int64_t> shown;
        while (shown.size() < all.size()) {
            const std::size_t from = random() % left.size();
            for (auto i = random() % 4; i > 0 && !left[from].empty(); --i) {
                merge.push(from, record_at(left[from].front()), Age::backlog, start);
                left[from].pop_front();
            }
            merge.set_behind(from, !left[from].empty());
            while (const auto record = merge.pop(start)) {
                shown.push_back(record->row().timestamp_ms);
            }
        }
        BOOST_TEST(shown == all, "seed " << seed);
    }
}

BOOST_AUTO_TEST_SUITE_END()
