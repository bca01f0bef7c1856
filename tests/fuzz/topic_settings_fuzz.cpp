// Settings that a client gives to a topic. The input: a name, a zero byte, a value.
#include "collector/metadata/topic_config.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::metadata;

namespace {

void check(const std::string_view name, const std::string_view value) {
    if (const std::optional<std::string> reason = refuse_topic_setting(name, value)) {
        LB_ASSERT(!reason->empty());
        return;
    }
    TopicSettings settings;
    put_topic_setting(settings, name, value);
    LB_ASSERT(settings.size() <= 1);
    if (!settings.empty()) {
        LB_ASSERT(!refuse_topic_setting(name, find_topic_setting(settings, name)->value));
    }
    const TopicConfig config = topic_config_of(settings, TopicConfig());
    for (const SettingInfo& info : topic_setting_infos()) {
        const std::string in_force = topic_default_of(info, config);
        LB_ASSERT(!refuse_topic_setting(info.name, in_force));
    }
}

}  // namespace

LB_FUZZ_TARGET(topic_settings) {
    const std::string_view text = as_text(fuzz::view_of(data, size));
    const std::size_t zero = std::min(text.find('\0'), text.size());
    const std::string_view value = text.substr(std::min(zero + 1, text.size()));
    check(text.substr(0, zero), value);
    for (const SettingInfo& info : topic_setting_infos()) {
        check(info.name, value);
    }
    return 0;
}
