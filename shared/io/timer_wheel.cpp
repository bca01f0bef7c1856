#include "shared/io/timer_wheel.h"

#include <algorithm>

namespace logboom::io {

namespace {

// About 146 years: further away than any timer, and far from where the arithmetic overflows.
constexpr SteadyTime latest{Millis(INT64_MAX / 2'000'000)};

/// Rounded up: a timer never fires before its time. A time before the clock's zero is its first tick.
std::uint64_t due_tick(const TimerNode& node) noexcept {
    const SteadyTime due = std::clamp(node.due, SteadyTime(), latest);
    return static_cast<std::uint64_t>((due.time_since_epoch() + Millis(1) - Nanos(1)) / Millis(1));
}

}  // namespace

void TimerWheel::arm(TimerNode& node) noexcept {
    LB_ASSERT(node.on_due != nullptr);
    node.unlink();
    place(node);
}

void TimerWheel::place(TimerNode& node) noexcept {
    const std::uint64_t tick = std::max(due_tick(node), tick_ + 1);
    const std::uint64_t distance = tick - tick_;
    for (int level = 0; level < levels; ++level) {
        if (distance < (std::uint64_t{1} << (8 * (level + 1)))) {
            const std::uint64_t slot = (tick >> (8 * level)) % slots;
            wheel_[static_cast<std::size_t>(level)][slot].push_back(node);
            return;
        }
    }
    // Further away than 49 days: parked in the farthest slot and placed again when that comes up.
    const std::uint64_t slot = ((tick_ >> 24) + slots - 1) % slots;
    wheel_[levels - 1][slot].push_back(node);
}

void TimerWheel::cascade(const int level) {
    const std::uint64_t slot = (tick_ >> (8 * level)) % slots;
    IntrusiveList<TimerNode> moved;
    moved.take_all(wheel_[static_cast<std::size_t>(level)][slot]);
    while (!moved.empty()) {
        TimerNode& node = moved.pop_front();
        // A node of this very tick goes to the slot that is emptied next.
        if (due_tick(node) <= tick_) {
            wheel_[0][tick_ % slots].push_back(node);
        } else {
            place(node);
        }
    }
}

void TimerWheel::advance(const SteadyTime now) {
    const std::uint64_t target = to_tick(now);
    while (tick_ < target) {
        tick_ = std::min(target, next_tick());  // nothing happens in between
        for (int level = levels - 1; level > 0; --level) {
            if (tick_ % (std::uint64_t{1} << (8 * level)) == 0) {
                cascade(level);
            }
        }
        IntrusiveList<TimerNode> due;
        due.take_all(wheel_[0][tick_ % slots]);
        while (!due.empty()) {
            TimerNode& node = due.pop_front();
            node.on_due(node);
        }
    }
}

/// The first tick at which a slot with timers is opened: on level 0 they are due then, above it they are
/// spread over the slots below. A slot that has none costs no waking.
std::uint64_t TimerWheel::next_tick() const noexcept {
    std::uint64_t next = no_tick;
    for (int level = 0; level < levels; ++level) {
        const std::uint64_t base = tick_ >> (8 * level);
        for (std::uint64_t i = 1; i <= slots; ++i) {
            const std::uint64_t opens = (base + i) << (8 * level);
            if (opens >= next) {
                break;
            }
            if (!wheel_[static_cast<std::size_t>(level)][(base + i) % slots].empty()) {
                next = opens;
            }
        }
    }
    return next;
}

SteadyTime TimerWheel::next_due() const noexcept {
    const std::uint64_t tick = next_tick();
    return tick == no_tick ? SteadyTime::max()
                           : SteadyTime(Millis(static_cast<std::int64_t>(tick)));
}

}  // namespace logboom::io
