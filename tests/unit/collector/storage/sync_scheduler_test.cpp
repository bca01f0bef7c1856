#include "collector/storage/sync_scheduler.h"

#include "shared/base/limits.h"
#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <vector>

using namespace logboom;
using namespace logboom::storage;

namespace {

using Urgency = SyncScheduler::Urgency;

/// What all targets of a test do together.
struct Syncs {
    explicit Syncs(Env& environment) : env(environment) {}

    Env& env;
    Nanos time = 1ms;
    std::size_t running = 0;
    std::size_t running_max = 0;
    std::vector<SteadyTime> begun;
};

class Target final : public SyncTarget {
public:
    explicit Target(Syncs& syncs) : syncs_(syncs) {}

    Task<void> sync_written() override {
        syncs_.begun.push_back(syncs_.env.clock.now());
        ++syncs_.running;
        syncs_.running_max = std::max(syncs_.running_max, syncs_.running);
        [[maybe_unused]] const Result<Ok> slept = co_await syncs_.env.sleep(syncs_.time);
        --syncs_.running;
        ++count;
    }

    int count = 0;

private:
    Syncs& syncs_;
};

struct SchedulerWorld {
    SchedulerWorld()
        : syncs(machine.make<Syncs>(machine.env()))
        , scheduler(machine.make<SyncScheduler>(machine.env())) {}

    Target& add_target() { return machine.make<Target>(syncs); }
    [[nodiscard]] SteadyTime now() { return machine.env().clock.now(); }

    sim::SimMachine machine;
    Syncs& syncs;
    SyncScheduler& scheduler;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sync_scheduler)

BOOST_AUTO_TEST_CASE(a_sync_that_somebody_waits_for_begins_at_once) {
    SchedulerWorld world;
    Target& target = world.add_target();
    const SteadyTime asked = world.now();
    world.scheduler.request(target, Urgency::somebody_waits, 1);
    world.machine.run_until([&] { return target.count == 1; });
    BOOST_TEST((world.syncs.begun.front() == asked));
}

BOOST_AUTO_TEST_CASE(a_sync_that_nobody_waits_for_begins_within_two_milliseconds) {
    SchedulerWorld world;
    Target& target = world.add_target();
    const SteadyTime asked = world.now();
    world.scheduler.request(target, Urgency::nobody_waits, 1);
    world.machine.run_until([&] { return target.count == 1; });
    BOOST_TEST((world.syncs.begun.front() > asked + 1ms));
    BOOST_TEST((world.syncs.begun.front() <= asked + 3ms));
}

BOOST_AUTO_TEST_CASE(many_dirty_bytes_are_synced_although_nobody_waits) {
    SchedulerWorld world;
    Target& target = world.add_target();
    const SteadyTime asked = world.now();
    world.scheduler.request(target, Urgency::nobody_waits, limits::sync_dirty_bytes - 1);
    world.machine.run_for(100us);
    BOOST_TEST(world.syncs.begun.empty());
    world.scheduler.request(target, Urgency::nobody_waits, 1);
    world.machine.run_until([&] { return target.count == 1; });
    BOOST_TEST((world.syncs.begun.front() < asked + 1ms));
}

BOOST_AUTO_TEST_CASE(whoever_waits_hurries_those_who_do_not) {
    SchedulerWorld world;
    Target& patient = world.add_target();
    Target& hasty = world.add_target();
    const SteadyTime asked = world.now();
    world.scheduler.request(patient, Urgency::nobody_waits, 1);
    world.machine.run_for(100us);
    world.scheduler.request(hasty, Urgency::somebody_waits, 1);
    world.machine.run_until([&] { return patient.count == 1 && hasty.count == 1; });
    BOOST_TEST(world.scheduler.rounds() == 1u);
    BOOST_TEST((world.syncs.begun.back() < asked + 1ms));
}

BOOST_AUTO_TEST_CASE(who_comes_while_a_round_runs_is_served_by_the_next_one_together) {
    SchedulerWorld world;
    Target& first = world.add_target();
    world.scheduler.request(first, Urgency::somebody_waits, 1);
    world.machine.run_until([&] { return world.syncs.running == 1; });
    std::vector<Target*> newcomers;
    for (int i = 0; i < 5; ++i) {
        newcomers.push_back(&world.add_target());
        world.scheduler.request(*newcomers.back(), Urgency::somebody_waits, 1);
    }
    world.scheduler.request(first, Urgency::somebody_waits, 1);  // it has written more meanwhile
    BOOST_TEST(world.syncs.running == 1u);
    world.machine.run_until([&] { return first.count == 2; });
    for (const Target* const target : newcomers) {
        BOOST_TEST(target->count == 1);
    }
    BOOST_TEST(world.scheduler.rounds() == 2u);
}

BOOST_AUTO_TEST_CASE(a_target_that_asks_often_is_synced_once_a_round) {
    SchedulerWorld world;
    Target& target = world.add_target();
    for (int i = 0; i < 10; ++i) {
        world.scheduler.request(target, Urgency::somebody_waits, 1);
    }
    world.machine.run_for(1s);
    BOOST_TEST(target.count == 1);
    BOOST_TEST(world.scheduler.rounds() == 1u);
}

BOOST_AUTO_TEST_CASE(a_round_has_a_bounded_number_of_syncs_in_flight) {
    SchedulerWorld world;
    std::deque<Target*> targets;
    for (std::size_t i = 0; i < 3 * limits::syncs_in_flight_max; ++i) {
        targets.push_back(&world.add_target());
        world.scheduler.request(*targets.back(), Urgency::somebody_waits, 1);
    }
    world.machine.run_for(1s);
    for (const Target* const target : targets) {
        BOOST_REQUIRE(target->count == 1);
    }
    BOOST_TEST(world.syncs.running_max == limits::syncs_in_flight_max);
    BOOST_TEST(world.scheduler.rounds() == 1u);
}

BOOST_AUTO_TEST_CASE(a_target_that_left_the_list_is_not_synced) {
    SchedulerWorld world;
    Target& stays = world.add_target();
    Target& leaves = world.add_target();
    world.scheduler.request(stays, Urgency::nobody_waits, 1);
    world.scheduler.request(leaves, Urgency::nobody_waits, 1);
    leaves.unlink();
    world.machine.run_for(1s);
    BOOST_TEST(stays.count == 1);
    BOOST_TEST(leaves.count == 0);
}

BOOST_AUTO_TEST_CASE(stopping_waits_for_what_is_left_and_does_not_wait_to_gather) {
    SchedulerWorld world;
    world.syncs.time = 50ms;
    Target& first = world.add_target();
    Target& second = world.add_target();
    world.scheduler.request(first, Urgency::somebody_waits, 1);
    world.machine.run_until([&] { return world.syncs.running == 1; });
    world.scheduler.request(second, Urgency::nobody_waits, 1);
    world.machine.run(world.scheduler.stop());
    BOOST_TEST(first.count == 1);
    BOOST_TEST(second.count == 1);
    world.machine.run(world.scheduler.stop());  // and has nothing more to do
}

BOOST_AUTO_TEST_SUITE_END()
