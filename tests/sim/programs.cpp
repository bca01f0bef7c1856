#include "tests/sim/programs.h"

#include "shared/io/shield.h"
#include "tests/support/config_world.h"

namespace logboom::sim {

namespace {

// As often as the real programs look.
constexpr Nanos watch_interval = 1s;

}  // namespace

Task<void> CollectorProgram::run() {
    const Result<Ok> started = co_await collector_.start();
    is_up_ = started.has_value();
    while (is_up_ && !collector_.has_storage_failed()) {
        const Result<Ok> slept = co_await env_.sleep(watch_interval);
        if (!slept) {
            break;
        }
    }
    is_up_ = false;
    co_await io::shielded(env_.scheduler, collector_.stop());
}

Task<void> AgentProgram::run() {
    for (;;) {
        const bool goes_on = co_await run_under_one_identity();
        if (!goes_on) {
            co_return;
        }
    }
}

Task<bool> AgentProgram::run_under_one_identity() {
    agent_.reset();
    registry_ = std::make_unique<metrics::Registry>();
    agent_ = std::make_unique<agent::Agent>(env_, config_, *registry_);
    const Result<Ok> started = co_await agent_->start();
    is_up_ = started.has_value();
    while (is_up_ && !agent_->is_cloned()) {
        const Result<Ok> slept = co_await env_.sleep(watch_interval);
        if (!slept) {
            break;
        }
    }
    is_up_ = false;
    co_await io::shielded(env_.scheduler, agent_->stop());
    const bool is_cancelled = co_await io::is_cancelled();
    co_return agent_->is_cloned() && !is_cancelled;
}

Task<void> ConsumerProgram::run() {
    ctl::ClusterOptions cluster_options;
    cluster_options.brokers.push_back(ctl::PeerAddress{broker_, kafka_port});
    ctl::Cluster cluster(env_, std::move(cluster_options));
    ctl::FormatOptions format_options;
    format_options.format = "raw";
    auto format = ctl::make_record_format(format_options);
    ctl::RecordFormat& made = **std::get_if<std::unique_ptr<ctl::RecordFormat>>(&format);
    ctl::ReadOptions options;
    options.topic = topic_;
    options.offsets.from.kind = ctl::OffsetPoint::Kind::start;
    options.should_exit_at_end = true;
    ctl::ReadCommand read(env_, cluster, *this, made, std::move(options));
    const auto ended = co_await read.run();
    failure_ = ended.has_value() ? "" : to_string(ended.error());
    co_await cluster.close();
}

bool ConsumerProgram::write(const std::string_view data) {
    text_ += data;
    return true;
}

collector::CollectorConfig collector_config(
    const std::string& host, const std::vector<std::string>& settings
) {
    test::ConfigFiles files;
    config::LoadRequest request = files.request(collector::dev_settings("/data"));
    request.main_file = config::MainFile::if_present;
    request.settings.insert(
        request.settings.end(),
        {"security.insecure=true",
         "listener[0].protocol=kafka",
         "listener[0].listen=" + host + ":" + std::to_string(kafka_port),
         "listener[1].protocol=agents",
         "listener[1].listen=" + host + ":" + std::to_string(agents_port)}
    );
    request.settings.insert(request.settings.end(), settings.begin(), settings.end());
    collector::LoadedCollectorConfig loaded = collector::load_collector_config(request);
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
    }
    LB_ASSERT(loaded.loaded.ok());
    return std::move(loaded.config);
}

agent::AgentConfig agent_config(const std::string& collector_host, const std::string& inputs) {
    const std::string text =
        "[agent]\nstate_dir = \"/state\"\nhttp = \"\"\n[output]\ncollectors = [\"" + collector_host
        + ":" + std::to_string(agents_port) + "\"]\n" + inputs;
    agent::LoadedAgentConfig loaded = agent::load_agent_config(test::main_file(text).request());
    if (!loaded.loaded.ok()) {
        std::fputs(loaded.loaded.problems.text().c_str(), stderr);
    }
    LB_ASSERT(loaded.loaded.ok());
    return std::move(loaded.config);
}

}  // namespace logboom::sim
