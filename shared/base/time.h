// Two clocks that never convert into each other.
#pragma once

#include <chrono>
#include <cstdint>

namespace logboom {

using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;
using namespace std::chrono_literals;

/// CLOCK_BOOTTIME (virtual in the simulator): deadlines, timers, ages.
struct SteadyClock {
    using duration = Nanos;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<SteadyClock>;
    static constexpr bool is_steady = true;
};
using SteadyTime = SteadyClock::time_point;

/// CLOCK_REALTIME: what users see and what records carry. Never for timers.
struct WallClock {
    using duration = Nanos;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<WallClock>;
    static constexpr bool is_steady = false;
};
using WallTime = WallClock::time_point;

inline constexpr SteadyTime no_deadline = SteadyTime::max();

[[nodiscard]] constexpr std::int64_t to_unix_ms(const WallTime t) noexcept {
    return std::chrono::duration_cast<Millis>(t.time_since_epoch()).count();
}

}  // namespace logboom
