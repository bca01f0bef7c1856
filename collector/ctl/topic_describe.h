// `logboomctl topic describe`: partitions, offsets and settings.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/list_format.h"
#include "collector/ctl/output.h"

#include <string>
#include <vector>

namespace logboom::ctl {

struct TopicDescribeOptions {
    std::vector<std::string> names;
    ListFormat format = ListFormat::text;
};

/// Collaborators outlive the task.
Task<Outcome<ExitCode>> run_topic_describe(
    Cluster& cluster, Output& output, TopicDescribeOptions options
);

}  // namespace logboom::ctl
