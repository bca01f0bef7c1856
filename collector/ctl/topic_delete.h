// `logboomctl topic delete`.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/list_format.h"
#include "collector/ctl/output.h"

#include <string>
#include <vector>

namespace logboom::ctl {

struct TopicDeleteOptions {
    std::vector<std::string> names;
    bool is_sure = false;          ///< `--yes`: nobody is asked
    bool is_missing_fine = false;  ///< `--if-exists`
    bool is_dry_run = false;
    ListFormat format = ListFormat::text;
};

/// Asks the user first. Each topic is deleted or refused by itself; the first refusal decides the exit code.
/// Collaborators outlive the task.
Task<Outcome<ExitCode>> run_topic_delete(
    Cluster& cluster, Output& output, TopicDeleteOptions options
);

}  // namespace logboom::ctl
