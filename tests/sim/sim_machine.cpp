#include "tests/sim/sim_machine.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace logboom::sim {

namespace {

constexpr std::uint32_t node_id = 1;
constexpr std::uint64_t pool_bytes = 4u << 20;
constexpr std::size_t resumes_per_turn = 64;
constexpr Nanos task_time_max = std::chrono::hours(1);

}  // namespace

/// One shard of the running program. What refers to the shard's Env ends before it.
struct SimMachine::OnShard {
    OnShard(SimMachine& machine, const std::size_t index)
        : kernel(machine.events_, machine.net_, machine.disk_, node_id, machine.backend_options_)
        , gate(machine.events_, kernel, machine.judge_)
        , holder(gate, machine.log_, LogLevel::debug, machine.rng().next(), pool_bytes)
        , order(machine.rng().fork())
        , shard(std::make_unique<Shard>(index, gate, holder.env()))
        , tasks(std::make_unique<Scope>(holder.scheduler())) {
        holder.scheduler().shuffle_with(&order);
    }

    io::SimBackend kernel;
    OpGate gate;
    io::EnvHolder holder;
    Rng order;
    std::unique_ptr<Shard> shard;
    std::unique_ptr<Scope> tasks;
};

SimMachine::SimMachine(SimMachineOptions options)
    : options_(options)
    , events_(options.seed)
    , net_(events_)
    , disk_(events_, node_id, options.disk)
    , exceptions_before_(std::uncaught_exceptions()) {
    net_.add_node(node_id, host_, "machine");
    start();
}

SimMachine::~SimMachine() {
    if (std::uncaught_exceptions() > exceptions_before_) {
        const std::string seed = std::to_string(options_.seed);
        std::fprintf(
            stderr, "seed %s; log since the latest start:\n%s", seed.c_str(), log_.text().c_str()
        );
    }
    if (!on_shards_.empty()) {
        crash(CrashKind::killed);
    }
}

Shard& SimMachine::shard(const std::size_t index) noexcept {
    return *on_shards_[index]->shard;
}

std::vector<Shard*> SimMachine::shards() {
    std::vector<Shard*> shards;
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        shards.push_back(on_shard->shard.get());
    }
    return shards;
}

bool SimMachine::has_logged(const std::string_view text) const {
    return log_.text().find(text) != std::string::npos;
}

Task<void> SimMachine::tell(Task<void> task, std::shared_ptr<bool> into) {
    co_await std::move(task);
    *into = true;
}

void SimMachine::run(Task<void> task, const std::size_t on_shard) {
    const auto has_ended = std::make_shared<bool>(false);
    spawn(tell(std::move(task), has_ended), on_shard);
    run_until([&has_ended] { return *has_ended; });
}

void SimMachine::spawn(Task<void> task, const std::size_t on_shard) {
    on_shards_[on_shard]->tasks->spawn(std::move(task));
}

bool SimMachine::run_ready() {
    bool has_run = false;
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        io::Scheduler& scheduler = on_shard->holder.scheduler();
        on_shard->shard->drain();
        scheduler.advance(events_.now());
        if (scheduler.has_ready()) {
            scheduler.run_ready(resumes_per_turn);
            has_run = true;
        }
    }
    return has_run;
}

bool SimMachine::run_until(const std::function<bool()>& condition, const SteadyTime deadline) {
    for (;;) {
        if (run_ready()) {
            continue;
        }
        if (condition()) {
            return true;
        }
        if (events_.run_one()) {
            continue;
        }
        SteadyTime next = events_.next_due();
        for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
            next = std::min(next, on_shard->holder.scheduler().timers().next_due());
        }
        if (next > deadline) {
            events_.advance_to(deadline);
            return false;
        }
        events_.advance_to(next);
    }
}

void SimMachine::run_until(const std::function<bool()>& condition) {
    if (!run_until(condition, events_.now() + task_time_max)) {
        throw std::runtime_error("what was waited for has not happened within an hour");
    }
}

void SimMachine::run_for(const Nanos time) {
    static_cast<void>(run_until([] { return false; }, events_.now() + time));
}

void SimMachine::release_ops() {
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        on_shard->gate.release();
    }
}

