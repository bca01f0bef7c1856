// The command line of logboomctl: what was asked for, or the text to end with.
#pragma once

#include "collector/ctl/agent_command.h"
#include "collector/ctl/failure.h"
#include "collector/ctl/paint.h"
#include "collector/ctl/read_command.h"
#include "collector/ctl/record_format.h"
#include "collector/ctl/tail_command.h"
#include "collector/ctl/topic_command.h"
#include "collector/ctl/topic_delete.h"
#include "collector/ctl/topic_describe.h"
#include "collector/ctl/topic_offsets.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace logboom::ctl {

struct CommandLine {
    std::vector<PeerAddress> brokers;
    Nanos timeout = 10s;
    std::variant<
        TopicListOptions,
        TopicCreateOptions,
        TopicDescribeOptions,
        TopicDeleteOptions,
        TopicOffsetsOptions,
        ReadOptions,
        TailOptions,
        AgentListOptions>
        command;
    FormatOptions format;  ///< of records
    ColorWish color = ColorWish::automatic;
    std::optional<std::string> offset_text;  ///< `-o`: it needs the time of day to be understood
};

/// Nothing is to be run: help and version were asked for, or the line is wrong.
struct CommandLineEnd {
    ExitCode exit_code = ExitCode::success;
    std::string output;  ///< for standard output
    std::string error;   ///< for standard error
};

/// `words` without the program's name.
[[nodiscard]] std::variant<CommandLine, CommandLineEnd> parse_command_line(
    std::vector<std::string> words
);

/// The offsets that were asked for, else the start; relative times are before `now`.
[[nodiscard]] Outcome<OffsetSpec> offsets_of(const CommandLine& line, WallTime now);

}  // namespace logboom::ctl
