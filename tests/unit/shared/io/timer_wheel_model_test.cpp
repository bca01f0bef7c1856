// The wheel against a sorted map: random arming, cancelling and passing of time.
#include "shared/base/rng.h"
#include "shared/io/timer_wheel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using namespace logboom;
using io::TimerNode;
using io::TimerWheel;

namespace {

constexpr std::size_t timer_count = 40;

std::int64_t tick_of(const SteadyTime time) {
    const std::int64_t ns = time.time_since_epoch().count();
    return (ns + 999'999) / 1'000'000;
}

class Model {
public:
    explicit Model(const std::uint64_t seed)
        : rng_(seed)
        // Also just before the places where a level's slots come round.
        , now_(Millis(static_cast<std::int64_t>(rng_.chance(0.5) ? (1u << 24) - 300 : 5000)))
        , wheel_(now_) {
        for (std::size_t i = 0; i < timers_.size(); ++i) {
            timers_[i].index = i;
            timers_[i].fired = &fired_;
            timers_[i].on_due = [](TimerNode& node) {
                const auto& self = static_cast<const Timer&>(node);
                self.fired->push_back(self.index);
            };
        }
    }

    /// One random action; false: wheel and model differ.
    [[nodiscard]] bool step() {
        const std::size_t at = rng_.below(timers_.size());
        const double choice = rng_.unit();
        if (choice < 0.45) {
            arm(at);
        } else if (choice < 0.6) {
            forget(at);
            timers_[at].unlink();
        } else {
            pass();
        }
        const bool bound_holds = due_.empty() ? wheel_.next_due() == SteadyTime::max()
                                              : tick_of(wheel_.next_due()) <= due_.begin()->first
                                                    && wheel_.next_due() > now_;
        return is_equal_ && bound_holds;
    }

private:
    struct Timer : TimerNode {
        std::size_t index = 0;
        std::vector<std::size_t>* fired = nullptr;
    };

    Nanos some_time() {
        // Milliseconds: of each level, and further than the farthest slot.
        constexpr std::array<std::int64_t, 5> spans{
            300, 70'000, 400'000, 17'000'000, 9'000'000'000};
        const std::size_t span = rng_.below(spans.size());
        const std::uint64_t ns = rng_.below(static_cast<std::uint64_t>(spans[span]) * 1'000'000);
        return Nanos(static_cast<std::int64_t>(ns));
    }
    void arm(const std::size_t at) {
        forget(at);
        timers_[at].due = now_ + some_time() - (rng_.chance(0.1) ? Nanos(1s) : Nanos(0));
        wheel_.arm(timers_[at]);
        due_.emplace(std::max(tick_of(timers_[at].due), wheel_tick() + 1), at);
    }
    void forget(const std::size_t at) {
        std::erase_if(due_, [at](const auto& entry) { return entry.second == at; });
    }
    void pass() {
        // Also exactly to the next timer, as a loop does.
        const bool to_next = !due_.empty() && rng_.chance(0.4);
        const SteadyTime next = to_next ? wheel_.next_due() : now_ + some_time();
        now_ = std::max(now_, next);
        fired_.clear();
        wheel_.advance(now_);
        std::vector<std::size_t> expected;
        while (!due_.empty() && due_.begin()->first <= wheel_tick()) {
            expected.push_back(due_.begin()->second);
            due_.erase(due_.begin());
        }
        // Timers of one millisecond fire in any order.
        is_equal_ =
            std::is_permutation(fired_.begin(), fired_.end(), expected.begin(), expected.end());
    }
    [[nodiscard]] std::int64_t wheel_tick() const {
        return now_.time_since_epoch().count() / 1'000'000;
    }

    Rng rng_;
    SteadyTime now_;
    TimerWheel wheel_;
    std::vector<std::size_t> fired_;
    std::array<Timer, timer_count> timers_;
    std::multimap<std::int64_t, std::size_t> due_;
    bool is_equal_ = true;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(timer_wheel_model)

BOOST_AUTO_TEST_CASE(the_wheel_fires_what_a_sorted_map_says_and_when) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Model model(seed);
        for (int step = 0; step < 300; ++step) {
            BOOST_REQUIRE_MESSAGE(
                model.step(), "seed " + std::to_string(seed) + ", step " + std::to_string(step)
            );
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
