#include "tests/sim/chaos/chaos_world.h"

#include "tests/sim/chaos/verdict.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace logboom::sim {

namespace {

constexpr const char* topic = "logs";
constexpr Nanos supervise_interval = 250ms;
constexpr Nanos flight_look_interval = 3ms;
constexpr Nanos flight_wait_max = 4s;
constexpr Nanos checkpoint_copy_interval = 7s;
// Everybody tries again within half a minute, files are looked for every 15 s at most.
constexpr Nanos rest_time_max = 120s;
constexpr Nanos settle_time = 20s;
constexpr Nanos stop_time_max = 40s;
constexpr std::uint64_t whole_disk = 1ull << 40;
constexpr std::uint64_t room_on_full_disk = 2048;

io::SimDiskOptions disk_options(const io::SimDiskFaults& faults) {
    io::SimDiskOptions options;
    options.faults = faults;
    return options;
}

std::string content_of(SimNode& node, const std::string& path) {
    std::shared_ptr<io::SimOpenFile> file;
    if (node.disk().open(path, O_RDONLY, 0, file) != 0) {
        return "";
    }
    std::string content = file->inode->data;
    node.disk().close(*file);
    return content;
}

void set_content(SimNode& node, const std::string& path, const std::string& content) {
    std::shared_ptr<io::SimOpenFile> file;
    if (node.disk().open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640, file) != 0) {
        return;
    }
    static_cast<void>(node.disk().write(*file, as_bytes(content), 0, io::SimDisk::Faults::none));
    node.disk().close(*file);
}

/// What the application has written is on disk: of what a power loss takes from a file itself no reader can
/// know.
void sync_logs(SimNode& node) {
    for (const std::string dir : {logs_dir, old_logs_dir}) {
        std::vector<io::DirEntry> entries;
        static_cast<void>(node.disk().list(dir, entries));
        entries.push_back(io::DirEntry{"", io::FileType::directory, 0});
        for (const io::DirEntry& entry : entries) {
            std::shared_ptr<io::SimOpenFile> file;
            if (node.disk().open(dir + "/" + entry.name, O_RDONLY, 0, file) == 0) {
                static_cast<void>(node.disk().sync(*file, io::SimDisk::Faults::none));
                node.disk().close(*file);
            }
        }
    }
}

}  // namespace

Chaos::Chaos(Plan plan)
    : plan_(std::move(plan))
    , world_(plan_.seed)
    , probe_(world_.rng(), plan_.fault_points)
    , collector_(&world_.add_node("collector", disk_options(plan_.collector_disk)))
    , is_down_on_purpose_(plan_.agents.size() + 1)
    , clock_offsets_(plan_.agents.size() + 1) {
    world_.set_probe(&probe_);
    world_.net().options() = plan_.net;
    collector_->backend_options() = plan_.backend;
    make_hosts();
    reader_ = &world_.add_node("reader");
    producer_ = &world_.add_node("producer");
    administrator_ = &world_.add_node("administrator");
}

Chaos::~Chaos() = default;

void Chaos::make_hosts() {
    for (const AgentPlan& plan : plan_.agents) {
        Host& host = hosts_.emplace_back();
        const std::string name = "agent-" + std::to_string(hosts_.size());
        host.node = &world_.add_node(name, disk_options(plan_.agent_disk));
        host.node->backend_options() = plan_.backend;
        host.plan = &plan;
        for (const char* const dir : {"/etc", "/state", "/var", logs_dir, old_logs_dir}) {
            const std::int32_t made = host.node->disk().make_dir(dir, 0755);
            LB_ASSERT(made == 0);
        }
        set_content(*host.node, "/etc/machine-id", name + "\n");
        const auto is_read = [this](const std::string& log, const std::uint64_t number) {
            return read_.contains({log, number});
        };
        for (const LogPlan& log : plan.logs) {
            host.logs.push_back(std::make_unique<AppLog>(world_, *host.node, log, is_read));
        }
        host.node->disk().sync_all();
    }
    seen_.on_record = [this](const std::string& value) { note_read(value); };
    seen_.on_offset =
        [this](const std::string& name, const std::int32_t partition, const std::int64_t offset) {
            check_committed(name, partition, offset);
        };
}

