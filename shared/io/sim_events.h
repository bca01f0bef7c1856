// The heart of the simulator: virtual time, a heap of what is due, the seed and the trace. One thread
// runs everything; a run is a function of its seed, and the hash of its trace proves it (S5, S7).
#pragma once

#include "shared/base/rng.h"
#include "shared/base/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace logboom::io {

class SimEvents {
public:
    explicit SimEvents(std::uint64_t seed) : rng_(seed) {}
    SimEvents(const SimEvents&) = delete;
    SimEvents& operator=(const SimEvents&) = delete;

    [[nodiscard]] SteadyTime now() const noexcept { return now_; }
    [[nodiscard]] Rng& rng() noexcept { return rng_; }
    /// Uniform in [low, high).
    [[nodiscard]] Nanos draw(Nanos low, Nanos high) noexcept;

    /// Runs `action` when virtual time has come to `now() + delay`; among events of one instant the seed
    /// picks the order. Never runs it inside this call.
    void after(Nanos delay, std::function<void()> action);
    [[nodiscard]] SteadyTime next_due() const noexcept;
    /// Runs the next event if it is due by now. False: nothing was due.
    bool run_one();
    /// Moves the clock forward; no event may be due before `time`.
    void advance_to(SteadyTime time);

    /// Puts what happened into the trace. `what` is a literal: it is read when a failure is printed.
    void note(std::uint32_t node, const char* what, std::int64_t a = 0, std::int64_t b = 0) noexcept;
    [[nodiscard]] std::uint64_t trace_hash() const noexcept { return hash_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// The latest steps, one a line, oldest first.
    [[nodiscard]] std::string latest() const;

private:
    struct Event {
        SteadyTime at;
        std::uint64_t tie = 0;
        std::uint64_t sequence = 0;
        std::function<void()> action;
    };
    struct Step {
        SteadyTime at{};
        std::uint32_t node = 0;
        const char* what = "";
        std::int64_t a = 0;
        std::int64_t b = 0;
    };
    static bool is_later(const Event& left, const Event& right) noexcept;

    // Not zero: a program that takes 0 for "never" must not be right by accident.
    SteadyTime now_{std::chrono::seconds(1000)};
    Rng rng_;
    std::vector<Event> heap_;
    std::uint64_t sequence_ = 0;
    std::uint64_t hash_ = 0xCBF29CE484222325ULL;
    std::uint64_t count_ = 0;
    std::array<Step, 256> steps_{};
};

}  // namespace logboom::io
