#include "agent/agent.h"

#include "shared/base/version.h"
#include "shared/record/loss_topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace logboom::agent {

namespace {

parse::LongLine long_line_of(const OnLongLine choice) noexcept {
    switch (choice) {
    case OnLongLine::split: return parse::LongLine::split;
    case OnLongLine::truncate: return parse::LongLine::truncate;
    case OnLongLine::drop: return parse::LongLine::drop;
    }
    LB_UNREACHABLE("OnLongLine");
}

source::StartPoint start_point_of(const ReadFrom choice) noexcept {
    switch (choice) {
    case ReadFrom::beginning: return source::StartPoint::beginning;
    case ReadFrom::end: return source::StartPoint::end;
    case ReadFrom::since: return source::StartPoint::since;
    }
    LB_UNREACHABLE("ReadFrom");
}

source::FileInput input_of(const FileInputConfig& config) {
    source::FileInput input{
        .name = config.name,
        .topic = config.topic,
        .paths = source::PathSet(config.include, config.exclude),
    };
    input.split.line_bytes_max = config.line_bytes_max;
    input.split.on_long_line = long_line_of(config.on_long_line);
    input.split.drop_empty = config.drop_empty;
    input.read_from = start_point_of(config.read_from);
    input.since = config.since;
    input.ignore_older = config.ignore_older;
    input.partial_flush = config.partial_flush;
    input.close_idle = config.close_idle;
    input.rotate_quiet = config.rotate_quiet;
    input.rotated_dirs = config.rotated_dirs;
    input.rescan_interval = config.rescan_interval;
    input.is_polled = config.notify == Notify::poll;
    return input;
}

ship::ShipperOptions shipper_options(
    const AgentConfig& config, const source::AgentIdentity& agent, std::string machine_id
) {
    ship::ShipperOptions options;
    for (const config::HostPort& collector : config.collectors) {
        options.collectors.push_back({collector.host, collector.port});
    }
    std::set<std::string> topics;
    for (const FileInputConfig& input : config.file_inputs) {
        topics.insert(input.topic);
    }
    topics.emplace(record::loss_topic);
    options.topics.assign(topics.begin(), topics.end());
    options.agent_id = agent.agent_id;
    options.machine_id = std::move(machine_id);
    options.host = config.host;
    options.version = version;
    options.in_flight_bytes_max = config.in_flight_bytes_max;
    return options;
}

batch::BatchOptions batch_options(const AgentConfig& config) {
    batch::BatchOptions options;
    options.batch_bytes_max = config.batch_bytes_max;
    options.batch_age_max = config.batch_age_max;
    options.compress = config.compression == Compression::lz4;
    options.host = config.host;
    options.headers = config.headers;
    return options;
}

source::FileSourceOptions source_options(const AgentConfig& config) {
    source::FileSourceOptions options;
    for (const FileInputConfig& input : config.file_inputs) {
        options.inputs.push_back(input_of(input));
    }
    options.tailer.open_files_max = config.open_files_max;
    return options;
}

long long seconds_in(const Nanos time) noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

http::ReadyCheck collector_check(const ship::Shipper& shipper, const SteadyTime now) {
    http::ReadyCheck check;
    check.name = "collector";
    check.ok = shipper.state() == ship::ShipState::shipping;
    if (shipper.state() == ship::ShipState::fenced) {
        check.detail = "another agent with our id and a newer epoch is at work";
    } else if (!check.ok) {
        check.detail =
            fmt::format("none reachable for {} s", seconds_in(now - shipper.state_since()));
    }
    return check;
}

http::ReadyCheck inputs_check(const std::vector<source::InputHealth>& inputs) {
    const auto failing = std::ranges::count_if(inputs, &source::InputHealth::is_failing);
    http::ReadyCheck check;
    check.name = "inputs";
    check.ok = failing == 0;
    if (!check.ok) {
        check.detail =
            fmt::format("{} of {} can read nothing of what they mean", failing, inputs.size());
    }
    return check;
}

http::ReadyCheck progress_check(const std::vector<source::InputHealth>& inputs) {
    constexpr Nanos stuck_after = 60s;
    Nanos longest{};
    for (const source::InputHealth& input : inputs) {
        longest = std::max(longest, input.stuck_for);
    }
    http::ReadyCheck check;
    check.name = "progress";
    check.ok = longest <= stuck_after;
    if (!check.ok) {
        check.detail =
            fmt::format("bytes wait, and none were acknowledged for {} s", seconds_in(longest));
    }
    return check;
}

source::CheckpointOptions checkpoint_options(const AgentConfig& config) {
    source::CheckpointOptions options;
    options.dir = config.state_dir;
    return options;
}

}  // namespace

/// From the collector's side to the file's: each part knows those above it in this list only.
struct Agent::Parts {
    Parts(
        Env& env,
        const AgentConfig& config,
        const source::AgentIdentity& agent,
        std::string machine_id,
        source::Checkpoint& checkpoint,
        ship::MemoryBudget& memory,
        metrics::Registry& registry
    )
        : shipper(env, shipper_options(config, agent, std::move(machine_id)), registry)
        , room(
              env,
              batch_options(config),
              batch::KeyedHash(agent.hash_seed),
              shipper,
              memory,
              registry
          )
        , source(
              env,
              source_options(config),
              batch::KeyedHash(agent.hash_seed),
              checkpoint,
              room,
              shipper,
              memory,
              registry
          ) {}