void Chaos::note_read(const std::string& value) {
    const std::size_t log_end = value.find(' ');
    const std::size_t number_end = value.find(' ', log_end + 1);
    if (number_end == std::string::npos) {
        return;
    }
    const std::string number = value.substr(log_end + 1, number_end - log_end - 1);
    if (number.find_first_not_of("0123456789") == std::string::npos) {
        read_.emplace(value.substr(0, log_end), std::stoull(number));
    }
}

// --- Programs ------------------------------------------------------------------------------------

void Chaos::start_collector() {
    // As an operator does who has looked at the disk.
    static_cast<void>(collector_->disk().unlink("/data/log/storage-failed", false));
    collector::CollectorConfig config = collector_config(collector_->host());
    config.partitions = plan_.collector.partitions;
    config.segment_bytes = plan_.collector.segment_bytes;
    config.tail_cache_bytes = plan_.collector.tail_cache_bytes;
    config.retention_time = plan_.collector.retention_time;
    config.retention_interval = 3s;
    ++collector_starts_;
    collector_->start([config](Shard& shard) {
        return std::make_unique<CollectorProgram>(shard, config);
    });
}

void Chaos::start_agent(const Host& host) {
    const std::string input = std::string("[[input.file]]\nname = \"app\"\npaths = [\"") + logs_glob
                            + "\"]\n";
    agent::AgentConfig config = agent_config(collector_->host(), input);
    const AgentPlan& plan = *host.plan;
    config.topic = topic;
    config.batch_age_max = plan.batch_age_max;
    config.batch_bytes_max = plan.batch_bytes_max;
    config.compression = plan.is_compressing ? agent::Compression::lz4 : agent::Compression::none;
    config.memory_max = plan.memory_max;
    config.in_flight_bytes_max = plan.in_flight_bytes_max;
    agent::FileInputConfig& files = config.file_inputs.front();
    files.topic = topic;
    files.rescan_interval = plan.rescan_interval;
    files.rotate_quiet = plan.rotate_quiet;
    files.close_idle = plan.close_idle;
    files.notify = plan.is_polling ? agent::Notify::poll : agent::Notify::automatic;
    host.node->start([config](Shard& shard) {
        return std::make_unique<AgentProgram>(shard, config);
    });
}

void Chaos::start(const std::uint32_t number) {
    is_down_on_purpose_[number] = false;
    if (node_of(number).is_running()) {
        return;
    }
    if (number == 0) {
        start_collector();
    } else {
        start_agent(hosts_[number - 1]);
    }
}

/// Starts what has ended by itself, as systemd does.
void Chaos::supervise() {
    for (std::uint32_t number = 0; number <= hosts_.size(); ++number) {
        if (!node_of(number).is_running() && !is_down_on_purpose_[number]) {
            start(number);
        }
    }
    check_leader_epochs();
    world_.events().after(supervise_interval, [this] {
        if (!is_over_) {
            supervise();
        }
    });
}

/// Each start of the collector is a new term of every partition's leader.
void Chaos::check_leader_epochs() {
    CollectorProgram* const program = collector_program();
    if (program == nullptr || !program->is_up() || epochs_checked_in_start_ == collector_starts_) {
        return;
    }
    epochs_checked_in_start_ = collector_starts_;
    const metadata::ImagePtr image = program->collector().store().image();
    for (const metadata::TopicImage& described : image->topics()) {
        for (const metadata::PartitionImage& partition : described.partitions) {
            const auto [known, is_new] =
                leader_epochs_.try_emplace({described.id, partition.index}, partition.leader_epoch);
            if (!is_new && partition.leader_epoch <= known->second) {
                fail(
                    "the leader epoch of " + described.name + "/"
                    + std::to_string(partition.index.value) + " was "
                    + std::to_string(known->second.value) + " and is "
                    + std::to_string(partition.leader_epoch.value) + " after a start"
                );
            }
            known->second = partition.leader_epoch;
        }
    }
}

/// Nobody sees a record that a power loss may take away.
void Chaos::check_committed(
    const std::string& name, const std::int32_t partition, const std::int64_t offset
) {
    CollectorProgram* const program = collector_program();
    if (program == nullptr || !program->is_up()) {
        return;
    }
    const metadata::ImagePtr image = program->collector().store().image();
    const metadata::TopicImage* const described = image->find(name);
    const replica::PartitionPtr found =
        described == nullptr
            ? nullptr
            : program->collector().replicas().find(described->id, PartitionIndex(partition));
    if (found != nullptr && found->high_watermark().value <= offset) {
        fail(
            name + "/" + std::to_string(partition) + "@" + std::to_string(offset)
            + " was read before it was committed"
        );
    }
}

