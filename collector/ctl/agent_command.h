// `logboomctl agent list`.
#pragma once

#include "collector/ctl/connect.h"
#include "collector/ctl/list_format.h"
#include "collector/ctl/output.h"

#include <string>
#include <string_view>

namespace logboom::ctl {

struct AgentListOptions {
    PeerAddress api;
    Nanos timeout = 10s;
    bool is_problem_only = false;  ///< leaves those out that are well
    ListFormat format = ListFormat::text;
};

/// Asks the collector's HTTP door. Collaborators outlive the task.
Task<Outcome<ExitCode>> run_agent_list(Env& env, Output& output, AgentListOptions options);

/// What the command shows of the API's answer, `now` being when it was asked.
[[nodiscard]] Outcome<std::string> agents_as_text(
    std::string_view answer, const AgentListOptions& options, WallTime now
);

/// "http://lb1:7462", "lb1:7462", "lb1". Nothing: it is no address of an API.
[[nodiscard]] std::optional<PeerAddress> parse_api_address(std::string_view text);

}  // namespace logboom::ctl
