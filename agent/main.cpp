// logboom-agent: flags, configuration, the loop, and the agent's life between two signals.
#include "agent/agent.h"
#include "shared/base/log_spdlog.h"
#include "shared/base/version.h"
#include "shared/daemon/backend_report.h"
#include "shared/daemon/exit_code.h"
#include "shared/daemon/heartbeat.h"
#include "shared/daemon/machine.h"
#include "shared/daemon/process_metrics.h"
#include "shared/daemon/resource_limits.h"
#include "shared/daemon/service_manager.h"
#include "shared/daemon/signals.h"
#include "shared/http/health.h"
#include "shared/http/server.h"
#include "shared/io/backend_maker.h"
#include "shared/io/shard_threads.h"
#include "shared/io/shield.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace {

using namespace logboom;  // NOLINT(google-build-using-namespace): the program's own main

constexpr const char* default_config = "/etc/logboom/agent.toml";
/// Chunks kept for reuse: a few read blocks and batches; the rest goes back to the system.
constexpr std::uint64_t pool_bytes = 4u << 20;
/// How often `--once` looks whether everything is delivered.
constexpr Nanos drained_interval = 50ms;
constexpr Nanos watch_interval = 1s;

struct Flags {
    std::string config = default_config;
    std::string config_dir;
    std::string log_level;
    std::vector<std::string> settings;
    bool once = false;
    bool config_was_named = false;
};

agent::LoadedAgentConfig load(const Flags& flags) {
    config::LoadRequest request;
    request.world = config::real_world();
    request.path = flags.config;
    request.dir = flags.config_dir;
    request.main_file = flags.config_was_named ? config::MainFile::required
                                               : config::MainFile::if_present;
    request.settings = flags.settings;
    if (!flags.log_level.empty()) {
        request.settings.push_back("agent.log_level=" + flags.log_level);
    }
    return agent::load_agent_config(request);
}

/// What the program knows of its own runtime.
struct Runtime {
    const io::BackendMaker* backend = nullptr;
    const LogSink* sink = nullptr;
};

class RuntimeMetrics {
public:
    RuntimeMetrics(metrics::Registry& registry, const Runtime& runtime)
        : sink_(*runtime.sink)
        , process_(registry)
        , lines_dropped_(registry.counter(
              "logboom_agent_log_lines_dropped_total", "Lines of our own log that had no room."
          )) {
        registry
            .gauge(
                "logboom_agent_config_last_success_timestamp_seconds",
                "When the configuration in force was read, in Unix time."
            )
            .set(static_cast<double>(std::time(nullptr)));
        const std::string release(version);
        registry.gauge(
                    "logboom_agent_build_info", "The program's version.", {{"version", release}}
        ).set(1);
        daemon::show_backend(registry, "logboom_agent", *runtime.backend);
    }
    void refresh_for_show() { process_.refresh(); }
    void refresh() { lines_dropped_.add(sink_.dropped_lines() - lines_dropped_.value()); }

private:
    const LogSink& sink_;
    daemon::ProcessMetrics process_;
    metrics::Counter& lines_dropped_;
};

/// What the agent answers over HTTP.
class Status {
public:
    Status(
        Env& env,
        agent::Agent& agent,
        RuntimeMetrics& runtime,
        const metrics::Registry& registry,
        http::ServerOptions options
    )
        : agent_(agent)
        , runtime_(runtime)
        , registry_(registry)
        , server_(env, std::move(options)) {
        server_.route("GET", "/metrics", [this](http::Request) { return metrics(); });
        server_.route("GET", "/healthz", [this](http::Request) { return healthz(); });
        server_.route("GET", "/readyz", [this](http::Request) { return readyz(); });
    }