AgentProgram* Chaos::agent_of(const Host& host) {
    return host.node->is_running() ? &dynamic_cast<AgentProgram&>(host.node->program()) : nullptr;
}

CollectorProgram* Chaos::collector_program() {
    return collector_->is_running() ? &dynamic_cast<CollectorProgram&>(collector_->program())
                                    : nullptr;
}

// --- Trouble -------------------------------------------------------------------------------------

void Chaos::schedule(const Action& action) {
    world_.events().after(action.at, [this, action] { perform(action); });
}

void Chaos::perform(const Action& action) {
    SimNode& node = node_of(action.node);
    const auto later = [this, &action](auto undo) { world_.events().after(action.lasts, undo); };
    switch (action.kind) {
    case ActionKind::kill:
    case ActionKind::take_power:
    case ActionKind::stop: take_down_soon(action, world_.events().now() + flight_wait_max); break;
    case ActionKind::cut_connections: world_.net().cut_all(node.id()); break;
    case ActionKind::block_network:
        world_.net().block(node.id(), collector_->id(), true);
        later([this, &node] { world_.net().block(node.id(), collector_->id(), false); });
        break;
    case ActionKind::pause:
        node.set_paused(true);
        later([&node] { node.set_paused(false); });
        break;
    case ActionKind::jump_clock:
        clock_offsets_[action.node] += action.jump;
        node.disk().set_wall_offset(clock_offsets_[action.node]);
        break;
    case ActionKind::fill_disk: {
        const io::FsInfo info = node.disk().info();
        node.disk().options().capacity_bytes = info.total_bytes - info.free_bytes
                                             + room_on_full_disk;
        later([&node] { node.disk().options().capacity_bytes = whole_disk; });
        break;
    }
    case ActionKind::break_syncs:
        collector_->disk().options().faults.sync_error = 0.5;
        later([this] {
            collector_->disk().options().faults.sync_error = is_healed_
                                                               ? 0
                                                               : plan_.collector_disk.sync_error;
        });
        break;
    case ActionKind::truncate_log: hosts_[action.node - 1].logs[action.log]->truncate(); break;
    case ActionKind::remove_old_logs: hosts_[action.node - 1].logs[action.log]->remove_old(); break;
    case ActionKind::grow_topic:
        if (!administrator_->is_running()) {
            administrator_->start([this](Shard& shard) {
                return std::make_unique<GrowProgram>(shard, collector_->host(), topic);
            });
        }
        break;
    }
}

bool Chaos::is_batch_in_flight() {
    return std::ranges::any_of(hosts_, [this](const Host& host) {
        const AgentProgram* const agent = agent_of(host);
        return agent != nullptr && agent->is_shipping() && agent->agent().has_batches_in_flight();
    });
}

/// A node that is down when its turn comes, or that nothing is on its way from for long, is not killed.
void Chaos::make_up_for_crashes() {
    const bool is_enough = result_.crashes >= crashes_min && result_.crashes_in_flight != 0;
    if (is_healed_ || is_enough) {
        return;
    }
    Action kill;
    kill.node = 1;
    kill.lasts = 300ms;
    kill.waits_for_flight = true;
    take_down_soon(kill, world_.events().now() + flight_wait_max);
    world_.events().after(2s, [this] { make_up_for_crashes(); });
}

void Chaos::take_down_soon(const Action& action, const SteadyTime until) {
    const bool is_now = !action.waits_for_flight || is_batch_in_flight()
                     || world_.events().now() >= until;
    if (is_now) {
        take_down(action);
        return;
    }
    world_.events().after(flight_look_interval, [this, action, until] {
        take_down_soon(action, until);
    });
}

