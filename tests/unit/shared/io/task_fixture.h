// For tests of tasks alone: a scheduler and a scope, without I/O. Time is what the test says.
#pragma once

#include "shared/io/scope.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace logboom::test {

/// Counts its living copies, and whether one ended that had not begun or ended before: what a
/// miscompiled coroutine does to its temporaries.
class Tracked {
public:
    Tracked() { begin(); }
    explicit Tracked(const int number) : value(number) { begin(); }
    Tracked(const Tracked& other) : value(other.value) { begin(); }
    Tracked(Tracked&& other) noexcept : value(std::exchange(other.value, 0)) { begin(); }
    Tracked& operator=(const Tracked&) = default;
    Tracked& operator=(Tracked&&) = default;
    ~Tracked() {
        --living;
        wrong += mark_ != this ? 1 : 0;
        mark_ = nullptr;
    }

    int value = 0;

    inline static int living = 0;
    inline static int wrong = 0;
    static void reset() { living = wrong = 0; }

private:
    void begin() {
        mark_ = this;
        ++living;
    }

    const volatile void* volatile mark_ = nullptr;
};

struct TaskFixture {
    TaskFixture() { Tracked::reset(); }
    TaskFixture(const TaskFixture&) = delete;
    TaskFixture& operator=(const TaskFixture&) = delete;
    ~TaskFixture() {
        if (!scheduler.is_crashing()) {
            BOOST_TEST(scope.empty(), "a task has not ended");
            scheduler.begin_crash();
        }
    }

    /// Resumes what is ready, also what becomes ready by it.
    void turn() { scheduler.run_ready(1'000'000); }
    /// Moves the time in steps, and runs what its timers wake.
    void pass(const Nanos time) {
        scheduler.advance(scheduler.now() + time);
        turn();
    }
    void begin(Task<void> task) {
        scope.spawn(std::move(task));
        turn();
    }
    /// For tasks that end without help from outside.
    void run(Task<void> task) {
        begin(std::move(task));
        LB_ASSERT(scope.empty());
    }

    io::Scheduler scheduler{SteadyTime(1000s)};
    std::vector<std::string> seen;
    Scope scope{scheduler};
};

}  // namespace logboom::test
