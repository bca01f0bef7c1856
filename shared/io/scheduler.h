// The ready list and the timers of one shard. Every resumption from outside a task (completion, timer,
// message, wake-up by another task) is a `post` here; nothing is resumed inline (S2).
#pragma once

#include "shared/base/rng.h"
#include "shared/base/time.h"
#include "shared/io/timer_wheel.h"

#include <coroutine>
#include <cstddef>
#include <deque>

namespace logboom::io {

class Scheduler {
public:
    explicit Scheduler(const SteadyTime now) : now_(now), wheel_(now) {}
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// Resumes `task` on a later turn. Shard: this one only.
    void post(const std::coroutine_handle<> task) { ready_.push_back(task); }
    [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty(); }

    /// Resumes ready tasks, those that become ready meanwhile too, until none is left or `resumes_max`
    /// were run. In simulation the seed picks the order (`shuffle_with`), else first in, first out.
    void run_ready(std::size_t resumes_max);
    void shuffle_with(Rng* const rng) noexcept { shuffle_ = rng; }

    [[nodiscard]] TimerWheel& timers() noexcept { return wheel_; }
    [[nodiscard]] SteadyTime now() const noexcept { return now_; }
    /// Sets the time of this turn and fires what is due.
    void advance(const SteadyTime now) {
        now_ = now;
        wheel_.advance(now);
    }

    /// The simulator is about to destroy every frame of this node: destructors of scopes accept it.
    void begin_crash() noexcept {
        crashing_ = true;
        ready_.clear();
    }
    [[nodiscard]] bool is_crashing() const noexcept { return crashing_; }

private:
    std::deque<std::coroutine_handle<>> ready_;
    SteadyTime now_;
    TimerWheel wheel_;
    Rng* shuffle_ = nullptr;
    bool crashing_ = false;
};

}  // namespace logboom::io
