// logboom-collector: flags, configuration, shards, and the collector's life between two signals.
#include "collector/collector.h"
#include "shared/base/limits.h"
#include "shared/base/log_spdlog.h"
#include "shared/base/version.h"
#include "shared/daemon/backend_report.h"
#include "shared/daemon/exit_code.h"
#include "shared/daemon/heartbeat.h"
#include "shared/daemon/machine.h"
#include "shared/daemon/resource_limits.h"
#include "shared/daemon/service_manager.h"
#include "shared/daemon/signals.h"
#include "shared/io/backend_maker.h"
#include "shared/io/shard_threads.h"
#include "shared/io/shield.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

namespace {

using namespace logboom;  // NOLINT(google-build-using-namespace): the program's own main

constexpr const char* default_config = "/etc/logboom/collector.toml";
// How often the program looks whether its storage has failed.
constexpr Nanos watch_interval = 1s;
// Reading back the logs after a power loss takes as long as it takes: each sign asks for some more time.
constexpr Nanos recovery_sign_interval = 10s;
constexpr Nanos recovery_sign_worth = 60s;

struct Flags {
    std::string config = default_config;
    std::string config_dir;
    std::string data_dir = "logboom-data";
    std::string log_level;
    std::vector<std::string> settings;
    bool dev = false;
    bool config_was_named = false;
};

collector::LoadedCollectorConfig load(const Flags& flags) {
    config::LoadRequest request;
    request.world = config::real_world();
    request.dir = flags.config_dir;
    if (flags.dev) {
        request.settings = collector::dev_settings(daemon::absolute_path(flags.data_dir));
    } else {
        request.path = flags.config;
        request.main_file = flags.config_was_named ? config::MainFile::required
                                                   : config::MainFile::if_present;
    }
    request.settings.insert(request.settings.end(), flags.settings.begin(), flags.settings.end());
    if (!flags.log_level.empty()) {
        request.settings.push_back("node.log_level=" + flags.log_level);
    }
    return collector::load_collector_config(request);
}

/// What the program knows of its own runtime.
struct Runtime {
    const io::BackendMaker* backend = nullptr;
    const LogSink* sink = nullptr;
};

/// Asks for more time to start, until it is cancelled.
Task<void> extend_start(Env& env, const daemon::ServiceManager& service) {
    for (;;) {
        const Result<Ok> slept = co_await env.sleep(recovery_sign_interval);
        if (!slept) {
            co_return;
        }
        service.extend_timeout(recovery_sign_worth);
    }
}

Task<Result<Ok>> start_in_time(
    Env& env, collector::Collector& collector, const daemon::ServiceManager& service
) {
    Scope scope(env.scheduler);
    scope.spawn(extend_start(env, service));
    const Result<Ok> started = co_await collector.start();
    scope.cancel();
    co_await scope.join();
    co_return started;
}

Task<Result<Ok>> answer() {
    co_return Ok{};
}

/// Returns when every shard has had a turn: never, if one of them hangs.
Task<void> pass_through(const std::vector<Shard*>& shards) {
    for (Shard* const shard : shards) {
        std::function<Task<Result<Ok>>()> work = [] { return answer(); };
        [[maybe_unused]] const Result<Ok> answered =
            co_await io::call_on(*shards.front(), *shard, std::move(work));
    }
}

/// Runs until it is cancelled or the storage has failed. `exit_code` outlives the task.
Task<void> live(
    std::vector<Shard*> shards,
    collector::CollectorConfig config,
    const daemon::ServiceManager& service,
    const Runtime& runtime,
    int& exit_code
) {
    Env& env = shards.front()->env();
    metrics::Registry registry;
    daemon::show_backend(registry, "logboom_collector", *runtime.backend);
    metrics::Counter& lines_dropped = registry.counter(
        "logboom_collector_log_lines_dropped_total", "Lines of our own log that had no room."
    );
    daemon::log_backend(env.log, *runtime.backend);
    collector::Collector collector(shards, std::move(config), registry);
    const Result<Ok> started = co_await start_in_time(env, collector, service);
    if (started) {
        const collector::BoundPorts& ports = collector.ports();
        std::printf(
            "listening: kafka %u, agents %u, http %u\n", ports.kafka, ports.agents, ports.http
        );
        std::fflush(stdout);
        service.ready("serving");
        daemon::Heartbeat heartbeat(service.watchdog(), env.clock.now());
        for (;;) {
            const Result<Ok> slept = co_await env.sleep(watch_interval);
            if (slept && heartbeat.is_due(env.clock.now())) {
                co_await pass_through(shards);
                service.alive();
            }
            lines_dropped.add(runtime.sink->dropped_lines() - lines_dropped.value());
            if (!slept || collector.has_storage_failed()) {
                break;
            }
        }
    } else {
        env.log.error("the collector cannot start", {kv("error", to_string(started.error()))});
    }
    service.stopping("closing doors and logs");
    const bool has_failed = !started || collector.has_storage_failed();
    // We may have been cancelled; clean-up is not.
    co_await io::shielded(env.scheduler, collector.stop());
    exit_code = has_failed ? daemon::exit_failed : daemon::exit_ok;
}

int run(const Flags& flags) {
    collector::LoadedCollectorConfig loaded = load(flags);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
        return daemon::exit_config;
    }
    collector::CollectorConfig& config = loaded.config;
    static_cast<void>(daemon::raise_open_files_max());
    const LogLineForm form = daemon::is_stderr_a_journal() ? LogLineForm::journal
                                                           : LogLineForm::text;
    const std::unique_ptr<LogSink> sink = make_stderr_sink("logboom-collector", form);
    io::ShardThreadsOptions options;
    options.shard_count = config.shards != 0
                            ? config.shards
                            : std::min<std::size_t>(daemon::core_count(), limits::shards_max);
    options.pin = config.pin;
    options.log_level = config.log_level;
    options.seed = daemon::random_seed();
    io::BackendMaker backend(config.backend, io::UringOptions());
    Runtime runtime;
    runtime.backend = &backend;
    runtime.sink = sink.get();
    io::ShardThreads threads([&backend] { return backend.make(); }, *sink, options);
    const std::string problem = threads.start();
    if (!problem.empty()) {
        std::fprintf(stderr, "logboom-collector: %s\n", problem.c_str());
        return daemon::exit_failed;
    }
    const daemon::ServiceManager service = daemon::ServiceManager::from_environment();
    const daemon::Signals signals([&threads] { threads.request_stop(); });
    int exit_code = daemon::exit_failed;
    threads.run(live(threads.shards(), std::move(config), service, runtime, exit_code));
    return exit_code;
}

