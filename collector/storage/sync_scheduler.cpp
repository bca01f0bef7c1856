#include "collector/storage/sync_scheduler.h"

#include "shared/base/limits.h"

namespace logboom::storage {

namespace {

// How long written bytes may wait for company when nobody waits for them.
constexpr Nanos gather_time = 2ms;

}  // namespace

SyncScheduler::SyncScheduler(Env& env)
    : env_(env)
    , hurry_(env.scheduler)
    , scope_(env.scheduler) {}

void SyncScheduler::request(
    SyncTarget& target, const Urgency urgency, const std::uint64_t bytes
) {
    if (!target.is_linked()) {
        waiting_.push_back(target);
    }
    dirty_bytes_ += bytes;
    is_urgent_ = is_urgent_ || urgency == Urgency::somebody_waits
                 || dirty_bytes_ >= limits::sync_dirty_bytes;
    if (!is_running_) {
        is_running_ = true;
        scope_.spawn(run());
    } else if (is_urgent_) {
        hurry_.wake_all();
    }
}

Task<void> SyncScheduler::stop() {
    is_urgent_ = true;
    hurry_.wake_all();
    co_await scope_.join();
    LB_ASSERT(waiting_.empty());
}

Task<void> SyncScheduler::run() {
    while (!waiting_.empty()) {
        if (!is_urgent_) {
            const SteadyTime until = env_.clock.now() + gather_time;
            [[maybe_unused]] const Result<Ok> hurried = co_await hurry_.wait(until);
        }
        is_urgent_ = false;
        dirty_bytes_ = 0;
        io::IntrusiveList<SyncTarget> round;
        round.take_all(waiting_);
        ++rounds_;
        co_await run_round(round);
    }
    is_running_ = false;
}

Task<void> SyncScheduler::run_round(io::IntrusiveList<SyncTarget>& round) {
    Scope syncs(env_.scheduler);
    for (std::size_t i = 0; i < limits::syncs_in_flight_max && !round.empty(); ++i) {
        // Starts its first sync inside the call, so the list is one shorter each time.
        syncs.spawn_now(sync_some(round));
    }
    co_await syncs.join();
}

Task<void> SyncScheduler::sync_some(io::IntrusiveList<SyncTarget>& round) {
    while (!round.empty()) {
        SyncTarget& target = round.pop_front();
        co_await target.sync_written();
    }
}

}  // namespace logboom::storage
