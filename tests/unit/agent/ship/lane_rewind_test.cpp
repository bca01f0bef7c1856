// A lane whose source was asked to read again, and what it takes then.
#include "agent/ship/lane.h"
#include "tests/unit/agent/read_batch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ship;
using logboom::tests::id_of;

namespace {

struct RewoundLane {
    Lane lane{id_of(1), "logs", "/log"};
    SteadyTime now{1000s};
    Rng rng{1};
    std::shared_ptr<ChunkPool> pool = ChunkPool::make(0);

    void push(
        const std::uint64_t from, const std::uint64_t generation = 0, const bool gap = false
    ) {
        SealedBatch batch;
        batch.stream = id_of(1);
        batch.generation = generation;
        batch.from = from;
        batch.to = from + 10;
        batch.has_gap = gap;
        batch.bytes = pool->allocate(10);
        lane.push(std::move(batch));
    }
    Lane::Outcome answer(const rpc::ReplyStatus status, const std::uint64_t known = 0) {
        rpc::BatchResult result;
        result.status = status;
        result.to_known = known;
        return lane.answered(lane.sent(), result, now, Nanos::zero(), rng);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(lane_rewind)

BOOST_AUTO_TEST_CASE(a_batch_that_was_still_being_filled_is_passed_over) {
    RewoundLane bench;
    bench.push(0);
    const Lane::Outcome outcome = bench.answer(rpc::ReplyStatus::rejected_position, 5);
    BOOST_REQUIRE((outcome.rewind == Position{0, 5}));
    bench.push(10);
    BOOST_TEST(bench.lane.empty());
    BOOST_TEST(!bench.lane.is_over());
    bench.push(5);
    bench.push(15);
    BOOST_TEST(bench.lane.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_new_generation_needs_no_place_before_it) {
    RewoundLane bench;
    bench.push(0);
    static_cast<void>(bench.answer(rpc::ReplyStatus::rejected_position, 5));
    bench.push(0, 1, true);
    BOOST_TEST(bench.lane.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_given_back_is_read_again_from_its_beginning) {
    RewoundLane bench;
    bench.push(0);
    bench.push(10);
    static_cast<void>(bench.answer(rpc::ReplyStatus::ok));
    static_cast<void>(bench.answer(rpc::ReplyStatus::storage_error));
    BOOST_TEST(bench.lane.is_refused());
    BOOST_TEST((bench.lane.give_back() == Position{0, 10}));
    BOOST_TEST(bench.lane.bytes() == 0u);
    BOOST_TEST(bench.lane.is_refused());
    BOOST_TEST(bench.lane.retry_at().has_value());
    bench.push(20);
    BOOST_TEST(bench.lane.empty());
    bench.push(10);
    BOOST_TEST(bench.lane.next(bench.now) == nullptr);  // its time has not come
    bench.now += 1s;
    BOOST_TEST(bench.lane.next(bench.now) != nullptr);
    static_cast<void>(bench.answer(rpc::ReplyStatus::ok));
    BOOST_TEST(!bench.lane.is_refused());
    BOOST_TEST(bench.lane.is_over());
}

BOOST_AUTO_TEST_SUITE_END()
