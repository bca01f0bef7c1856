// Timers of one shard: 4 levels of 256 slots, one tick a millisecond, O(1) to arm and to cancel (C19).
// Nodes live in their owners (awaiters, connections). One wait of the loop serves all of them.
#pragma once

#include "shared/base/time.h"
#include "shared/io/intrusive_list.h"

#include <array>
#include <cstdint>

namespace logboom::io {

struct TimerNode : ListNode {
    SteadyTime due{};
    void (*on_due)(TimerNode&) = nullptr;
};

class TimerWheel {
public:
    explicit TimerWheel(SteadyTime now) noexcept : tick_(to_tick(now)) {}

    /// `node.due` and `node.on_due` are set; a time in the past is due at the next tick.
    void arm(TimerNode& node) noexcept;
    /// Calls `on_due` of each node whose time has come. A node is out of the wheel when it is called.
    void advance(SteadyTime now);
    /// A time not later than the first timer's tick; SteadyTime::max() without timers. Between now and a far
    /// timer there are a few such times, at which the wheel looks closer: three at most.
    [[nodiscard]] SteadyTime next_due() const noexcept;

private:
    static constexpr int levels = 4;
    static constexpr std::uint64_t slots = 256;
    static constexpr std::uint64_t no_tick = UINT64_MAX;

    static std::uint64_t to_tick(const SteadyTime t) noexcept {
        return static_cast<std::uint64_t>(t.time_since_epoch() / Millis(1));
    }
    void place(TimerNode& node) noexcept;
    void cascade(int level);
    [[nodiscard]] std::uint64_t next_tick() const noexcept;

    std::uint64_t tick_;
    std::array<std::array<IntrusiveList<TimerNode>, slots>, levels> wheel_;
};

}  // namespace logboom::io