int check(const Flags& flags) {
    const collector::LoadedCollectorConfig loaded = load(flags);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
        return daemon::exit_config;
    }
    std::puts("The configuration is good.");
    return daemon::exit_ok;
}

int dump_config(const Flags& flags, const bool example, const bool origins) {
    if (example) {
        std::fputs(config::example_text(collector::collector_schema()).c_str(), stdout);
        return daemon::exit_ok;
    }
    const collector::LoadedCollectorConfig loaded = load(flags);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
        return daemon::exit_config;
    }
    const auto kind = origins ? config::DumpKind::origins : config::DumpKind::effective;
    std::fputs(
        config::dump_text(collector::collector_schema(), loaded.loaded, kind).c_str(), stdout
    );
    return daemon::exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
    Flags flags;
    bool example = false;
    bool origins = false;
    CLI::App app("Logboom's collector: keeps logs as a Kafka-compatible log and serves them.");
    app.set_version_flag("--version", std::string("logboom-collector ") + version);
    app.fallthrough();
    auto* const config_option =
        app.add_option("-c,--config", flags.config, "configuration file")->capture_default_str();
    app.add_option("--config-dir", flags.config_dir, "drop-ins (default: collector.d beside it)");
    app.add_option("--set", flags.settings, "section.key=value; wins over files; repeatable")
        ->allow_extra_args(false);
    app.add_option("--log-level", flags.log_level, "debug, info, warn or error");
    app.add_flag("--dev", flags.dev, "one node on loopback, no file to edit");
    app.add_option("--data-dir", flags.data_dir, "where --dev keeps its data")
        ->capture_default_str();
    app.add_subcommand("run", "serves until SIGTERM (default)");
    const auto* const check_command = app.add_subcommand("check", "checks the configuration");
    auto* const config_command = app.add_subcommand("config", "shows the configuration");
    auto* const dump_command = config_command->add_subcommand("dump", "prints it");
    dump_command->add_flag("--example,--defaults", example, "the commented example file");
    dump_command->add_flag("--origins", origins, "with the place of each value");
    config_command->require_subcommand(1);
    app.footer("Example:\n  logboom-collector --dev --data-dir /tmp/logboom");
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
