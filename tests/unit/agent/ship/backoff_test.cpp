#define BOOST_TEST_MODULE agent_ship
#include "agent/ship/backoff.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ship;

BOOST_AUTO_TEST_SUITE(backoff)

BOOST_AUTO_TEST_CASE(a_pause_is_drawn_from_the_whole_of_a_range_that_doubles_up_to_30_seconds) {
    // D13: full jitter, base 200 ms, cap 30 s.
    constexpr std::array<Nanos, 10> ceilings{
        200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30s, 30s};
    Rng rng(1);
    std::array<Nanos, ceilings.size()> shortest;
    std::array<Nanos, ceilings.size()> longest{};
    shortest.fill(1h);
    for (int round = 0; round < 500; ++round) {
        Backoff backoff;
        for (std::size_t i = 0; i < ceilings.size(); ++i) {
            const Nanos pause = backoff.failed(rng);
            BOOST_REQUIRE((pause > Nanos::zero()));
            BOOST_REQUIRE((pause <= ceilings[i]));
            shortest[i] = std::min(shortest[i], pause);
            longest[i] = std::max(longest[i], pause);
        }
    }
    for (std::size_t i = 0; i < ceilings.size(); ++i) {
        BOOST_TEST((shortest[i] < ceilings[i] / 20), "try " << i);
        BOOST_TEST((longest[i] > ceilings[i] - ceilings[i] / 20), "try " << i);
    }
}

BOOST_AUTO_TEST_CASE(a_success_brings_the_short_pauses_back) {
    Rng rng(2);
    for (int round = 0; round < 200; ++round) {
        Backoff backoff;
        for (int i = 0; i < 12; ++i) {
            static_cast<void>(backoff.failed(rng));
        }
        backoff.succeeded();
        BOOST_REQUIRE((backoff.failed(rng) <= Backoff::base));
    }
}

BOOST_AUTO_TEST_CASE(it_never_gives_up) {
    Rng rng(3);
    Backoff backoff;
    for (int i = 0; i < 100'000; ++i) {
        BOOST_REQUIRE((backoff.failed(rng) <= Backoff::cap));
    }
}

BOOST_AUTO_TEST_SUITE_END()
