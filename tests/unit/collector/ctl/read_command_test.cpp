#include "collector/ctl/read_command.h"

#include "tests/unit/collector/ctl/ctl_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;
using kafka::KafkaError;
using tests::CtlWorld;
using tests::lines_of;
using tests::ModelBroker;
using tests::values_of;

namespace {

/// A topic "app" with three records in each of two partitions.
struct ReadWorld : CtlWorld {
    ReadWorld() {
        broker.make("app", 2);
        partition(0).values = values_of("a", 0, 3);
        partition(1).values = values_of("b", 0, 3);
    }
    ModelBroker::Partition& partition(const std::size_t index) {
        return broker.topics["app"].partitions[index];
    }
    /// How a read ends that goes on until then.
    tests::Ended end_of(sim::Outcome<tests::Ended>& read) {
        machine.run_until([&read] { return read.is_there(); });
        return read.value();
    }
};

ReadOptions of_app() {
    ReadOptions options;
    options.topic = "app";
    return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(read_command)

BOOST_AUTO_TEST_CASE(damage_is_told_with_its_place_and_not_tried_again) {
    ReadWorld world;
    world.partition(1).fetch_error = KafkaError::corrupt_message;
    const Nanos begun = world.now();
    const auto ended = world.read(of_app());
    BOOST_REQUIRE(!ended.has_value());
    BOOST_TEST((ended.error().exit_code == ExitCode::failed));
    BOOST_TEST(ended.error().what.find("app/1@0 is damaged") == 0u);
    BOOST_TEST(ended.error().hint.find("logboomctl read app -p 1 -o OFFSET") == 0u);
    BOOST_TEST((world.now() - begun < 1s));
}

BOOST_AUTO_TEST_CASE(an_error_that_passes_is_not_seen) {
    ReadWorld world;
    world.partition(0).fetch_error = KafkaError::not_leader_or_follower;
    ReadOptions options = of_app();
    options.should_exit_at_end = true;
    auto read = world.begin_read(options);
    world.machine.run_for(1s);
    world.partition(0).fetch_error = KafkaError::none;
    const auto ended = world.end_of(read);
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::success));
    BOOST_TEST(world.written == lines_of("b", 0, 3) + lines_of("a", 0, 3));
}

BOOST_AUTO_TEST_CASE(a_topic_made_anew_with_fewer_partitions_ends_the_read) {
    ReadWorld world;
    auto read = world.begin_read(of_app());
    world.machine.run_for(1s);
    world.broker.make("app", 1).partitions[0].values = values_of("n", 0, 9);
    const auto ended = world.end_of(read);
    BOOST_REQUIRE(!ended.has_value());
    BOOST_TEST((ended.error().exit_code == ExitCode::not_found));
    BOOST_TEST(ended.error().what == "topic 'app' was deleted and made anew while it was read");
    BOOST_TEST(ended.error().hint == "logboomctl read app -o start");
    BOOST_TEST(world.written == lines_of("a", 0, 3) + lines_of("b", 0, 3));
}

BOOST_AUTO_TEST_CASE(offsets_of_a_topic_are_not_used_in_the_next_one_of_its_name) {
    ReadWorld world;
    auto read = world.begin_read(of_app());
    world.machine.run_for(1s);
    world.broker.make("app", 2).partitions[0].values = values_of("n", 0, 9);
    const auto ended = world.end_of(read);
    BOOST_REQUIRE(!ended.has_value());
    BOOST_TEST((ended.error().exit_code == ExitCode::not_found));
    BOOST_TEST(world.written == lines_of("a", 0, 3) + lines_of("b", 0, 3));
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_deleted_ends_the_read) {
    ReadWorld world;
    auto read = world.begin_read(of_app());
    world.machine.run_for(1s);
    world.broker.topics.erase("app");
    const auto ended = world.end_of(read);
    BOOST_REQUIRE(!ended.has_value());
    BOOST_TEST((ended.error().exit_code == ExitCode::not_found));
    BOOST_TEST(ended.error().what == "topic 'app' does not exist");
}

BOOST_AUTO_TEST_CASE(only_the_chosen_partitions_need_a_leader) {
    ReadWorld world;
    world.partition(1).is_led = false;
    ReadOptions options = of_app();
    options.partitions = {0};
    options.should_exit_at_end = true;
    const Nanos begun = world.now();
    const auto ended = world.read(options);
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::success));
    BOOST_TEST(world.written == lines_of("a", 0, 3));
    BOOST_TEST((world.now() - begun < 1s));

    options.partitions.clear();
    const auto of_all = world.read(options);
    BOOST_REQUIRE(!of_all.has_value());
    BOOST_TEST((of_all.error().exit_code == ExitCode::timed_out));
    BOOST_TEST(of_all.error().what == "nobody leads app/1");
}

BOOST_AUTO_TEST_CASE(a_read_that_recovers_does_not_wait_for_partitions_that_it_does_not_read) {
    ReadWorld world;
    world.partition(0).fetch_error = KafkaError::not_leader_or_follower;
    world.partition(1).is_led = false;
    ReadOptions options = of_app();
    options.partitions = {0};
    options.should_exit_at_end = true;
    const Nanos begun = world.now();
    auto read = world.begin_read(options);
    world.machine.run_for(1s);
    world.partition(0).fetch_error = KafkaError::none;
    const auto ended = world.end_of(read);
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::success));
    BOOST_TEST((world.now() - begun < 5s));
}

BOOST_AUTO_TEST_SUITE_END()
