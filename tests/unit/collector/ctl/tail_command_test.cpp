#include "collector/ctl/tail_command.h"

#include "tests/unit/collector/ctl/ctl_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;
using kafka::KafkaError;
using tests::count_of;
using tests::CtlWorld;
using tests::lines_of;
using tests::ModelBroker;
using tests::values_of;

namespace {

TopicLayout topic_named(const std::string& name, const bool is_internal = false) {
    TopicLayout topic;
    topic.name = name;
    topic.is_internal = is_internal;
    return topic;
}

/// A topic "app" with fifteen records in partition 0 and three in partition 1.
struct TailWorld : CtlWorld {
    TailWorld() {
        broker.make("app", 2);
        good().values = values_of("a", 0, 15);
        bad().values = values_of("b", 0, 3);
    }
    ModelBroker::Partition& good() { return broker.topics["app"].partitions[0]; }
    ModelBroker::Partition& bad() { return broker.topics["app"].partitions[1]; }
};

TailOptions to_the_end() {
    TailOptions options;
    options.should_exit_at_end = true;
    return options;
}

void append(ModelBroker::Partition& partition, const std::vector<std::string>& values) {
    partition.values.insert(partition.values.end(), values.begin(), values.end());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tail_command)

BOOST_AUTO_TEST_CASE(topics_of_our_own_are_followed_only_when_asked_for) {
    BOOST_TEST(follows({}, topic_named("app")));
    BOOST_TEST(!follows({}, topic_named("lb.loss")));
    BOOST_TEST(!follows({}, topic_named("__consumer_offsets", true)));
    BOOST_TEST(!follows({"*"}, topic_named("lb.loss")));
    BOOST_TEST(follows({"lb.*"}, topic_named("lb.loss")));
    BOOST_TEST(follows({"lb.loss"}, topic_named("lb.loss")));
    BOOST_TEST(follows({"__consumer_offsets"}, topic_named("__consumer_offsets", true)));
}

BOOST_AUTO_TEST_CASE(names_and_globs_look_at_whole_names) {
    BOOST_TEST(follows({"web", "app-?"}, topic_named("app-1")));
    BOOST_TEST(!follows({"web", "app-?"}, topic_named("app-10")));
    BOOST_TEST(!follows({"app"}, topic_named("app-1")));
}

BOOST_AUTO_TEST_CASE(a_cursor_is_read_as_it_is_written) {
    const TailCursor cursor = {{{"app", 0}, 128}, {{"app", 10}, 0}, {{"web.x_y-z", 1}, INT64_MAX}};
    const std::string text = to_string(cursor);
    BOOST_TEST(text == "app/0@128,app/10@0,web.x_y-z/1@9223372036854775807");
    BOOST_TEST((parse_tail_cursor(text) == cursor));
    for (const char* const bad :
         {"",
          ",",
          "app",
          "app/0",
          "app@1",
          "/0@1",
          "app/0@",
          "app/@1",
          "app/0@-1",
          "app/x@1",
          "app@1/0",
          "app/0@1x",
          "app/0@9223372036854775808"}) {
        BOOST_TEST(!parse_tail_cursor(bad).has_value(), bad);
    }
}

BOOST_AUTO_TEST_CASE(a_damaged_partition_keeps_nobody_from_the_others) {
    TailWorld world;
    world.bad().fetch_error = KafkaError::corrupt_message;
    auto ended = world.begin_tail(TailOptions());
    world.machine.run_for(3s);
    BOOST_TEST(world.written == lines_of("a", 5, 15));
    append(world.good(), values_of("a", 15, 40));
    world.machine.run_for(60s);
    BOOST_TEST(world.written == lines_of("a", 5, 40));
    BOOST_TEST(count_of("app/1@0 cannot be read: CORRUPT_MESSAGE", world.said) == 1u);
    BOOST_TEST(!ended.is_there());
}

BOOST_AUTO_TEST_CASE(a_tail_to_the_end_tells_a_damaged_partition_and_fails) {
    TailWorld world;
    world.bad().fetch_error = KafkaError::corrupt_message;
    const auto ended = world.tail(to_the_end());
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::failed));
    BOOST_TEST(world.written == lines_of("a", 5, 15));
    BOOST_TEST(count_of("app/1@0 cannot be read: CORRUPT_MESSAGE", world.said) == 1u);
}

BOOST_AUTO_TEST_CASE(damage_leaves_what_was_read_before_it) {
    TailWorld world;
    TailOptions options;
    options.last = 20;
    auto ended = world.begin_tail(options);
    world.machine.run_for(3s);
    world.bad().fetch_error = KafkaError::corrupt_message;
    append(world.good(), {"more"});
    world.machine.run_for(3s);
    BOOST_TEST(count_of("b2\n", world.written) == 1u);
    BOOST_TEST(count_of("more\n", world.written) == 1u);
    BOOST_TEST(count_of("app/1@3 cannot be read", world.said) == 1u);
}

