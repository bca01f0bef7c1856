#include "shared/io/turn.h"

#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace logboom;

namespace {

Task<int> stay(Env& env, int& inside, int& inside_max, const int number) {
    ++inside;
    inside_max = std::max(inside_max, inside);
    const Nanos time = std::chrono::microseconds(env.rng.below(100));
    [[maybe_unused]] const Result<Ok> slept = co_await env.sleep(time);
    --inside;
    co_return number;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(turn)

BOOST_AUTO_TEST_CASE(one_is_inside_at_a_time_and_each_gets_its_own_result) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        sim::SimMachine machine(options);
        io::Turn& turn = machine.make<io::Turn>(machine.env().scheduler);
        int inside = 0;
        int inside_max = 0;
        std::vector<sim::Outcome<int>> outcomes;
        for (int i = 0; i < 20; ++i) {
            outcomes.push_back(machine.begin(turn.run(stay(machine.env(), inside, inside_max, i))));
        }
        machine.run_until([&outcomes] {
            return std::ranges::all_of(outcomes, [](const auto& one) { return one.is_there(); });
        });
        BOOST_TEST(inside_max == 1);
        for (int i = 0; i < 20; ++i) {
            BOOST_TEST(outcomes[static_cast<std::size_t>(i)].value() == i);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
