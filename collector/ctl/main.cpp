// logboomctl: parses its command line, runs one command on one shard, and says how it ended.
#include "collector/ctl/command_line.h"
#include "collector/ctl/output.h"
#include "shared/io/backend_maker.h"
#include "shared/io/shard_threads.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

using namespace logboom;
using namespace logboom::ctl;

namespace {

/// The one program of the process, for its signal handler.
struct Running {
    io::ShardThreads* threads = nullptr;
    volatile std::sig_atomic_t signal = 0;
};
Running
    running;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): a signal handler has no other way

extern "C" void on_signal(const int signal) {
    const bool is_second = running.signal != 0;
    running.signal = signal;
    if (is_second || running.threads == nullptr) {
        _exit(128 + signal);
    }
    running.threads->request_stop();
}

class StandardOutput final : public Output {
public:
    bool write(std::string_view data) override {
        while (!data.empty()) {
            const ssize_t written = ::write(STDOUT_FILENO, data.data(), data.size());
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written <= 0) {
                return false;
            }
            data.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }
    void say(const std::string_view text) override {
        std::fwrite(text.data(), 1, text.size(), stderr);
    }
    std::optional<std::string> ask(const std::string_view question) override {
        if (isatty(STDIN_FILENO) != 1) {
            return std::nullopt;
        }
        say(question);
        std::string answer;
        for (int c = std::fgetc(stdin); c != EOF && c != '\n'; c = std::fgetc(stdin)) {
            answer += static_cast<char>(c);
        }
        return answer;
    }
};

/// The runtime's own warnings; a client has no log of its own.
class QuietSink final : public LogSink {
public:
    void write(LogLevel, std::string_view) override {}
};

std::string variable(const char* const name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool is_output_colored(const ColorWish wish) {
    Terminal terminal;
    terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
    terminal.no_color = variable("NO_COLOR");
    terminal.clicolor_force = variable("CLICOLOR_FORCE");
    terminal.term = variable("TERM");
    return wants_color(wish, terminal);
}

/// The options were checked when they were parsed.
std::unique_ptr<RecordFormat> format_for(
    const CommandLine& line, std::shared_ptr<const RecordFilter> filter
) {
    FormatOptions options = line.format;
    options.is_colored = is_output_colored(line.color);
    options.highlight = std::move(filter);
    auto format = make_record_format(options);
    return std::move(*std::get_if<std::unique_ptr<RecordFormat>>(&format));
}

Task<Outcome<ExitCode>> run_read(Env& env, Cluster& cluster, Output& output, CommandLine line) {
    ReadOptions options = std::move(*std::get_if<ReadOptions>(&line.command));
    LB_CO_TRY(options.offsets, offsets_of(line, env.clock.wall()));
    const std::unique_ptr<RecordFormat> format = format_for(line, options.filter);
    ReadCommand read(env, cluster, output, *format, std::move(options));
    co_return co_await read.run();
}

Task<Outcome<ExitCode>> run_tail(Env& env, Cluster& cluster, Output& output, CommandLine line) {
    TailOptions options = std::move(*std::get_if<TailOptions>(&line.command));
    if (line.offset_text.has_value()) {
        LB_CO_TRY(options.offsets, offsets_of(line, env.clock.wall()));
    }
    const std::unique_ptr<RecordFormat> format = format_for(line, options.filter);
    TailCommand tail(env, cluster, output, *format, std::move(options));
    co_return co_await tail.run();
}

Task<Outcome<ExitCode>> run_command(Env& env, Cluster& cluster, Output& output, CommandLine line) {
    if (const auto* const list = std::get_if<TopicListOptions>(&line.command)) {
        co_return co_await run_topic_list(cluster, output, *list);
    }
    if (auto* const create = std::get_if<TopicCreateOptions>(&line.command)) {
        co_return co_await run_topic_create(cluster, output, std::move(*create));
    }
    if (auto* const described = std::get_if<TopicDescribeOptions>(&line.command)) {
        co_return co_await run_topic_describe(cluster, output, std::move(*described));
    }
    if (auto* const deleted = std::get_if<TopicDeleteOptions>(&line.command)) {
        co_return co_await run_topic_delete(cluster, output, std::move(*deleted));
    }
    if (auto* const offsets = std::get_if<TopicOffsetsOptions>(&line.command)) {
        co_return co_await run_topic_offsets(env, cluster, output, std::move(*offsets));
    }
    if (auto* const agents = std::get_if<AgentListOptions>(&line.command)) {
        co_return co_await run_agent_list(env, output, std::move(*agents));
    }
    if (std::holds_alternative<TailOptions>(line.command)) {
        co_return co_await run_tail(env, cluster, output, std::move(line));
    }
    co_return co_await run_read(env, cluster, output, std::move(line));
}

Task<void> run_program(Env& env, Output& output, CommandLine line, ExitCode& exit_code) {
    ClusterOptions options;
    options.brokers = line.brokers;
    options.timeout = line.timeout;
    Cluster cluster(env, std::move(options));
    const auto ended = co_await run_command(env, cluster, output, std::move(line));
    exit_code = ended.has_value() ? *ended : ended.error().exit_code;
    if (!ended.has_value() && exit_code != ExitCode::interrupted) {
        output.say(to_string(ended.error()));
    }
    co_await cluster.close();
}

ExitCode run(CommandLine line, Output& output) {
    QuietSink sink;
    io::ShardThreadsOptions options;
    options.log_level = LogLevel::error;
    // A client waits more than it works: a small ring, and buffers for one or two answers.
    io::BackendMaker backend(io::BackendChoice::automatic, io::UringOptions::for_agent());
    io::ShardThreads threads([&backend] { return backend.make(); }, sink, options);
    if (const std::string problem = threads.start(); !problem.empty()) {
        output.say(to_string(Failure{.what = problem}));
        return ExitCode::failed;
    }
    ExitCode exit_code = ExitCode::failed;
    running.threads = &threads;
    threads.run(run_program(threads.shards().front()->env(), output, std::move(line), exit_code));
    running.threads = nullptr;
    return exit_code;
}

}  // namespace

int main(const int argc, char** const argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an ordinary result of write
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    StandardOutput output;
    auto parsed = parse_command_line(std::vector<std::string>(argv + 1, argv + argc));
    if (const auto* const end = std::get_if<CommandLineEnd>(&parsed)) {
        [[maybe_unused]] const bool is_open = output.write(end->output);
        output.say(end->error);
        return static_cast<int>(end->exit_code);
    }
    const ExitCode exit_code = run(std::move(*std::get_if<CommandLine>(&parsed)), output);
    return running.signal != 0 ? 128 + running.signal : static_cast<int>(exit_code);
}