    ship::Shipper shipper;
    batch::BatchRoom room;
    source::FileSource source;
};

Agent::Agent(Env& env, AgentConfig config, metrics::Registry& registry)
    : env_(env)
    , config_(std::move(config))
    , registry_(registry)
    , state_(env, config_.state_dir)
    , checkpoint_(env, checkpoint_options(config_), registry)
    , memory_(config_.memory_max, limits::agent_memory_reserve(config_.batch_bytes_max), registry) {
}

Agent::~Agent() = default;

Task<Result<Ok>> Agent::start() {
    LB_CO_CHECK(co_await state_.open());
    LB_CO_CHECK(co_await checkpoint_.start());
    has_checkpoint_ = true;

    parts_ = std::make_unique<Parts>(
        env_, config_, state_.agent(), state_.machine_id(), checkpoint_, memory_, registry_
    );
    connect_parts();
    co_await parts_->source.start();
    parts_->room.start();
    parts_->shipper.start();
    co_return Ok{};
}

void Agent::connect_parts() {
    ship::ShipperEvents events;
    source::FileSource& source = parts_->source;
    events.met = [this](const rpc::HelloReply& positions) { return on_met(positions); };
    events.route = [&source](const record::Id128& uid) { return source.route(uid); };
    events.pinned = [&source](const record::Id128& uid, const PartitionIndex partition) {
        source.pinned(uid, partition);
    };
    events.acknowledged =
        [&source](const record::Id128& uid, const ship::Position position, const ship::Tail tail) {
            source.acknowledged(uid, position, tail);
        };
    events.rewind = [&source](const record::Id128& uid, const ship::Position position) {
        source.rewind(uid, position);
    };
    events.room = [&source] { source.room(); };
    events.cloned = [this] { is_cloned_ = true; };
    parts_->shipper.connect_events(std::move(events));
}

/// The epoch is above every one that a collector knows of us, and durable before the first batch.
Task<Result<std::uint32_t>> Agent::on_met(const rpc::HelloReply& positions) {
    const std::uint32_t own = state_.agent().agent_epoch;
    if (!has_met_ || positions.agent_epoch_known >= own) {
        LB_CO_CHECK(co_await state_.raise_epoch(std::max(own, positions.agent_epoch_known) + 1));
        parts_->room.set_agent(state_.agent().agent_id, state_.agent().agent_epoch);
        has_met_ = true;
    }
    parts_->source.begin(positions);
    co_return state_.agent().agent_epoch;
}

Task<void> Agent::stop() {
    if (parts_ != nullptr) {
        co_await parts_->source.stop();
        parts_->room.seal_all();
        const SteadyTime deadline = env_.clock.now() + config_.shutdown_timeout;
        while (is_shipping() && !parts_->shipper.is_empty() && env_.clock.now() < deadline) {
            const Result<Ok> slept = co_await env_.sleep(10ms);
            if (!slept) {
                break;
            }
        }
        co_await parts_->room.stop();
        co_await parts_->shipper.stop();
    }
    if (has_checkpoint_) {
        co_await checkpoint_.stop();
    }
    if (is_cloned_) {
        const Result<Ok> renewed = co_await state_.begin_anew();
        if (!renewed) {
            env_.log.error(
                "a new identity could not be made; the old one is another machine's too",
                {kv("error", to_string(renewed.error()))}
            );
        }
    }
    co_await state_.close();
}

bool Agent::is_everything_acknowledged() const {
    return parts_->shipper.is_empty() && parts_->room.open_count() == 0;
}

bool Agent::is_drained() const {
    return parts_ != nullptr && parts_->source.is_drained() && is_everything_acknowledged();
}

bool Agent::is_shipping() const {
    return parts_ != nullptr && parts_->shipper.state() == ship::ShipState::shipping;
}

bool Agent::has_batches_in_flight() const {
    return parts_ != nullptr && parts_->shipper.has_requests_in_flight();
}

bool Agent::is_fenced() const {
    return parts_ != nullptr && parts_->shipper.state() == ship::ShipState::fenced;
}

std::vector<http::ReadyCheck> Agent::ready_checks() const {
    std::vector<http::ReadyCheck> checks(1);
    checks[0].name = "config";
    checks[0].ok = true;  // else the program would not run
    if (parts_ != nullptr) {
        const std::vector<source::InputHealth> inputs = parts_->source.health();
        checks.push_back(collector_check(parts_->shipper, env_.clock.now()));
        checks.push_back(inputs_check(inputs));
        checks.push_back(progress_check(inputs));
    }
    return checks;
}

void Agent::refresh_metrics() {
    if (parts_ != nullptr) {
        parts_->source.refresh_metrics();
    }
}

}  // namespace logboom::agent
