#include "collector/metadata/image.h"

#include "shared/base/limits.h"

#include <algorithm>
#include <numeric>

namespace logboom::metadata {

Image::Image(std::vector<TopicImage> topics) : topics_(std::move(topics)), by_id_(topics_.size()) {
    std::sort(topics_.begin(), topics_.end(), [](const TopicImage& a, const TopicImage& b) {
        return a.name < b.name;
    });
    std::iota(by_id_.begin(), by_id_.end(), 0U);
    std::sort(by_id_.begin(), by_id_.end(), [this](const std::uint32_t a, const std::uint32_t b) {
        return topics_[a].id < topics_[b].id;
    });
    for (const TopicImage& topic : topics_) {
        partitions_count_ += topic.partitions.size();
    }
}

const TopicImage* Image::find(const std::string_view name) const noexcept {
    const auto found =
        std::partition_point(topics_.begin(), topics_.end(), [name](const TopicImage& topic) {
            return topic.name < name;
        });
    return found != topics_.end() && found->name == name ? &*found : nullptr;
}

const TopicImage* Image::find(const Id128& id) const noexcept {
    const auto found =
        std::partition_point(by_id_.begin(), by_id_.end(), [this, &id](const std::uint32_t place) {
            return topics_[place].id < id;
        });
    return found != by_id_.end() && topics_[*found].id == id ? &topics_[*found] : nullptr;
}

Image Image::with(TopicImage topic) const {
    std::vector<TopicImage> topics = topics_;
    const auto known = std::ranges::find(topics, topic.id, &TopicImage::id);
    if (known != topics.end()) {
        LB_ASSERT(known->name == topic.name);
        *known = std::move(topic);
    } else {
        LB_ASSERT(find(topic.name) == nullptr);
        topics.push_back(std::move(topic));
    }
    return Image(std::move(topics));
}

Image Image::without(const Id128& id) const {
    LB_ASSERT(find(id) != nullptr);
    std::vector<TopicImage> topics = topics_;
    std::erase_if(topics, [&id](const TopicImage& topic) { return topic.id == id; });
    return Image(std::move(topics));
}

const TopicImage* Image::find_alike(const std::string_view name) const noexcept {
    const auto is_alike = [name](const TopicImage& topic) {
        return topic.name != name
            && std::ranges::equal(topic.name, name, [](const char a, const char b) {
                   return a == b || ((a == '.' || a == '_') && (b == '.' || b == '_'));
               });
    };
    const auto found = std::ranges::find_if(topics_, is_alike);
    return found == topics_.end() ? nullptr : &*found;
}

bool is_internal_topic_name(const std::string_view name) noexcept {
    return name == "__consumer_offsets" || name == "__transaction_state";
}

bool is_topic_name(const std::string_view name) noexcept {
    const auto is_allowed = [](const char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
            || c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= limits::topic_name_bytes_max && name != "."
        && name != ".." && std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace logboom::metadata
