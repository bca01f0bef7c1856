#include "agent/batch/batch_room.h"

#include "tests/unit/agent/batch/batch_bench.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::batch;
using namespace logboom::tests;

namespace {

using Values = std::vector<std::string>;

std::unique_ptr<NamedBatcher> batcher_in(BatchBench& bench, const unsigned number) {
    auto batcher = std::make_unique<NamedBatcher>(bench.room, id_of(number), "/log");
    batcher->begin_at(ship::Position(), Tail(), record::GapReason::none);
    return batcher;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_room)

BOOST_AUTO_TEST_CASE(the_oldest_batch_is_sealed_when_too_many_are_open) {
    BatchOptions options;
    options.open_max = 3;
    BatchBench bench(options);
    std::vector<std::unique_ptr<NamedBatcher>> batchers;
    for (unsigned i = 0; i < 5; ++i) {
        batchers.push_back(batcher_in(bench, i));
        add_line(*batchers.back(), "of " + std::to_string(i));
        BOOST_TEST(bench.room.open_count() <= 3u);
    }
    BOOST_TEST(bench.room.open_count() == 3u);
    BOOST_TEST(bench.kept.values() == (Values{"of 0", "of 1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_that_grows_does_not_become_younger) {
    BatchOptions options;
    options.open_max = 2;
    BatchBench bench(options);
    const auto first = batcher_in(bench, 1);
    const auto second = batcher_in(bench, 2);
    const auto third = batcher_in(bench, 3);
    add_line(*first, "a");
    add_line(*second, "b");
    add_line(*first, "c");
    add_line(*third, "d");
    BOOST_TEST(bench.kept.values() == (Values{"a", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_batch_is_sealed_at_an_age_of_its_own) {
    BatchBench bench;
    const auto first = batcher_in(bench, 1);
    const auto second = batcher_in(bench, 2);
    add_line(*first, "a");
    bench.machine.run_for(120ms);
    add_line(*second, "b");
    bench.machine.run_for(82ms);
    BOOST_TEST(bench.kept.values() == Values{"a"}, boost::test_tools::per_element());
    bench.machine.run_for(116ms);
    BOOST_TEST(bench.kept.batches.size() == 1u);
    bench.machine.run_for(4ms);
    BOOST_TEST(bench.kept.values() == (Values{"a", "b"}), boost::test_tools::per_element());
    // And again after a while without any.
    bench.machine.run_for(10s);
    add_line(*first, "c");
    bench.machine.run_for(202ms);
    BOOST_TEST(bench.kept.batches.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_batcher_that_ends_takes_its_open_batch_with_it) {
    BatchBench bench;
    const auto other = batcher_in(bench, 2);
    add_line(*other, "stays");
    {
        const auto ended = batcher_in(bench, 1);
        add_line(*ended, "goes");
        BOOST_TEST(bench.room.open_count() == 2u);
    }
    BOOST_TEST(bench.room.open_count() == 1u);
    bench.machine.run_for(1s);
    BOOST_TEST(bench.kept.values() == Values{"stays"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sealing_everything_leaves_nothing_open_and_keeps_the_order_of_age) {
    BatchBench bench;
    std::vector<std::unique_ptr<NamedBatcher>> batchers;
    Values expected;
    for (unsigned i = 0; i < 7; ++i) {
        batchers.push_back(batcher_in(bench, 100 - i));
        expected.push_back(std::to_string(i));
        add_line(*batchers.back(), expected.back());
    }
    bench.room.seal_all();
    BOOST_TEST(bench.room.open_count() == 0u);
    BOOST_TEST(bench.kept.values() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_builder_that_was_used_before_brings_nothing_along) {
    BatchBench bench;
    const auto first = batcher_in(bench, 1);
    add_line(*first, "dropped");
    first->begin_at(ship::Position(), Tail(), record::GapReason::none);
    auto second = std::make_unique<NamedBatcher>(bench.room, id_of(2), "/other");
    second->begin_at(ship::Position(), Tail(), record::GapReason::none);
    add_line(*second, "kept");
    second->seal();
    const ReadBatch batch = read_batch(bench.kept.batches.at(0).bytes.view());
    BOOST_TEST(values_of(batch) == Values{"kept"}, boost::test_tools::per_element());
    BOOST_TEST(batch.records.at(0).header("lb.path") == "/other");
}

BOOST_AUTO_TEST_CASE(what_is_sealed_is_counted) {
    BatchBench bench;
    const auto batcher = batcher_in(bench, 1);
    add_line(*batcher, "12345");
    add_line(*batcher, "678");
    batcher->seal();
    add_line(*batcher, "9");
    batcher->seal();
    const std::string text = bench.registry.text();
    BOOST_TEST(
        text.find("logboom_agent_source_events_total{input=\"app\"} 3\n") != std::string::npos, text
    );
    BOOST_TEST(text.find("logboom_agent_record_value_bytes_total 9\n") != std::string::npos, text);
    BOOST_TEST(text.find("logboom_agent_batches_sealed_total 2\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(the_room_stops_although_batches_are_open) {
    BatchBench bench;
    const auto batcher = batcher_in(bench, 1);
    add_line(*batcher, "a");
    bench.machine.run(bench.room.stop());
    bench.machine.run_for(1s);
    BOOST_TEST(bench.kept.batches.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
