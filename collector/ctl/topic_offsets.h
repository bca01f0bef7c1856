// `logboomctl topic offsets`: what each partition has, and where it was at a time.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/list_format.h"
#include "collector/ctl/output.h"
#include "collector/ctl/time_text.h"

#include <string>
#include <vector>

namespace logboom::ctl {

struct TopicOffsetsOptions {
    std::vector<std::string> names;
    std::vector<std::string> times;  ///< `--at`: as the user wrote them
    TimeZone zone = TimeZone::local;
    ListFormat format = ListFormat::text;
};

/// Collaborators outlive the task.
Task<Outcome<ExitCode>> run_topic_offsets(
    Env& env, Cluster& cluster, Output& output, TopicOffsetsOptions options
);

}  // namespace logboom::ctl
