#include "agent/ship/lane.h"

#include "tests/unit/agent/read_batch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ship;
using logboom::tests::id_of;

namespace {

constexpr SteadyTime start{1000s};

rpc::BatchResult result_of(const rpc::ReplyStatus status) {
    rpc::BatchResult result;
    result.status = status;
    return result;
}

rpc::BatchResult rejected_at(const Position known) {
    rpc::BatchResult result = result_of(rpc::ReplyStatus::rejected_position);
    result.generation_known = known.generation;
    result.to_known = known.offset;
    return result;
}

/// A lane, the time, and what was sent: (number, from) of each.
struct LaneBench {
    Lane lane{id_of(1), "logs", "/log"};
    SteadyTime now = start;
    Rng rng{1};
    std::shared_ptr<ChunkPool> pool = ChunkPool::make(0);
    std::uint64_t end = 0;  // of what was pushed

    void push(
        const std::uint64_t size, const std::uint64_t generation = 0, const bool gap = false
    ) {
        SealedBatch batch;
        batch.stream = id_of(1);
        batch.generation = generation;
        end = gap ? 0 : end;
        batch.from = end;
        batch.to = end + size;
        batch.has_gap = gap;
        batch.tail = Tail{static_cast<std::uint32_t>(size), batch.to};
        batch.bytes = pool->allocate(10);
        batch.opened_at = now;
        end = batch.to;
        lane.push(std::move(batch));
    }
    void push_several(const int count) {
        for (int i = 0; i < count; ++i) {
            push(10);
        }
    }
    /// Sends what may be sent; where each batch began.
    std::vector<std::uint64_t> send_all() {
        std::vector<std::uint64_t> begins;
        numbers.clear();
        while (const SealedBatch* const next = lane.next(now)) {
            begins.push_back(next->from);
            numbers.push_back(lane.sent());
        }
        return begins;
    }
    Lane::Outcome answer(
        const std::size_t index,
        const rpc::BatchResult& result,
        const Nanos retry_after = Nanos::zero()
    ) {
        return lane.answered(numbers.at(index), result, now, retry_after, rng);
    }
    Lane::Outcome accept(const std::size_t index) {
        return answer(index, result_of(rpc::ReplyStatus::ok));
    }

