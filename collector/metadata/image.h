// The image: what the cluster consists of, as an immutable snapshot. A change makes a new image; whoever
// holds an old one keeps it as it was.
#pragma once

#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/source_cursor.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::metadata {

using record::Id128;

struct PartitionImage {
    PartitionIndex index;
    /// From 0; raised at every start of the leader.
    LeaderEpoch leader_epoch;

    bool operator==(const PartitionImage&) const = default;
};

struct TopicImage {
    std::string name;
    Id128 id{};
    std::vector<PartitionImage> partitions;  // by index, without holes

    bool operator==(const TopicImage&) const = default;
};

class Image {
public:
    /// `topics` in any order; names and ids are unique.
    explicit Image(std::vector<TopicImage> topics);

    /// Nothing if there is no such topic. The topic lives as long as the image.
    [[nodiscard]] const TopicImage* find(std::string_view name) const noexcept;
    [[nodiscard]] const TopicImage* find(const Id128& id) const noexcept;
    /// In byte order of their names.
    [[nodiscard]] const std::vector<TopicImage>& topics() const noexcept { return topics_; }
    /// Another image with one more topic, whose name and id are new.
    [[nodiscard]] Image with(TopicImage topic) const;

private:
    std::vector<TopicImage> topics_;    // by name
    std::vector<std::uint32_t> by_id_;  // places in `topics_`, by id
};

using ImagePtr = std::shared_ptr<const Image>;

/// Kafka's rule: 1 to 249 of A-Z a-z 0-9 . _ - and neither "." nor "..".
/// Topics that Kafka's brokers write and clients do not. They are not made by their first use.
[[nodiscard]] bool is_internal_topic_name(std::string_view name) noexcept;
[[nodiscard]] bool is_topic_name(std::string_view name) noexcept;

}  // namespace logboom::metadata