void Chaos::take_down(const Action& action) {
    SimNode& node = node_of(action.node);
    if (is_healed_) {
        return;
    }
    if (!node.is_running()) {  // down for another reason: a moment after it has come up
        world_.events().after(supervise_interval, [this, action] {
            take_down_soon(action, world_.events().now() + flight_wait_max);
        });
        return;
    }
    is_down_on_purpose_[action.node] = true;
    node.set_paused(false);
    if (action.kind == ActionKind::stop) {
        node.request_stop();
    } else {
        ++result_.crashes;
        result_.crashes_in_flight += is_batch_in_flight() ? 1u : 0u;
        if (action.kind == ActionKind::kill) {
            node.crash(CrashKind::killed);
        } else {
            lose_power(action.node);
        }
        if (action.node != 0) {
            spoil_checkpoint(hosts_[action.node - 1], action.checkpoint);
        }
    }
    world_.events().after(action.lasts, [this, action] { come_up(action); });
}

void Chaos::come_up(const Action& action) {
    SimNode& node = node_of(action.node);
    if (node.is_running()) {  // it takes its time to stop
        world_.events().after(supervise_interval, [this, action] { come_up(action); });
        return;
    }
    if (action.node != 0) {
        for (const std::unique_ptr<AppLog>& log : hosts_[action.node - 1].logs) {
            log->power_back();
        }
    }
    start(action.node);
}

void Chaos::lose_power(const std::uint32_t number) {
    SimNode& node = node_of(number);
    if (number != 0) {
        for (const std::unique_ptr<AppLog>& log : hosts_[number - 1].logs) {
            log->lose_power();
        }
        sync_logs(node);
    }
    node.crash(CrashKind::power_loss);
}

void Chaos::spoil_checkpoint(Host& host, const CheckpointFate fate) {
    const std::string path = "/state/checkpoint.log";
    std::string content = content_of(*host.node, path);
    switch (fate) {
    case CheckpointFate::kept: return;
    case CheckpointFate::lost: static_cast<void>(host.node->disk().unlink(path, false)); break;
    case CheckpointFate::torn:
        if (content.empty()) {
            return;
        }
        content.resize(world_.rng().below(content.size()));
        set_content(*host.node, path, content);
        break;
    case CheckpointFate::old: set_content(*host.node, path, host.old_checkpoint); break;
    }
    static_cast<void>(host.node->disk().unlink("/state/checkpoint.old", false));
}

void Chaos::copy_checkpoints() {
    for (Host& host : hosts_) {
        host.old_checkpoint = content_of(*host.node, "/state/checkpoint.log");
    }
    world_.events().after(checkpoint_copy_interval, [this] {
        if (!is_healed_) {
            copy_checkpoints();
        }
    });
}

void Chaos::heal() {
    is_healed_ = true;
    probe_.calm();
    world_.net().options() = io::SimNetOptions();
    for (std::uint32_t number = 0; number <= hosts_.size(); ++number) {
        SimNode& node = node_of(number);
        node.set_paused(false);
        node.disk().options() = io::SimDiskOptions();
        node.backend_options() = io::SimBackendOptions();
        world_.net().block(node.id(), collector_->id(), false);
    }
    for (const Host& host : hosts_) {
        for (const std::unique_ptr<AppLog>& log : host.logs) {
            log->end_trouble();
            log->power_back();
        }
    }
    for (std::uint32_t number = 0; number <= hosts_.size(); ++number) {
        is_down_on_purpose_[number] = false;  // the supervisor does the rest
    }
}

// --- The end -------------------------------------------------------------------------------------

std::int64_t Chaos::committed(const std::string& name) {
    CollectorProgram* const program = collector_program();
    if (program == nullptr || !program->is_up()) {
        return 0;
    }
    std::int64_t records = 0;
    const metadata::ImagePtr image = program->collector().store().image();
    for (const metadata::TopicImage& described : image->topics()) {
        for (const metadata::PartitionImage& partition : described.partitions) {
            const replica::PartitionPtr found =
                program->collector().replicas().find(described.id, partition.index);
            records += found != nullptr && described.name == name ? found->high_watermark().value
                                                                  : 0;
        }
    }
    return records;
}

std::string Chaos::what_is_missing() {
    std::int64_t expected = 0;
    for (const Host& host : hosts_) {
        AgentProgram* const agent = agent_of(host);
        if (agent == nullptr || !agent->is_shipping()) {
            return host.node->name() + " does not ship";
        }
        if (!agent->is_drained()) {
            return host.node->name() + " has something left to read or to ship";
        }
        for (const std::unique_ptr<AppLog>& log : host.logs) {
            if (!log->is_done()) {
                return "log " + log->name() + " is not written to its end";
            }
            expected += static_cast<std::int64_t>(log->written());
            expected += std::ranges::count_if(log->contents(), &Content::has_banner);
        }
    }
    if (plan_.producer_batches != 0 && !produced_.is_done) {
        return "the producer is at batch " + std::to_string(produced_.acknowledged);
    }
    const std::int64_t there = committed(topic);
    if (!plan_.destroys_lines() && there < expected) {
        return std::to_string(there) + " records are committed of " + std::to_string(expected);
    }
    return "";
}

