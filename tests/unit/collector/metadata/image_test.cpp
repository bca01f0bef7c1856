#define BOOST_TEST_MODULE collector_metadata
#include "collector/metadata/image.h"

#include "shared/base/limits.h"

#include <boost/test/unit_test.hpp>

#include <array>

using namespace logboom;
using namespace logboom::metadata;

namespace {

TopicImage topic(const std::string& name, const std::uint8_t id) {
    TopicImage made;
    made.name = name;
    made.id = Id128{std::byte{id}};
    made.partitions.push_back(PartitionImage{PartitionIndex(0), LeaderEpoch(0)});
    return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(image)

BOOST_AUTO_TEST_CASE(a_topic_that_is_not_there_is_not_found) {
    const Image empty{{}};
    BOOST_TEST(empty.find("a") == nullptr);
    BOOST_TEST(empty.find(Id128{}) == nullptr);
    const Image image({topic("b", 2), topic("d", 1)});
    for (const std::string_view name : {"", "a", "c", "e", "bb"}) {
        BOOST_TEST(image.find(name) == nullptr);
    }
    BOOST_TEST(image.find(Id128{std::byte{3}}) == nullptr);
    BOOST_TEST(image.find(Id128{}) == nullptr);
}

BOOST_AUTO_TEST_CASE(topics_are_found_by_name_and_by_id_and_listed_by_name) {
    const Image image({topic("c", 1), topic("a", 9), topic("b", 5)});
    BOOST_TEST(image.find("a")->name == "a");
    BOOST_TEST(image.find("c")->name == "c");
    BOOST_TEST(image.find(Id128{std::byte{1}})->name == "c");
    BOOST_TEST(image.find(Id128{std::byte{5}})->name == "b");
    BOOST_TEST(image.find(Id128{std::byte{9}})->name == "a");
    BOOST_REQUIRE(image.topics().size() == 3u);
    BOOST_TEST(image.topics()[0].name == "a");
    BOOST_TEST(image.topics()[2].name == "c");
}

BOOST_AUTO_TEST_CASE(one_more_topic_makes_another_image_and_leaves_this_one) {
    const Image before({topic("a", 1)});
    const Image after = before.with(topic("0", 2));
    BOOST_TEST(before.topics().size() == 1u);
    BOOST_TEST(before.find("0") == nullptr);
    BOOST_TEST(after.find("0") != nullptr);
    BOOST_TEST(after.find("a") != nullptr);
}

BOOST_AUTO_TEST_CASE(another_state_of_a_topic_takes_its_place) {
    const Image before({topic("a", 1), topic("b", 2)});
    TopicImage grown = topic("a", 1);
    grown.partitions.push_back(PartitionImage{PartitionIndex(1), LeaderEpoch(0)});
    const Image after = before.with(grown);
    BOOST_TEST(after.topics().size() == 2u);
    BOOST_TEST(after.find("a")->partitions.size() == 2u);
    BOOST_TEST(after.partitions_count() == 3u);
    BOOST_TEST(before.partitions_count() == 2u);
}

BOOST_AUTO_TEST_CASE(without_a_topic_is_another_image_and_leaves_this_one) {
    const Image before({topic("a", 1), topic("b", 2)});
    const Image after = before.without(Id128{std::byte{1}});
    BOOST_TEST(after.find("a") == nullptr);
    BOOST_TEST(after.find(Id128{std::byte{1}}) == nullptr);
    BOOST_TEST(after.find("b") != nullptr);
    BOOST_TEST(before.find("a") != nullptr);
}

BOOST_AUTO_TEST_CASE(names_that_differ_by_dots_and_underscores_only_are_alike) {
    const Image image({topic("a.b_c", 1)});
    BOOST_TEST(image.find_alike("a_b.c")->name == "a.b_c");
    BOOST_TEST(image.find_alike("a.b.c")->name == "a.b_c");
    for (const std::string_view other : {"a.b_c", "a-b_c", "ab_c", "a.b_cd", ""}) {
        BOOST_TEST(image.find_alike(other) == nullptr);
    }
}

BOOST_AUTO_TEST_CASE(a_topic_name_follows_kafkas_rule) {
    constexpr std::array<std::string_view, 7> bad{
        "", ".", "..", "a b", "a/b", "caf\xc3\xa9", "a\n"};
    for (const std::string_view name : bad) {
        BOOST_TEST(!is_topic_name(name));
    }
    BOOST_TEST(!is_topic_name(std::string(limits::topic_name_bytes_max + 1, 'a')));
    BOOST_TEST(!is_topic_name(std::string("a\0b", 3)));
    constexpr std::array<std::string_view, 5> good{
        "a", "...", "A-z_0.9", "__consumer_offsets", "0"};
    for (const std::string_view name : good) {
        BOOST_TEST(is_topic_name(name));
    }
    BOOST_TEST(is_topic_name(std::string(limits::topic_name_bytes_max, 'a')));
}

BOOST_AUTO_TEST_CASE(only_the_topics_that_brokers_write_are_internal) {
    BOOST_TEST(is_internal_topic_name("__consumer_offsets"));
    BOOST_TEST(is_internal_topic_name("__transaction_state"));
    BOOST_TEST(!is_internal_topic_name("__of_a_user"));
}

BOOST_AUTO_TEST_SUITE_END()
