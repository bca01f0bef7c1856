#include "collector/ctl/command_line.h"

#include "collector/ctl/global_flags.h"
#include "collector/ctl/printable.h"
#include "collector/ctl/record_flags.h"
#include "collector/ctl/suggest.h"
#include "collector/ctl/topic_flags.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>

namespace logboom::ctl {

namespace {

constexpr const char* examples = R"(
Examples:
  logboomctl topic list
  logboomctl tail app -l warning
  logboomctl read app -o -10 -e
  logboomctl agent list --problem
  logboomctl COMMAND --help                    with examples of each command

Exit codes: 0 success, 1 failed, 2 usage, 3 empty (--fail-empty), 4 not found, 5 denied, 6 unreachable,
7 timed out, 8 partial (--strict), 9 conflict, 130 interrupted, 143 terminated.
)";
constexpr const char* agent_examples = R"(
Examples:
  logboomctl agent list
  logboomctl agent list --problem
  logboomctl agent list --json --api http://lb1:7462
)";

/// `logboomctl agent ...`.
class AgentFlags {
public:
    explicit AgentFlags(CLI::App& app) : agent_(app.add_subcommand("agent", "Look at the fleet")) {
        agent_->require_subcommand(1)->fallthrough();
        agent_->footer(agent_examples);
        CLI::App* const list = agent_->add_subcommand("list", "Agents that are or were connected");
        list->fallthrough();
        list->footer(agent_examples);
        list->add_flag("--problem", is_problem_only_, "only those that are not well");
    }

    [[nodiscard]] bool is_asked_for() const { return agent_->parsed(); }
    [[nodiscard]] Outcome<AgentListOptions> command(const GlobalFlags& globals) const {
        AgentListOptions options;
        LB_TRY(options.api, api_of(globals));
        LB_TRY(options.timeout, timeout_of(globals));
        LB_TRY(options.format, list_format_of(globals));
        options.is_problem_only = is_problem_only_;
        return options;
    }

private:
    CLI::App* agent_;
    bool is_problem_only_ = false;
};

/// Flags whose values may begin with a dash (`-o -10`, `-S -15m`, `-g -x`): joined to them, or the parser
/// would take the value for a flag of its own.
std::vector<std::string> join_dashed_values(std::vector<std::string> words) {
    const std::map<std::string, std::string> long_names = {
        {"-o", "--offset"},
        {"--offset", "--offset"},
        {"-S", "--since"},
        {"--since", "--since"},
        {"--at", "--at"},
        {"-g", "--grep"},
        {"--grep", "--grep"},
        {"-G", "--regex"},
        {"--regex", "--regex"}};
    std::vector<std::string> joined;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto flag = long_names.find(words[i]);
        if (flag != long_names.end() && i + 1 < words.size()) {
            joined.push_back(flag->second + "=" + words[i + 1]);
            ++i;
        } else {
            joined.push_back(std::move(words[i]));
        }
    }
    return joined;
}

/// "topics" is short for "topic list", where a command can stand.
void expand_alias(std::vector<std::string>& words) {
    const auto alias = std::ranges::find(words, "topics");
    const bool is_first = std::none_of(words.begin(), alias, [](const std::string& word) {
        return word == "topic" || word == "read" || word == "tail" || word == "agent";
    });
    if (alias != words.end() && is_first) {
        *alias = "topic";
        words.insert(alias + 1, "list");
    }
}

/// Names of commands and long flags that a mistyped word may have been meant to be.
std::vector<std::string> known_words(const CLI::App& app) {
    std::vector<std::string> words;
    for (const CLI::Option* const option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            words.push_back("--" + name);
        }
    }
    for (const CLI::App* const command :
         app.get_subcommands([](const CLI::App*) { return true; })) {
        words.push_back(command->get_name());
        const std::vector<std::string> inner = known_words(*command);
        words.insert(words.end(), inner.begin(), inner.end());
    }
    return words;
}

