#include "shared/io/chunk_pool.h"

#include "shared/base/rng.h"
#include "tests/support/dies.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using namespace logboom;

namespace {

std::string text_of(const Slice& slice) {
    return std::string(as_text(slice.view()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chunk_pool)

BOOST_AUTO_TEST_CASE(a_part_lies_inside_its_slice) {
    BOOST_TEST(test::dies([] {
        const auto pool = ChunkPool::make(0);
        static_cast<void>(pool->allocate(10).part(5, 6));
    }));
    BOOST_TEST(test::dies([] {
        const auto pool = ChunkPool::make(0);
        static_cast<void>(pool->allocate(10).part(11, 0));
    }));
    BOOST_TEST(test::dies([] {
        const auto pool = ChunkPool::make(0);
        static_cast<void>(pool->allocate(10).part(2, UINT32_MAX));
    }));
}

BOOST_AUTO_TEST_CASE(a_slice_has_the_size_that_was_asked_for_and_all_of_it_is_its_own) {
    const auto pool = ChunkPool::make(1u << 20);
    std::vector<Slice> slices;
    for (const std::uint32_t size :
         {0u, 1u, 4096u, 4097u, 16'384u, 65'537u, 262'144u, 1'048'576u, 1'048'577u, 3'000'000u}) {
        Slice slice = pool->allocate(size);
        BOOST_TEST(slice.size() == size);
        BOOST_TEST(slice.empty() == (size == 0));
        const auto mark = static_cast<std::byte>(slices.size() + 1);
        std::ranges::fill(slice.mutable_bytes(), mark);
        slices.push_back(std::move(slice));
    }
    for (std::size_t i = 0; i < slices.size(); ++i) {
        const auto mark = static_cast<std::byte>(i + 1);
        BOOST_TEST(std::ranges::all_of(slices[i].view(), [mark](const std::byte b) {
            return b == mark;
        }));
    }
}

BOOST_AUTO_TEST_CASE(what_is_handed_out_is_counted_by_capacity_until_the_last_slice_goes) {
    const auto pool = ChunkPool::make(1u << 20);
    Slice small = pool->allocate(100);
    BOOST_TEST(pool->bytes_in_use() == 4096u);
    Slice large = pool->allocate(2'000'000);
    BOOST_TEST(pool->bytes_in_use() == 4096u + 2'000'000u);
    Slice part = small.part(10, 5);
    small = Slice();
    BOOST_TEST(pool->bytes_in_use() == 4096u + 2'000'000u);
    large = Slice();
    BOOST_TEST(pool->bytes_in_use() == 4096u);
    part = Slice();
    BOOST_TEST(pool->bytes_in_use() == 0u);
}

BOOST_AUTO_TEST_CASE(an_empty_slice_shows_nothing) {
    Slice none;
    BOOST_TEST(none.empty());
    BOOST_TEST(none.view().empty());
    BOOST_TEST(none.mutable_bytes().empty());
    const Slice copy = none;
    BOOST_TEST(copy.part(0, 0).empty());
}

BOOST_AUTO_TEST_CASE(copies_and_parts_show_the_same_bytes) {
    const auto pool = ChunkPool::make(0);
    Slice whole = pool->copy_of(as_bytes("0123456789"));
    const Slice copy = whole;
    const Slice part = whole.part(3, 4);
    const Slice part_of_part = part.part(1, 2);
    BOOST_TEST(copy.data() == whole.data());
    BOOST_TEST(text_of(part) == "3456");
    BOOST_TEST(text_of(part_of_part) == "45");
    whole.mutable_bytes()[4] = std::byte{'x'};
    BOOST_TEST(text_of(part_of_part) == "x5");
    whole = Slice();
    BOOST_TEST(text_of(copy) == "0123x56789");
}

BOOST_AUTO_TEST_CASE(moving_and_assigning_keep_the_count_right) {
    const auto pool = ChunkPool::make(0);
    Slice a = pool->copy_of(as_bytes("a"));
    Slice b = pool->copy_of(as_bytes("b"));
    Slice& same = a;
    a = same;
    BOOST_TEST(text_of(a) == "a");
    b = a;
    BOOST_TEST(pool->bytes_in_use() == 4096u);
    Slice c = std::move(a);
    a = std::move(b);
    b = pool->copy_of(as_bytes("new"));
    BOOST_TEST(text_of(a) + text_of(b) + text_of(c) == "anewa");
    a = b = c = Slice();
    BOOST_TEST(pool->bytes_in_use() == 0u);
}

BOOST_AUTO_TEST_CASE(a_chunk_is_used_again_for_the_same_class_of_sizes) {
    const auto pool = ChunkPool::make(8u << 20);
    for (const std::uint32_t size : {1000u, 10'000u, 50'000u, 200'000u, 1'000'000u}) {
        const std::byte* const first = pool->allocate(size).data();
        const Slice again = pool->allocate(size - 1);
        BOOST_TEST(again.data() == first);
        const Slice other = pool->allocate(size);
        BOOST_TEST(other.data() != first);
    }
}

BOOST_AUTO_TEST_CASE(slices_keep_their_pool_alive) {
    auto pool = ChunkPool::make(1u << 20);
    Slice kept = pool->copy_of(as_bytes("kept"));
    pool.reset();
    const Slice part = kept.part(1, 2);
    kept = Slice();
    BOOST_TEST(text_of(part) == "ep");
}

BOOST_AUTO_TEST_CASE(slices_may_be_let_go_by_another_thread) {
    const auto pool = ChunkPool::make(1u << 20);
    constexpr int rounds = 2000;
    std::array<std::thread, 2> threads;
    std::array<bool, 2> intact{true, true};
    const Slice shared = pool->copy_of(as_bytes("shared"));
    for (std::size_t i = 0; i < threads.size(); ++i) {
        threads[i] = std::thread([&pool, &intact, &shared, i] {
            const std::string text(100 + i, static_cast<char>('a' + i));
            for (int round = 0; round < rounds; ++round) {
                const Slice own = pool->copy_of(as_bytes(text));
                const Slice copy = shared;
                intact[i] = intact[i] && as_text(own.view()) == text
                         && as_text(copy.view()) == "shared";
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    BOOST_TEST(intact[0]);
    BOOST_TEST(intact[1]);
    BOOST_TEST(pool->bytes_in_use() == 4096u);
}

BOOST_AUTO_TEST_CASE(random_use_never_mixes_up_bytes) {
    Rng rng(1);
    const auto pool = ChunkPool::make(300'000);
    std::vector<std::pair<Slice, std::byte>> held;
    for (int round = 0; round < 3000; ++round) {
        if (held.size() < 30 && rng.chance(0.6)) {
            Slice slice = pool->allocate(static_cast<std::uint32_t>(1 + rng.below(100'000)));
            const auto mark = static_cast<std::byte>(rng.next());
            slice.mutable_bytes().front() = mark;
            slice.mutable_bytes().back() = mark;
            held.emplace_back(std::move(slice), mark);
        } else if (!held.empty()) {
            const std::size_t at = rng.below(held.size());
            BOOST_REQUIRE((held[at].first.view().front() == held[at].second));
            BOOST_REQUIRE((held[at].first.view().back() == held[at].second));
            std::swap(held[at], held.back());
            held.pop_back();
        }
    }
    held.clear();
    BOOST_TEST(pool->bytes_in_use() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
