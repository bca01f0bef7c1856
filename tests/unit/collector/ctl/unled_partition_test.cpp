// What the commands of topics do when nobody leads one of two partitions.
#include "collector/ctl/topic_delete.h"
#include "collector/ctl/topic_describe.h"
#include "collector/ctl/topic_offsets.h"
#include "tests/unit/collector/ctl/ctl_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;
using tests::count_of;
using tests::CtlWorld;
using tests::values_of;

namespace {

struct UnledWorld : CtlWorld {
    UnledWorld() {
        auto& topic = broker.make("app", 2);
        topic.partitions[0].values = values_of("a", 0, 7);
        topic.partitions[1].is_led = false;
    }
    tests::Ended describe(const ListFormat format) {
        TopicDescribeOptions options;
        options.names = {"app"};
        options.format = format;
        return run([&options](Cluster& cluster, ctl::Output& output) {
            return run_topic_describe(cluster, output, options);
        });
    }
    tests::Ended offsets(const ListFormat format) {
        TopicOffsetsOptions options;
        options.names = {"app"};
        options.times = {"1970-01-01T00:00:00.005Z"};
        options.format = format;
        return run([this, &options](Cluster& cluster, ctl::Output& output) {
            return run_topic_offsets(machine.env(), cluster, output, options);
        });
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(unled_partition)

BOOST_AUTO_TEST_CASE(its_topic_can_be_deleted) {
    UnledWorld world;
    TopicDeleteOptions options;
    options.names = {"app"};
    options.is_sure = true;
    const Nanos begun = world.now();
    const auto ended = world.run([&options](Cluster& cluster, ctl::Output& output) {
        return run_topic_delete(cluster, output, options);
    });
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::success));
    BOOST_TEST(world.broker.topics.empty());
    BOOST_TEST((world.now() - begun < 1s));
}

BOOST_AUTO_TEST_CASE(its_topic_is_described_without_what_only_a_leader_knows) {
    UnledWorld world;
    const auto ended = world.describe(ListFormat::text);
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::success));
    BOOST_TEST(
        count_of(
            "PARTITION  LEADER  EPOCH  REPLICAS  ISR  START  END  RECORDS\n"
            "        0       1      1         1    1      0    7        7\n"
            "        1       -      1         1    0      -    -        -\n",
            world.written
        )
        == 1u
    );
}

BOOST_AUTO_TEST_CASE(its_topic_is_described_with_nulls_in_json) {
    UnledWorld world;
    BOOST_REQUIRE(world.describe(ListFormat::json).has_value());
    BOOST_TEST(
        count_of(
            R"({"partition":1,"leader":null,"leader_epoch":1,"replicas":1,"isr":0,)"
            R"("start":null,"end":null,"records":null})",
            world.written
        )
        == 1u
    );
}

BOOST_AUTO_TEST_CASE(its_offsets_are_missing_and_those_of_the_others_are_told) {
    UnledWorld world;
    const auto ended = world.offsets(ListFormat::text);
    BOOST_REQUIRE(ended.has_value());
    BOOST_TEST((*ended == ExitCode::success));
    BOOST_TEST(
        world.written
        == "TOPIC  PARTITION  START  END  RECORDS  @1970-01-01T00:00:00.005Z\n"
           "app            0      0    7        7                          5\n"
           "app            1      -    -        -                          -\n"
    );
}

BOOST_AUTO_TEST_CASE(its_offsets_are_nulls_in_json) {
    UnledWorld world;
    BOOST_REQUIRE(world.offsets(ListFormat::json).has_value());
    BOOST_TEST(
        count_of(
            R"("partition":1,"start":null,"end":null,"records":null,)"
            R"("at":[{"time":"1970-01-01T00:00:00.005Z","offset":null}])",
            world.written
        )
        == 1u
    );
}

BOOST_AUTO_TEST_SUITE_END()