Failure failure_to_parse(const CLI::App& app, const CLI::ParseError& error) {
    const std::vector<std::string> left_over = app.remaining(true);
    if (left_over.empty()) {
        return usage(printable(error.what()), "logboomctl --help");
    }
    const std::string word = left_over.front().substr(0, left_over.front().find('='));
    std::string what = (word.starts_with("-") ? "unknown flag '" : "unknown command '")
                     + printable(word) + "'";
    const std::vector<std::string> near = nearest_names(word, known_words(app));
    if (!near.empty()) {
        what += ": did you mean '" + near.front() + "'?";
    }
    return usage(std::move(what), "logboomctl --help");
}

/// `-f` is --follow here and --format elsewhere; a template behind it shows which was meant.
std::optional<Failure> misplaced_template(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == "-f" && words[i + 1].find('%') != std::string::npos) {
            return usage(
                "-f means --follow here; for a template use --format '" + printable(words[i + 1])
                + "'"
            );
        }
    }
    return std::nullopt;
}

CommandLineEnd end_with(const Failure& failure) {
    return CommandLineEnd{
        .exit_code = failure.exit_code, .output = {}, .error = to_string(failure)};
}

Outcome<CommandLine> checked(
    const GlobalFlags& globals,
    const TopicFlags& topics,
    const RecordFlags& records,
    const AgentFlags& agents
) {
    CommandLine line;
    LB_TRY(line.brokers, brokers_of(globals));
    LB_TRY(line.timeout, timeout_of(globals));
    line.color = color_of(globals);
    if (topics.is_asked_for()) {
        LB_TRY(TopicCommand command, topics.command(globals));
        std::visit([&line](auto& options) { line.command = std::move(options); }, command);
    } else if (agents.is_asked_for()) {
        LB_TRY(line.command, agents.command(globals));
    } else {
        LB_TRY(line.format, record_format_of(globals));
        LB_TRY(RecordCommand command, records.command(globals));
        std::visit([&line](auto& options) { line.command = std::move(options); }, command);
        line.offset_text = records.offset_text();
    }
    return line;
}

}  // namespace

std::variant<CommandLine, CommandLineEnd> parse_command_line(std::vector<std::string> words) {
    CLI::App app("Reads and manages the logs that Logboom collectors keep.", "logboomctl");
    GlobalFlags globals;
    app.require_subcommand(1);
    app.footer(examples);
    app.set_version_flag("--version", "logboomctl " LB_VERSION);
    app.set_help_all_flag("--help-all", "help of all commands");
    add_global_flags(app, globals);
    const RecordFlags records(app);
    const TopicFlags topics(app);
    const AgentFlags agents(app);

    if (const auto failure = misplaced_template(words); failure.has_value()) {
        return end_with(*failure);
    }
    words = join_dashed_values(std::move(words));
    expand_alias(words);
    try {
        std::vector<std::string> reversed(words.rbegin(), words.rend());
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        return CommandLineEnd{.exit_code = ExitCode::success, .output = app.help(), .error = {}};
    } catch (const CLI::CallForAllHelp&) {
        return CommandLineEnd{
            .exit_code = ExitCode::success,
            .output = app.help("", CLI::AppFormatMode::All),
            .error = {}};
    } catch (const CLI::CallForVersion&) {
        return CommandLineEnd{
            .exit_code = ExitCode::success, .output = app.version() + "\n", .error = {}};
    } catch (const CLI::ParseError& error) {
        return end_with(failure_to_parse(app, error));
    }
    auto line = checked(globals, topics, records, agents);
    if (!line.has_value()) {
        return end_with(line.error());
    }
    return std::move(*line);
}

Outcome<OffsetSpec> offsets_of(const CommandLine& line, const WallTime now) {
    const auto offsets = parse_offset_spec(
        line.offset_text.value_or("start"), TimeContext{.now = now, .zone = line.format.zone}
    );
    if (const auto* const problem = std::get_if<std::string>(&offsets)) {
        return usage(printable(*problem));
    }
    return *std::get_if<OffsetSpec>(&offsets);
}

}  // namespace logboom::ctl