std::size_t SimMachine::held_ops() const noexcept {
    std::size_t count = 0;
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        count += on_shard->gate.held_count();
    }
    return count;
}

void SimMachine::start() {
    LB_ASSERT(on_shards_.empty());
    log_.clear();
    net_.set_power(node_id, true);
    for (std::size_t i = 0; i < options_.shard_count; ++i) {
        on_shards_.push_back(std::make_unique<OnShard>(*this, i));
    }
}

void SimMachine::end_program() {
    run_until([this] {
        return std::ranges::all_of(on_shards_, [](const std::unique_ptr<OnShard>& on_shard) {
            return on_shard->tasks->empty() && on_shard->shard->calls().empty();
        });
    });
    destroy_parts();
    on_shards_.clear();
}

void SimMachine::crash(const CrashKind kind) {
    const bool is_power_loss = kind == CrashKind::power_loss;
    if (is_power_loss) {
        net_.set_power(node_id, false);
        net_.forget_node(node_id);
    }
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        on_shard->gate.drop_all();
        on_shard->kernel.drop_all(
            is_power_loss ? io::SimBackend::Descriptors::lost : io::SimBackend::Descriptors::closed
        );
        on_shard->holder.scheduler().begin_crash();
    }
    if (is_power_loss) {
        disk_.lose_power();
    }
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        on_shard->tasks.reset();
    }
    for (const std::unique_ptr<OnShard>& on_shard : on_shards_) {
        on_shard->shard.reset();
    }
    destroy_parts();
    on_shards_.clear();
}

void SimMachine::destroy_parts() {
    while (!parts_.empty()) {
        parts_.pop_back();
    }
}

// --- The disk ------------------------------------------------------------------------------------

std::shared_ptr<io::SimOpenFile> SimMachine::open(
    const std::string& path, const std::uint32_t flags
) {
    std::shared_ptr<io::SimOpenFile> file;
    const std::int32_t res = disk_.open(path, flags, 0640, file);
    if (res != 0) {
        throw std::runtime_error("cannot open " + path + ": " + std::to_string(res));
    }
    return file;
}

bool SimMachine::exists(const std::string& path) {
    struct statx x {};
    return disk_.stat(nullptr, path, true, x) == 0;
}

std::string SimMachine::content(const std::string& path) {
    const std::shared_ptr<io::SimOpenFile> file = open(path, O_RDONLY);
    std::string bytes(file->inode->data);
    disk_.close(*file);
    return bytes;
}

void SimMachine::set_content(const std::string& path, const std::string_view content) {
    const std::shared_ptr<io::SimOpenFile> file = open(path, O_RDWR | O_CREAT | O_TRUNC);
    if (!content.empty()) {
        const auto written = disk_.write(*file, as_bytes(content), 0, io::SimDisk::Faults::none);
        LB_ASSERT(written == static_cast<std::int32_t>(content.size()));
    }
    disk_.close(*file);
}

void SimMachine::flip_bit(const std::string& path, const std::uint64_t byte, const unsigned bit) {
    const std::shared_ptr<io::SimOpenFile> file = open(path, O_RDWR);
    const auto old = static_cast<unsigned char>(file->inode->data.at(byte));
    const auto flipped = static_cast<char>(old ^ (1u << bit));
    const std::string_view text(&flipped, 1);
    const auto written = disk_.write(*file, as_bytes(text), byte, io::SimDisk::Faults::none);
    LB_ASSERT(written == 1);
    disk_.close(*file);
}

void SimMachine::truncate(const std::string& path, const std::uint64_t size) {
    const std::shared_ptr<io::SimOpenFile> file = open(path, O_RDWR);
    const std::int32_t res = disk_.truncate(*file, size);
    LB_ASSERT(res == 0);
    disk_.close(*file);
}

void SimMachine::remove(const std::string& path) {
    if (disk_.unlink(path, false) != 0) {
        throw std::runtime_error("cannot remove " + path);
    }
}

std::vector<std::string> SimMachine::names_in(const std::string& dir) {
    std::vector<io::DirEntry> entries;
    const std::int32_t res = disk_.list(dir, entries);
    LB_ASSERT(res == 0);
    std::vector<std::string> names;
    for (io::DirEntry& entry : entries) {
        names.push_back(std::move(entry.name));
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace logboom::sim