    Task<Result<Ok>> start() { return server_.start(); }
    Task<void> stop() { return server_.stop(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }

private:
    Task<http::Response> metrics() {
        agent_.refresh_metrics();
        runtime_.refresh_for_show();
        co_return http::metrics_response(registry_);
    }
    Task<http::Response> healthz() { co_return http::healthz_response(); }
    Task<http::Response> readyz() { co_return http::readyz_response(agent_.ready_checks()); }

    agent::Agent& agent_;
    RuntimeMetrics& runtime_;
    const metrics::Registry& registry_;
    http::Server server_;
};

std::unique_ptr<Status> make_status(
    Env& env,
    agent::Agent& agent,
    RuntimeMetrics& runtime,
    const metrics::Registry& registry,
    const std::optional<config::HostPort>& at
) {
    if (!at) {
        return nullptr;
    }
    http::ServerOptions options;
    options.address.host = at->host;
    options.address.port = at->port;
    return std::make_unique<Status>(env, agent, runtime, registry, std::move(options));
}

/// What `systemctl status` shows, told again when it changes.
class StatusLine {
public:
    StatusLine(const daemon::ServiceManager& service, const agent::Agent& agent)
        : service_(service)
        , agent_(agent) {}

    void refresh() {
        const char* const text = text_of_now();
        if (text != last_) {
            service_.status(text);
            last_ = text;
        }
    }

private:
    [[nodiscard]] const char* text_of_now() const {
        if (agent_.is_fenced()) {
            return "another run of this agent has taken over";
        }
        return agent_.is_shipping() ? "shipping"
                                    : "no collector answers: is [output] collectors right?";
    }

    const daemon::ServiceManager& service_;
    const agent::Agent& agent_;
    const char* last_ = nullptr;  // one of the literals above
};

/// Runs until it is cancelled or, with `once`, until everything is delivered; true: until it learned that
/// its identity is another machine's. `exit_code` outlives it.
Task<bool> live_under_one_identity(
    Shard& shard,
    agent::AgentConfig config,
    const Flags& flags,
    const daemon::ServiceManager& service,
    const Runtime& runtime,
    int& exit_code
) {
    Env& env = shard.env();
    metrics::Registry registry;
    RuntimeMetrics runtime_metrics(registry, runtime);
    const std::string state_dir = config.state_dir;
    const std::optional<config::HostPort> http_at = config.http;
    agent::Agent agent(env, std::move(config), registry);
    const std::unique_ptr<Status> status =
        make_status(env, agent, runtime_metrics, registry, http_at);
    Result<Ok> started = co_await agent.start();
    bool has_status = false;
    if (started && status != nullptr) {
        started = co_await status->start();
        has_status = started.has_value();
    }
    if (started) {
        if (has_status) {
            std::printf("listening: http %u\n", status->port());
            std::fflush(stdout);
        }
        service.ready("reading");
        exit_code = daemon::exit_ok;
        const Nanos interval = flags.once ? drained_interval : watch_interval;
        daemon::Heartbeat heartbeat(service.watchdog(), env.clock.now());
        StatusLine status_line(service, agent);
        for (;;) {
            const Result<Ok> slept = co_await env.sleep(interval);
            runtime_metrics.refresh();
            status_line.refresh();
            if (heartbeat.is_due(env.clock.now())) {
                service.alive();
            }
            if (!slept || agent.is_cloned() || (flags.once && agent.is_drained())) {
                break;
            }
        }
    } else if (started.code() == ErrorCode::busy) {
        env.log.error(
            "another agent is at work in the state directory; choose another [agent] state_dir",
            {kv("dir", logboom::quoted(state_dir))}
        );
    } else {
        env.log.error("the agent cannot start", {kv("error", to_string(started.error()))});
    }
    service.stopping("waiting for acknowledgements");
    if (has_status) {
        co_await status->stop();
    }
    // We may have been cancelled; what waits in here for acknowledgements has its own time.
    co_await io::shielded(env.scheduler, agent.stop());
    const bool is_cancelled = co_await io::is_cancelled();
    co_return agent.is_cloned() && !is_cancelled;
}

Task<void> live(
    Shard& shard,
    const agent::AgentConfig config,
    const Flags& flags,
    const daemon::ServiceManager& service,
    const Runtime& runtime,
    int& exit_code
) {
    daemon::log_backend(shard.env().log, *runtime.backend);
    for (;;) {
        agent::AgentConfig for_one = config;
        const bool goes_on = co_await live_under_one_identity(
            shard, std::move(for_one), flags, service, runtime, exit_code
        );
        if (!goes_on) {
            co_return;
        }
    }
}

int run(const Flags& flags) {
    agent::LoadedAgentConfig loaded = load(flags);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
        return daemon::exit_config;
    }
    // T25: half of what may be open is for files; 0: nobody can tell.
    if (const std::uint64_t most = daemon::raise_open_files_max(); most != 0) {
        std::uint32_t& files = loaded.config.open_files_max;
        files = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(files, std::max<std::uint64_t>(most / 2, 1))
        );
    }
    const LogLineForm form = daemon::is_stderr_a_journal() ? LogLineForm::journal
                                                           : LogLineForm::text;
    const std::unique_ptr<LogSink> sink = make_stderr_sink("logboom-agent", form);
    io::ShardThreadsOptions options;
    options.log_level = loaded.config.log_level;
    options.seed = daemon::random_seed();
    options.pool_bytes = pool_bytes;
    io::BackendMaker backend(loaded.config.backend, io::UringOptions::for_agent());
    Runtime runtime;
    runtime.backend = &backend;
    runtime.sink = sink.get();
    io::ShardThreads threads([&backend] { return backend.make(); }, *sink, options);
    const std::string problem = threads.start();
    if (!problem.empty()) {
        std::fprintf(stderr, "logboom-agent: %s\n", problem.c_str());
        return daemon::exit_failed;
    }
    const daemon::ServiceManager service = daemon::ServiceManager::from_environment();
    const daemon::Signals signals([&threads] { threads.request_stop(); });
    int exit_code = daemon::exit_failed;
    Shard& shard = *threads.shards().front();
    threads.run(live(shard, std::move(loaded.config), flags, service, runtime, exit_code));
    return exit_code;
}

