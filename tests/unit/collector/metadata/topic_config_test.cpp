#include "collector/metadata/topic_config.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace logboom;
using namespace logboom::metadata;

namespace {

/// Why a setting is refused; empty if it is not.
std::string refusal(const std::string_view name, const std::string_view value) {
    return refuse_topic_setting(name, value).value_or("");
}

TopicSettings settings_of(const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
    TopicSettings settings;
    for (const auto& [name, value] : pairs) {
        BOOST_REQUIRE(refusal(name, value) == "");
        put_topic_setting(settings, name, value);
    }
    return settings;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(topic_config)

BOOST_AUTO_TEST_CASE(a_setting_that_is_not_there_is_refused_by_its_name) {
    BOOST_TEST(refusal("retention", "1") == "there is no topic setting \"retention\"");
    BOOST_TEST(refusal("", "1") == "there is no topic setting \"\"");
    BOOST_TEST(refusal(std::string(40'000, 'x'), "1").size() < 200u);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_none_is_refused_with_what_would_be_one) {
    BOOST_TEST(
        refusal("retention.ms", "a week")
        == "retention.ms takes a whole number from -1 on, not \"a week\""
    );
    BOOST_TEST(
        refusal("max.message.bytes", "8388609")
        == "max.message.bytes takes a whole number from 0 to 8388608, not \"8388609\""
    );
    BOOST_TEST(
        refusal("message.timestamp.type", "now")
        == "message.timestamp.type takes CreateTime or LogAppendTime, not \"now\""
    );
    BOOST_TEST(
        refusal("cleanup.policy", "compact")
        == "cleanup.policy takes delete, not \"compact\": topics are not compacted here"
    );
    for (const std::string_view value :
         {"", " ", "1.5", "1e3", "0x10", "-2", "9223372036854775808"}) {
        BOOST_TEST(refusal("retention.ms", value) != "");
    }
    for (const std::string_view value : {"nan", "inf", "1.1", "-0.1", "x", "0.5x"}) {
        BOOST_TEST(refusal("min.cleanable.dirty.ratio", value) != "");
    }
    BOOST_TEST(refusal("min.cleanable.dirty.ratio", "0." + std::string(500, '1')) != "");
    BOOST_TEST(refusal("segment.bytes", "65535") != "");
    BOOST_TEST(refusal("min.insync.replicas", "0") != "");
}

BOOST_AUTO_TEST_CASE(what_this_node_does_not_do_can_only_be_left_off) {
    BOOST_TEST(refusal("compression.type", "gzip") != "");
    BOOST_TEST(refusal("compression.type", "producer") == "");
    BOOST_TEST(refusal("cleanup.policy", "compact,delete") != "");
    BOOST_TEST(refusal("unclean.leader.election.enable", "true") != "");
    BOOST_TEST(refusal("unclean.leader.election.enable", "false") == "");
    BOOST_TEST(refusal("remote.storage.enable", "true") != "");
}

BOOST_AUTO_TEST_CASE(settings_act_over_the_defaults_and_leave_what_they_do_not_name) {
    TopicConfig defaults;
    defaults.retention_ms = 5;
    defaults.segment_bytes = 1 << 20;
    const TopicSettings settings = settings_of(
        {{"segment.bytes", "65536"},
         {"message.timestamp.type", "LogAppendTime"},
         {"retention.bytes", " 7 "},
         {"segment.ms", "60000"},
         {"max.message.bytes", "1000"},
         {"min.insync.replicas", "2"},
         {"message.timestamp.before.max.ms", "10"},
         {"message.timestamp.after.max.ms", "20"}}
    );
    TopicConfig expected;
    expected.retention_ms = 5;
    expected.segment_bytes = 65536;
    expected.timestamp_type = TimestampType::log_append_time;
    expected.retention_bytes = 7;
    expected.segment_ms = 60000;
    expected.max_message_bytes = 1000;
    expected.min_insync_replicas = 2;
    expected.timestamp_before_max_ms = 10;
    expected.timestamp_after_max_ms = 20;
    BOOST_TEST((topic_config_of(settings, defaults) == expected));
    BOOST_TEST(find_topic_setting(settings, "retention.bytes")->value == "7");
    BOOST_TEST(find_topic_setting(settings, "retention.ms") == nullptr);
    BOOST_TEST(std::ranges::is_sorted(settings, {}, &TopicSetting::name));
}

BOOST_AUTO_TEST_CASE(a_kept_value_that_has_no_meaning_any_more_counts_as_not_given) {
    const TopicSettings settings{
        {"max.message.bytes", "99999999999"}, {"of.a.newer.version", "1"}, {"retention.ms", "7"}};
    TopicConfig expected;
    expected.retention_ms = 7;
    BOOST_TEST((topic_config_of(settings, TopicConfig()) == expected));
}

BOOST_AUTO_TEST_CASE(settings_of_older_kafkas_are_taken_and_dropped) {
    const TopicSettings settings = settings_of(
        {{"message.format.version", "2.8"}, {"message.downconversion.enable", "whatever"}}
    );
    BOOST_TEST(settings.empty());
}

BOOST_AUTO_TEST_CASE(every_setting_has_a_default_that_it_takes_itself_and_a_sentence) {
    std::string_view before;
    for (const SettingInfo& info : topic_setting_infos()) {
        BOOST_TEST((before < info.name));
        before = info.name;
        const std::string value = topic_default_of(info, TopicConfig());
        BOOST_TEST(refusal(info.name, value) == "");
        BOOST_TEST(info.doc.ends_with('.'));
    }
    BOOST_TEST(topic_setting_infos().size() == 33u);
}

BOOST_AUTO_TEST_SUITE_END()