/// Nothing is left to be done, and for a while nothing has happened.
bool Chaos::is_at_rest() {
    const SteadyTime now = world_.events().now();
    const std::int64_t records = committed(topic);
    if (!what_is_missing().empty() || records != rest_records_) {
        rest_records_ = records;
        rest_since_ = now;
        return false;
    }
    const bool has_settled = now - rest_since_ >= settle_time;
    const auto& reader = dynamic_cast<ReaderProgram&>(reader_->program());
    return has_settled && reader.at_end_since() >= rest_since_;
}

void Chaos::wait_for_rest() {
    rest_since_ = world_.events().now();
    rest_records_ = -1;
    SteadyTime look_at{};
    const auto condition = [this, &look_at] {
        if (world_.events().now() < look_at) {
            return false;
        }
        look_at = world_.events().now() + 500ms;
        return is_at_rest() || !seen_.problem.empty();
    };
    const SimWorld::Ended ended = world_.run_until(condition, rest_time_max);
    if (ended == SimWorld::Ended::step_limit) {
        fail("it never ends: more steps than any good run takes");
    } else if (ended == SimWorld::Ended::deadline) {
        const std::string missing = what_is_missing();
        fail("stuck: after everything was healed " + (missing.empty() ? "no rest came" : missing));
    }
}

void Chaos::stop(SimNode& node) {
    if (!node.is_running()) {
        return;
    }
    node.request_stop();
    const auto is_down = [&node] { return !node.is_running(); };
    if (world_.run_until(is_down, stop_time_max) != SimWorld::Ended::condition) {
        fail(node.name() + " did not stop when it was asked to");
    }
}

void Chaos::read_again() {
    stop(*reader_);
    Seen again;
    const bool may_be_trimmed = plan_.collector.retention_time != Nanos::zero();
    const SteadyTime began = world_.events().now();
    reader_->start([this, &again, may_be_trimmed](Shard& shard) {
        return std::make_unique<ReaderProgram>(shard, collector_->host(), may_be_trimmed, again);
    });
    const auto is_read = [this, began] {
        return dynamic_cast<ReaderProgram&>(reader_->program()).at_end_since() >= began;
    };
    if (world_.run_until(is_read, 60s) != SimWorld::Ended::condition) {
        fail("the log cannot be read again to its end");
    }
    stop(*reader_);
    fail(again.problem);
    fail(compare(seen_, again));
}

