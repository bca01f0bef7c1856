// `logboomctl topic list` and `logboomctl topic create`.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/list_format.h"
#include "collector/ctl/output.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace logboom::ctl {

struct TopicListOptions {
    ListFormat format = ListFormat::text;
};

/// Collaborators outlive the task.
Task<Outcome<ExitCode>> run_topic_list(Cluster& cluster, Output& output, TopicListOptions options);

struct TopicConfig {
    std::string name;
    std::string value;
};

struct TopicCreateOptions {
    std::vector<std::string> names;
    std::optional<std::int32_t> partitions;  ///< nothing: the broker's default
    std::optional<std::int16_t> replicas;
    std::vector<TopicConfig> configs;
    bool is_existing_fine = false;
    bool is_dry_run = false;
    ListFormat format = ListFormat::text;
};

/// Each topic is made or refused by itself; the first refusal decides the exit code.
Task<Outcome<ExitCode>> run_topic_create(
    Cluster& cluster, Output& output, TopicCreateOptions options
);

}  // namespace logboom::ctl
