#include "collector/storage/tail_cache.h"

#include "shared/base/limits.h"
#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

using namespace logboom;
using namespace logboom::storage;

namespace {

// Larger than what is packed; its chunk holds 16 KiB.
constexpr std::uint32_t large_bytes = 10'000;
// Room for two such batches and not for three.
constexpr std::uint64_t two_large_bytes = 40'000;
static_assert(large_bytes > limits::tail_cache_packed_bytes_max);

struct CacheWorld {
    explicit CacheWorld(const std::uint64_t bytes_max) : cache(*pool, bytes_max) {}

    [[nodiscard]] Slice bytes_of(const std::uint32_t size) {
        return pool->copy_of(as_bytes(std::string(size, 'x')));
    }
    void add(LogTail& tail, Slice bytes) {
        LogTail::Batch batch;
        batch.base_offset = tail.batches().empty() ? next : tail.batches().back().end_offset;
        batch.end_offset = batch.base_offset + 1;
        batch.bytes = std::move(bytes);
        next = batch.end_offset;
        cache.add(tail, std::move(batch));
    }

    std::shared_ptr<ChunkPool> pool = ChunkPool::make(1u << 20);
    TailCache cache;
    Offset next;  // of a tail that is empty
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tail_cache)

BOOST_AUTO_TEST_CASE(a_batch_above_the_whole_budget_leaves_nothing_behind) {
    CacheWorld world(two_large_bytes);
    LogTail tail;
    world.add(tail, world.bytes_of(large_bytes));
    world.add(tail, world.bytes_of(two_large_bytes + 1));
    BOOST_TEST(tail.batches().empty());
    BOOST_TEST(world.cache.bytes() == 0u);
    BOOST_TEST(world.pool->bytes_in_use() == 0u);
    world.add(tail, world.bytes_of(large_bytes));
    BOOST_TEST(tail.batches().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_cache_without_a_budget_keeps_nothing) {
    CacheWorld world(0);
    LogTail tail;
    world.add(tail, world.bytes_of(1));
    BOOST_TEST(tail.batches().empty());
    BOOST_TEST(!tail.reaches_back_to(Offset(0)));
    BOOST_TEST(world.pool->bytes_in_use() == 0u);
}

BOOST_AUTO_TEST_CASE(the_oldest_batch_of_any_log_goes_first) {
    CacheWorld world(two_large_bytes);
    LogTail first;
    LogTail second;
    world.add(first, world.bytes_of(large_bytes));
    world.next = Offset(0);
    world.add(second, world.bytes_of(large_bytes));
    world.add(first, world.bytes_of(large_bytes));
    BOOST_TEST(!first.reaches_back_to(Offset(0)));
    BOOST_TEST(first.reaches_back_to(Offset(1)));
    BOOST_TEST(second.reaches_back_to(Offset(0)));
    world.add(first, world.bytes_of(large_bytes));
    BOOST_TEST(second.batches().empty());
    BOOST_TEST(first.batches().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_small_batch_does_not_keep_the_large_request_it_came_in) {
    CacheWorld world(1u << 20);
    LogTail tail;
    Slice request = world.bytes_of(1u << 20);
    world.add(tail, request.part(1000, 100));
    request = Slice();
    BOOST_TEST(world.pool->bytes_in_use() <= 2 * limits::tail_cache_room_bytes);
    BOOST_TEST(as_text(tail.batches().front().bytes.view()) == std::string(100, 'x'));
}

BOOST_AUTO_TEST_CASE(small_batches_share_chunks) {
    CacheWorld world(1u << 20);
    LogTail tail;
    for (int i = 0; i < 1000; ++i) {
        world.add(tail, world.bytes_of(100));
    }
    BOOST_TEST(tail.batches().size() == 1000u);
    BOOST_TEST(world.pool->bytes_in_use() == 2 * limits::tail_cache_room_bytes);
    BOOST_TEST(world.cache.bytes() >= world.pool->bytes_in_use());
    for (const LogTail::Batch& batch : tail.batches()) {
        BOOST_REQUIRE(as_text(batch.bytes.view()) == std::string(100, 'x'));
    }
}

BOOST_AUTO_TEST_CASE(batches_of_one_large_request_pay_for_its_chunk_once) {
    CacheWorld world(2u << 20);
    LogTail tail;
    const Slice request = world.bytes_of(1u << 20);
    for (std::uint32_t i = 0; i < 16; ++i) {
        world.add(tail, request.part(i << 16, 1u << 16));
    }
    BOOST_TEST(tail.batches().size() == 16u);
    BOOST_TEST(world.cache.bytes() < (1u << 20) + (1u << 16));
}

BOOST_AUTO_TEST_CASE(batches_of_several_requests_that_come_by_turns_pay_for_each_chunk_once) {
    // As a group of writes has them: of each log the batches of all requests, log by log.
    CacheWorld world(8u << 20);
    std::array<LogTail, 16> tails;
    std::vector<Slice> requests;
    for (int i = 0; i < 5; ++i) {
        requests.push_back(world.bytes_of(1u << 20));
    }
    for (std::uint32_t t = 0; t < tails.size(); ++t) {
        world.next = Offset(0);
        for (const Slice& request : requests) {
            world.add(tails[t], request.part(t << 16, 1u << 16));
        }
    }
    for (const LogTail& tail : tails) {
        BOOST_TEST(tail.batches().size() == requests.size());
    }
    BOOST_TEST(world.cache.bytes() < (5u << 20) + (1u << 16));
    requests.clear();
    for (LogTail& tail : tails) {
        world.cache.forget(tail);
    }
    BOOST_TEST(world.pool->bytes_in_use() == 0u);
    BOOST_TEST(world.cache.bytes() < (1u << 16));
}

BOOST_AUTO_TEST_CASE(what_a_log_had_is_forgotten_with_it_and_nothing_else) {
    CacheWorld world(two_large_bytes);
    LogTail stays;
    {
        LogTail goes;
        world.add(goes, world.bytes_of(large_bytes));
        world.next = Offset(0);
        world.add(stays, world.bytes_of(large_bytes));
        world.cache.forget(goes);
        BOOST_TEST(goes.batches().empty());
    }
    // Its turn comes, though its tail is no more.
    world.add(stays, world.bytes_of(large_bytes));
    BOOST_TEST(stays.batches().size() == 2u);
    world.add(stays, world.bytes_of(large_bytes));
    BOOST_TEST(stays.batches().size() == 2u);
    world.cache.forget(stays);
    BOOST_TEST(stays.batches().empty());
}

BOOST_AUTO_TEST_CASE(dropped_batches_live_on_with_those_who_hold_them) {
    CacheWorld world(2 * limits::tail_cache_room_bytes);
    LogTail tail;
    world.add(tail, world.bytes_of(50));
    const Slice held = tail.batches().front().bytes;
    while (tail.reaches_back_to(Offset(0))) {
        world.add(tail, world.bytes_of(large_bytes));
    }
    BOOST_TEST(as_text(held.view()) == std::string(50, 'x'));
}

BOOST_AUTO_TEST_CASE(whatever_is_added_the_memory_held_stays_near_the_budget) {
    constexpr std::uint64_t budget_bytes = 1u << 20;
    constexpr std::uint32_t request_bytes_max = 256u << 10;
    Rng rng(1);
    CacheWorld world(budget_bytes);
    std::array<LogTail, 5> tails;
    for (int round = 0; round < 2000; ++round) {
        const auto size = static_cast<std::uint32_t>(1 + rng.below(request_bytes_max));
        const Slice request = world.bytes_of(size);
        const auto parts = static_cast<std::uint32_t>(1 + rng.below(4));
        for (std::uint32_t i = 0; i < parts && size / parts != 0; ++i) {
            const std::uint32_t part_bytes = rng.chance(0.5) ? size / parts
                                                             : std::min(size / parts, 200u);
            LogTail& tail = tails[rng.below(tails.size())];
            world.add(tail, request.part(i * (size / parts), part_bytes));
        }
        if (rng.chance(0.02)) {
            world.cache.forget(tails[rng.below(tails.size())]);
        }
        BOOST_REQUIRE(world.cache.bytes() <= budget_bytes);
        const std::uint64_t in_use = world.pool->bytes_in_use() - request.capacity();
        BOOST_REQUIRE(in_use <= budget_bytes + 2 * request_bytes_max);
    }
    for (LogTail& tail : tails) {
        world.cache.forget(tail);
    }
}

BOOST_AUTO_TEST_SUITE_END()