int check(const Flags& flags) {
    const agent::LoadedAgentConfig loaded = load(flags);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
        return daemon::exit_config;
    }
    std::puts("The configuration is good.");
    return daemon::exit_ok;
}

int dump_config(const Flags& flags, const bool example, const bool origins) {
    if (example) {
        std::fputs(config::example_text(agent::agent_schema()).c_str(), stdout);
        return daemon::exit_ok;
    }
    const agent::LoadedAgentConfig loaded = load(flags);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
        return daemon::exit_config;
    }
    const auto kind = origins ? config::DumpKind::origins : config::DumpKind::effective;
    std::fputs(config::dump_text(agent::agent_schema(), loaded.loaded, kind).c_str(), stdout);
    return daemon::exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
    Flags flags;
    bool example = false;
    bool origins = false;
    CLI::App app(
        "Logboom's agent: reads log files and ships every line to a collector exactly once."
    );
    app.set_version_flag("--version", std::string("logboom-agent ") + version);
    app.fallthrough();
    const auto* const config_option =
        app.add_option("-c,--config", flags.config, "configuration file")->capture_default_str();
    app.add_option("--config-dir", flags.config_dir, "drop-ins (default: agent.d beside it)");
    app.add_option("--set", flags.settings, "section.key=value; wins over files; repeatable")
        ->allow_extra_args(false);
    app.add_option("--log-level", flags.log_level, "debug, info, warn or error");
    app.add_flag("--once", flags.once, "read to the end, deliver, exit");
    app.add_subcommand("run", "reads and ships until SIGTERM (default)");
    const auto* const check_command =
        app.add_subcommand("check", "checks the configuration")->alias("validate");
    auto* const config_command = app.add_subcommand("config", "shows the configuration");
    auto* const dump_command = config_command->add_subcommand("dump", "prints it");
    dump_command->add_flag("--example,--defaults", example, "the commented example file");
    dump_command->add_flag("--origins", origins, "with the place of each value");
    config_command->require_subcommand(1);
    app.footer("Example:\n  logboom-agent --config /etc/logboom/agent.toml check");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? daemon::exit_ok : daemon::exit_usage;
    }
    flags.config_was_named = config_option->count() != 0;
    if (check_command->parsed()) {
        return check(flags);
    }
    if (dump_command->parsed()) {
        return dump_config(flags, example, origins);
    }
    return run(flags);
}
