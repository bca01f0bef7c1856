#include "shared/io/timer_wheel.h"

#include <algorithm>

namespace logboom::io {

void TimerWheel::arm(TimerNode& node) noexcept {
    LB_ASSERT(node.on_due != nullptr);
    node.unlink();
    place(node);
}

void TimerWheel::place(TimerNode& node) noexcept {
    // Rounded up: a timer never fires before its time.
    const SteadyTime latest = SteadyTime(Millis(INT64_MAX / 2'000'000));
    const SteadyTime due = std::min(node.due, latest);
    const auto up =
        static_cast<std::uint64_t>((due.time_since_epoch() + Millis(1) - Nanos(1)) / Millis(1));
    const std::uint64_t tick = std::max(up, tick_ + 1);
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
        const auto due_tick = static_cast<std::uint64_t>(
            (node.due.time_since_epoch() + Millis(1) - Nanos(1)) / Millis(1)
        );
        if (due_tick <= tick_) {
            wheel_[0][tick_ % slots].push_back(node);
        } else {
            place(node);
        }
    }
}

void TimerWheel::advance(const SteadyTime now) {
    const std::uint64_t target = to_tick(now);
    while (tick_ < target) {
        ++tick_;
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

SteadyTime TimerWheel::next_due() const noexcept {
    for (int level = 0; level < levels; ++level) {
        const std::uint64_t base = tick_ >> (8 * level);
        for (std::uint64_t i = 1; i <= slots; ++i) {
            if (!wheel_[static_cast<std::size_t>(level)][(base + i) % slots].empty()) {
                const std::uint64_t tick = (base + i) << (8 * level);
                return SteadyTime(Millis(static_cast<std::int64_t>(tick)));
            }
            // A higher level's slot must be opened before its time range begins.
            if (level == 0 && (base + i) % slots == 0) {
                bool has_higher = false;
                for (int higher = 1; higher < levels && !has_higher; ++higher) {
                    for (const auto& slot : wheel_[static_cast<std::size_t>(higher)]) {
                        has_higher = has_higher || !slot.empty();
                    }
                }
                if (has_higher) {
                    return SteadyTime(Millis(static_cast<std::int64_t>(base + i)));
                }
            }
        }
    }
    return SteadyTime::max();
}

}  // namespace logboom::io