BOOST_AUTO_TEST_CASE(a_tail_to_the_end_does_not_try_a_partition_for_ever) {
    TailWorld world;
    world.bad().fetch_error = KafkaError::kafka_storage_error;
    const Nanos begun = world.now();
    const auto ended = world.tail(to_the_end());
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::failed));
    BOOST_TEST((world.now() - begun < 1min));
    BOOST_TEST(world.written == lines_of("a", 5, 15));
    BOOST_TEST(count_of("app/1@0 cannot be read: KAFKA_STORAGE_ERROR", world.said) == 1u);
}

BOOST_AUTO_TEST_CASE(an_error_that_lasts_is_told_once_and_tried_again) {
    TailWorld world;
    world.bad().fetch_error = KafkaError::not_leader_or_follower;
    auto ended = world.begin_tail(TailOptions());
    world.machine.run_for(2s);
    BOOST_TEST(world.written == lines_of("a", 5, 15));
    BOOST_TEST(world.said == "");
    world.machine.run_for(5min);
    BOOST_TEST(count_of("app/1@0 cannot be read: NOT_LEADER_OR_FOLLOWER", world.said) == 1u);
    world.bad().fetch_error = KafkaError::none;
    world.machine.run_for(10s);
    BOOST_TEST(world.written == lines_of("a", 5, 15) + lines_of("b", 0, 3));
    BOOST_TEST(count_of("app/1@0 can be read now", world.said) == 1u);
    BOOST_TEST(!ended.is_there());
}

BOOST_AUTO_TEST_CASE(a_partition_that_loses_its_leader_does_not_keep_a_tail_from_its_end) {
    TailWorld world;
    world.bad().fetch_error = KafkaError::not_leader_or_follower;
    auto ended = world.begin_tail(to_the_end());
    world.machine.run_for(1s);
    world.bad().is_led = false;
    world.machine.run_until([&ended] { return ended.is_there(); });
    BOOST_TEST((*ended.value() == ExitCode::failed));
    BOOST_TEST(world.written == lines_of("a", 5, 15));
}

BOOST_AUTO_TEST_CASE(a_partition_without_leader_is_told_and_begins_later_as_if_it_had_been_there) {
    TailWorld world;
    world.bad().values = values_of("b", 0, 30);
    world.bad().is_led = false;
    world.broker.make("web", 1).partitions[0].values = values_of("w", 0, 1);
    TailOptions options;
    options.last = 20;
    auto ended = world.begin_tail(options);
    world.machine.run_for(3s);
    BOOST_TEST(count_of("a14\n", world.written) == 1u);
    BOOST_TEST(count_of("w0\n", world.written) == 1u);
    world.machine.run_for(5min);
    BOOST_TEST(count_of("app/1", world.said) == 1u);
    BOOST_TEST(count_of("nobody leads app/1;", world.said) == 1u);
    world.written.clear();
    world.bad().is_led = true;
    world.machine.run_for(10s);
    BOOST_TEST(world.written == lines_of("b", 10, 30));
    BOOST_TEST(!ended.is_there());
}

BOOST_AUTO_TEST_CASE(a_leader_that_refuses_at_first_does_not_end_the_tail) {
    TailWorld world;
    world.bad().is_led = false;
    auto ended = world.begin_tail(TailOptions());
    world.machine.run_for(1s);
    world.bad().is_led = true;
    world.bad().list_error = KafkaError::not_leader_or_follower;
    world.machine.run_for(3s);
    BOOST_TEST(!ended.is_there());
    world.bad().list_error = KafkaError::none;
    world.machine.run_for(10s);
    BOOST_TEST(world.written == lines_of("a", 5, 15) + lines_of("b", 0, 3));
}

BOOST_AUTO_TEST_CASE(a_tail_to_the_end_does_not_wait_for_a_leader_for_ever) {
    TailWorld world;
    world.bad().is_led = false;
    const Nanos begun = world.now();
    const auto ended = world.tail(to_the_end());
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::failed));
    BOOST_TEST((world.now() - begun < 1min));
    BOOST_TEST(world.written == lines_of("a", 5, 15));
}

BOOST_AUTO_TEST_CASE(a_partition_that_is_added_is_read_from_its_beginning) {
    TailWorld world;
    auto ended = world.begin_tail(TailOptions());
    world.machine.run_for(3s);
    world.written.clear();
    ModelBroker::Partition added;
    added.values = values_of("c", 0, 30);
    added.is_led = false;
    world.broker.topics["app"].partitions.push_back(added);
    world.machine.run_for(10s);
    world.broker.topics["app"].partitions[2].is_led = true;
    world.machine.run_for(10s);
    BOOST_TEST(world.written == lines_of("c", 0, 30));
    BOOST_TEST(!ended.is_there());
}

BOOST_AUTO_TEST_CASE(a_cursor_keeps_the_place_of_a_partition_that_nobody_led) {
    TailWorld world;
    world.bad().is_led = false;
    TailOptions options;
    options.cursor = {{{"app", 0}, 3}, {{"app", 1}, 2}};
    options.records_max = 1;
    const auto ended = world.tail(options);
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST(world.written == "a3\n");
    BOOST_TEST(count_of("--cursor app/0@4,app/1@2\n", world.said) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