/// Acknowledged records that are damaged on disk are never passed over in silence: the partition is not
/// served, or what it serves ends where it ended.
void Chaos::damage() {
    CollectorProgram* program = collector_program();
    std::map<std::pair<std::string, std::int32_t>, std::int64_t> ends;
    const auto each = [&program](auto visit) {
        const metadata::ImagePtr image = program->collector().store().image();
        for (const metadata::TopicImage& described : image->topics()) {
            for (const metadata::PartitionImage& partition : described.partitions) {
                visit(
                    described,
                    partition.index,
                    program->collector().replicas().find(described.id, partition.index)
                );
            }
        }
    };
    std::vector<std::string> last_segments;
    each([&](const metadata::TopicImage& described,
             const PartitionIndex index,
             const replica::PartitionPtr& partition) {
        ends[{described.name, index.value}] = partition == nullptr
                                                ? 0
                                                : partition->high_watermark().value;
        if (partition != nullptr) {
            const std::string dir = "/data/log/" + storage::partition_dir_name(partition->key());
            std::vector<io::DirEntry> entries;
            static_cast<void>(collector_->disk().list(dir, entries));
            std::string last;
            for (const io::DirEntry& entry : entries) {
                last = entry.name.ends_with(".log") ? std::max(last, entry.name) : last;
            }
            last_segments.push_back(dir + "/" + last);
        }
    });
    is_down_on_purpose_[0] = true;
    collector_->crash(CrashKind::killed);
    std::erase_if(last_segments, [this](const std::string& path) {
        return content_of(*collector_, path).find_first_not_of('\0') == std::string::npos;
    });
    if (!last_segments.empty()) {
        std::ranges::sort(last_segments);
        const std::string& path = last_segments[world_.rng().below(last_segments.size())];
        std::string content = content_of(*collector_, path);
        const std::size_t end = content.find_last_not_of('\0') + 1;
        const std::size_t at = world_.rng().below(end);
        content[at] = static_cast<char>(
            static_cast<unsigned char>(content[at]) ^ (1u << world_.rng().below(8))
        );
        set_content(*collector_, path, content);
    }
    start(0);
    program = collector_program();
    const auto is_up = [this] {
        CollectorProgram* const started = collector_program();
        return started != nullptr && started->is_up();
    };
    if (world_.run_until(is_up, 60s) != SimWorld::Ended::condition) {
        fail("one damaged log keeps the collector from starting");
        return;
    }
    program = collector_program();
    each([&](const metadata::TopicImage& described,
             const PartitionIndex index,
             const replica::PartitionPtr& partition) {
        const std::int64_t before = ends[{described.name, index.value}];
        if (partition != nullptr && partition->high_watermark().value < before) {
            fail(
                "damage was cut off in silence: " + described.name + "/"
                + std::to_string(index.value) + " ended at " + std::to_string(before)
                + " and ends at " + std::to_string(partition->high_watermark().value)
            );
        }
    });
}

void Chaos::fail(const std::string& what) {
    if (result_.failure.empty() && !what.empty()) {
        result_.failure = what;
        result_.report = plan_.text() + world_.report();
    }
}

ChaosResult Chaos::run() {
    const SteadyTime began = world_.events().now();
    rest_records_ = -1;
    start(0);
    for (std::uint32_t number = 1; number <= hosts_.size(); ++number) {
        start(number);
    }
    supervise();
    copy_checkpoints();
    const bool may_be_trimmed = plan_.collector.retention_time != Nanos::zero();
    reader_->start([this, may_be_trimmed](Shard& shard) {
        return std::make_unique<ReaderProgram>(shard, collector_->host(), may_be_trimmed, seen_);
    });
    if (plan_.producer_batches != 0) {
        const Nanos pause = plan_.trouble_time * 3 / 4 / plan_.producer_batches;
        producer_->start([this, pause](Shard& shard) {
            return std::make_unique<ProducerProgram>(
                shard, collector_->host(), plan_.producer_batches, pause, produced_
            );
        });
    }
    for (const Action& action : plan_.actions) {
        schedule(action);
    }
    if (plan_.has_enough_crashes) {
        world_.events().after(plan_.trouble_time / 2, [this] { make_up_for_crashes(); });
    }
    world_.run_for(plan_.trouble_time);
    heal();
    wait_for_rest();
    std::vector<const AppLog*> logs;
    for (const Host& host : hosts_) {
        for (const std::unique_ptr<AppLog>& log : host.logs) {
            logs.push_back(log.get());
            result_.lines += log->written();
            result_.rotations += log->rotations();
        }
    }
    // What is wrong with the lines says more than that something is stuck.
    const std::string stuck = std::exchange(result_.failure, "");
    const std::string wrong = judge_lines(logs, seen_, topic);
    fail(seen_.problem);
    fail(stuck.empty() || wrong.empty() ? stuck + wrong : stuck + "; " + wrong);
    fail(plan_.producer_batches == 0 ? "" : judge_produced(produced_, seen_));
    if (result_.failure.empty()) {
        read_again();
    }
    if (result_.failure.empty() && plan_.ends_with_damage) {
        damage();
    }
    is_over_ = true;
    is_down_on_purpose_.assign(is_down_on_purpose_.size(), true);
    if (result_.failure.empty()) {
        for (std::uint32_t number = 0; number <= hosts_.size(); ++number) {
            stop(node_of(static_cast<std::uint32_t>(hosts_.size()) - number));
        }
    }
    result_.trace_hash = world_.events().trace_hash();
    result_.events = world_.events().count();
    result_.logs = logs.size();
    result_.records = seen_.records;
    result_.time = world_.events().now() - began;
    result_.marks = probe_.counts();
    return result_;
}

}  // namespace logboom::sim