    std::vector<std::uint64_t> numbers;  // of the last send_all
};

using Begins = std::vector<std::uint64_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(lane)

BOOST_AUTO_TEST_CASE(five_batches_are_in_flight_at_most_and_an_answer_lets_the_next_go) {
    // D3.
    LaneBench bench;
    bench.push_several(12);
    BOOST_TEST(bench.send_all() == (Begins{0, 10, 20, 30, 40}), boost::test_tools::per_element());
    BOOST_TEST(bench.lane.in_flight() == 5u);
    static_cast<void>(bench.accept(0));
    static_cast<void>(bench.accept(1));
    BOOST_TEST(bench.send_all() == (Begins{50, 60}), boost::test_tools::per_element());
    BOOST_TEST(bench.lane.size() == 10u);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_tells_how_far_the_collector_is_and_the_proof_of_it) {
    LaneBench bench;
    bench.push(10);
    bench.now += 1s;
    bench.push(20);
    static_cast<void>(bench.send_all());
    const Lane::Outcome outcome = bench.accept(0);
    BOOST_TEST((outcome.acknowledged == Position{0, 10}));
    BOOST_TEST((outcome.acknowledged_tail == Tail{10, 10}));
    BOOST_TEST(outcome.acknowledged_batches == 1u);
    BOOST_TEST((outcome.oldest_opened_at == start));
    BOOST_TEST(!outcome.rewind.has_value());
    BOOST_TEST(!outcome.retry_in.has_value());
    BOOST_TEST(bench.lane.bytes() == 10u);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_out_of_order_waits_for_those_before_it) {
    LaneBench bench;
    bench.push_several(3);
    static_cast<void>(bench.send_all());
    BOOST_TEST(!bench.accept(1).acknowledged.has_value());
    BOOST_TEST(!bench.accept(2).acknowledged.has_value());
    const Lane::Outcome outcome = bench.accept(0);
    BOOST_TEST((outcome.acknowledged == Position{0, 30}));
    BOOST_TEST(outcome.acknowledged_batches == 3u);
    BOOST_TEST(bench.lane.empty());
}

BOOST_AUTO_TEST_CASE(a_reject_rewinds_all_that_is_in_flight) {
    // D3: nothing of the stream goes out before every answer is in; then all of it goes again, in order.
    LaneBench bench;
    bench.push_several(7);
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.answer(0, result_of(rpc::ReplyStatus::busy)));
    for (std::size_t i = 1; i < 5; ++i) {
        BOOST_TEST(bench.lane.next(bench.now + 1h) == nullptr);
        const Lane::Outcome outcome = bench.answer(i, rejected_at(Position{0, 0}));
        BOOST_TEST(!outcome.acknowledged.has_value());
        BOOST_TEST(!outcome.rewind.has_value());
    }
    bench.now += 1s;
    BOOST_TEST(bench.send_all() == (Begins{0, 10, 20, 30, 40}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_taken_behind_a_refused_one_is_sent_again_with_it) {
    // Rule 3 makes it a duplicate; to leave it out would be a gap if it was not taken after all.
    LaneBench bench;
    bench.push_several(3);
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.answer(0, result_of(rpc::ReplyStatus::not_leader)));
    static_cast<void>(bench.accept(1));
    BOOST_TEST(!bench.accept(2).acknowledged.has_value());
    bench.now += 1s;
    BOOST_TEST(bench.send_all() == (Begins{0, 10, 20}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_the_collector_has_already_is_let_go_and_the_rest_sent_at_once) {
    // Rules 3 and 5: its position is further than we knew.
    LaneBench bench;
    bench.push_several(4);
    static_cast<void>(bench.send_all());
    for (std::size_t i = 0; i < 3; ++i) {
        static_cast<void>(bench.answer(i, rejected_at(Position{0, 20})));
    }
    const Lane::Outcome outcome = bench.answer(3, rejected_at(Position{0, 20}));
    BOOST_TEST((outcome.acknowledged == Position{0, 20}));
    BOOST_TEST(outcome.acknowledged_batches == 2u);
    BOOST_TEST(!outcome.rewind.has_value());
    BOOST_TEST(!outcome.retry_in.has_value());
    BOOST_TEST(bench.send_all() == (Begins{20, 30}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_position_inside_a_batch_makes_the_source_read_again_from_there) {
    // Rule 4: the batch is cut anew.
    LaneBench bench;
    bench.push_several(3);
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.accept(0));
    static_cast<void>(bench.answer(1, rejected_at(Position{0, 15})));
    const Lane::Outcome outcome = bench.answer(2, rejected_at(Position{0, 15}));
    BOOST_TEST((outcome.rewind == Position{0, 15}));
    BOOST_TEST(bench.lane.empty());
    BOOST_TEST(bench.lane.bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_position_before_all_that_is_held_makes_the_source_read_again_from_there) {
    // The collector has lost what it had promised (an unclean election).
    LaneBench bench;
    bench.end = 500;
    bench.push_several(2);
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.answer(0, rejected_at(Position{0, 400})));
    const Lane::Outcome outcome = bench.answer(1, rejected_at(Position{0, 400}));
    BOOST_TEST((outcome.rewind == Position{0, 400}));
    BOOST_TEST(!outcome.acknowledged.has_value());
}

BOOST_AUTO_TEST_CASE(an_error_waits_within_the_bounds_of_the_backoff) {
    // D13.
    constexpr std::array<Nanos, 9> ceilings{
        200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30s};
    LaneBench bench;
    bench.push(10);
    for (const Nanos ceiling : ceilings) {
        BOOST_TEST(bench.send_all() == Begins{0}, boost::test_tools::per_element());
        const Lane::Outcome outcome = bench.answer(0, result_of(rpc::ReplyStatus::storage_error));
        BOOST_REQUIRE(outcome.retry_in.has_value());
        BOOST_TEST((*outcome.retry_in > Nanos::zero()));
        BOOST_TEST((*outcome.retry_in <= ceiling));
        BOOST_TEST((bench.lane.retry_at() == bench.now + *outcome.retry_in));
        bench.now += *outcome.retry_in - Nanos(1);
        BOOST_TEST(bench.lane.next(bench.now) == nullptr);
        bench.now += Nanos(1);
    }
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.accept(0));
    bench.push(10);
    static_cast<void>(bench.send_all());
    BOOST_TEST((*bench.answer(0, result_of(rpc::ReplyStatus::busy)).retry_in <= Backoff::base));
}

BOOST_AUTO_TEST_CASE(the_collectors_wish_is_waited_for_when_it_is_longer) {
    // D14.
    LaneBench bench;
    bench.push(10);
    static_cast<void>(bench.send_all());
    const Lane::Outcome outcome = bench.answer(0, result_of(rpc::ReplyStatus::busy), 7s);
    BOOST_TEST((outcome.retry_in == Nanos(7s)));
    bench.now += 6999ms;
    BOOST_TEST(bench.lane.next(bench.now) == nullptr);
    bench.now += 1ms;
    BOOST_TEST(bench.lane.next(bench.now) != nullptr);
}

BOOST_AUTO_TEST_CASE(a_reject_that_brings_nothing_forward_is_not_repeated_at_full_speed) {
    LaneBench bench;
    bench.push(10);
    static_cast<void>(bench.send_all());
    const Lane::Outcome outcome = bench.answer(0, rejected_at(Position{0, 0}));
    BOOST_TEST(outcome.retry_in.has_value());
    BOOST_TEST(bench.lane.next(bench.now) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_batch_with_a_gap_goes_out_alone_and_when_all_before_it_is_acknowledged) {
    LaneBench bench;
    bench.push_several(2);
    bench.push(10, 1, true);
    bench.push(10, 1);
    BOOST_TEST(bench.send_all() == (Begins{0, 10}), boost::test_tools::per_element());
    static_cast<void>(bench.accept(0));
    BOOST_TEST(bench.lane.next(bench.now) == nullptr);
    static_cast<void>(bench.accept(1));
    BOOST_TEST(bench.send_all() == Begins{0}, boost::test_tools::per_element());
    BOOST_TEST((bench.accept(0).acknowledged == Position{1, 10}));
    BOOST_TEST(bench.send_all() == Begins{10}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_new_generation_fits_behind_any_position_of_an_older_one) {
    // A collector that knows less of the old content than we sent still takes the new one (rule 5).
    LaneBench bench;
    bench.push(10, 2, true);
    static_cast<void>(bench.send_all());
    const Lane::Outcome outcome = bench.answer(0, rejected_at(Position{1, 777}));
    BOOST_TEST(!outcome.rewind.has_value());
    bench.now += 1s;
    BOOST_TEST(bench.send_all() == Begins{0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_a_broken_connection_all_that_is_held_is_sent_once_more_and_nothing_else
) {
    LaneBench bench;
    bench.push_several(7);
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.accept(0));
    static_cast<void>(bench.accept(2)
    );  // not known to be taken: it does not come after all before it
    bench.lane.disconnected();
    BOOST_TEST(bench.lane.in_flight() == 0u);
    BOOST_TEST(bench.send_all() == (Begins{10, 20, 30, 40, 50}), boost::test_tools::per_element());
    for (std::size_t i = 0; i < 5; ++i) {
        BOOST_TEST(bench.accept(i).acknowledged_batches == 1u);
    }
    BOOST_TEST(bench.send_all() == Begins{60}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_broken_connection_ends_the_wait_for_a_retry) {
    LaneBench bench;
    bench.push_several(2);
    static_cast<void>(bench.send_all());
    static_cast<void>(bench.answer(0, result_of(rpc::ReplyStatus::busy), 1h));
    bench.lane.disconnected();
    BOOST_TEST(bench.send_all() == (Begins{0, 10}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
