// The image: what the cluster consists of, as an immutable snapshot. A change makes a new image; whoever
// holds an old one keeps it as it was.
#pragma once

#include "collector/metadata/topic_config.h"
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
    TopicSettings settings{};                // the topic's own

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
    /// A topic whose name differs from this one by '.' and '_' only; Kafka's metrics cannot tell them apart.
    [[nodiscard]] const TopicImage* find_alike(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t partitions_count() const noexcept { return partitions_count_; }

    /// Another image with one more topic, whose name and id are new; or with another state of a topic that
    /// is there.
    [[nodiscard]] Image with(TopicImage topic) const;
    /// Another image without the topic of that id.
    [[nodiscard]] Image without(const Id128& id) const;

private:
    std::vector<TopicImage> topics_;    // by name
    std::vector<std::uint32_t> by_id_;  // places in `topics_`, by id
    std::size_t partitions_count_ = 0;
};

using ImagePtr = std::shared_ptr<const Image>;

/// Topics that Kafka's brokers write and clients do not. They are not made by their first use.
[[nodiscard]] bool is_internal_topic_name(std::string_view name) noexcept;
/// Kafka's rule: 1 to 249 of A-Z a-z 0-9 . _ - and neither "." nor "..".
[[nodiscard]] bool is_topic_name(std::string_view name) noexcept;

}  // namespace logboom::metadata
