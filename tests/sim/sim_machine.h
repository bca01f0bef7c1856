// One simulated machine for unit tests of parts: the test makes them, runs their tasks one by one
// in virtual time, and takes the power away. Other than a node of SimWorld it may have several
// shards, and has a gate before its kernel, where a test refuses or keeps back what it means.
#pragma once

#include "tests/sim/op_gate.h"
#include "tests/sim/sim_world.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace logboom::sim {

/// The value that a task will have had.
template <typename T>
class Outcome {
public:
    [[nodiscard]] bool is_there() const noexcept { return value_->has_value(); }
    [[nodiscard]] T& value() noexcept {
        LB_ASSERT(is_there());
        return **value_;
    }

private:
    friend class SimMachine;
    std::shared_ptr<std::optional<T>> value_ = std::make_shared<std::optional<T>>();
};

/// What the programs of a machine have logged.
class LoggedLines final : public LogSink {
public:
    void write(const LogLevel level, const std::string_view line) override {
        lines_ += std::string(to_string(level)) + ": " + std::string(line) + '\n';
    }
    void clear() { lines_.clear(); }
    [[nodiscard]] const std::string& text() const noexcept { return lines_; }

private:
    std::string lines_;
};

struct SimMachineOptions {
    std::uint64_t seed = 1;
    std::size_t shard_count = 1;
    io::SimDiskOptions disk;
};

class SimMachine {
public:
    /// Running.
    explicit SimMachine(SimMachineOptions options = SimMachineOptions());
    SimMachine(const SimMachine&) = delete;
    SimMachine& operator=(const SimMachine&) = delete;
    /// As killed. Tells the seed and the last log lines if a test is failing.
    ~SimMachine();

    [[nodiscard]] Shard& shard(std::size_t index = 0) noexcept;
    [[nodiscard]] std::vector<Shard*> shards();
    [[nodiscard]] Env& env(const std::size_t index = 0) noexcept { return shard(index).env(); }
    [[nodiscard]] io::SimDisk& disk() noexcept { return disk_; }
    [[nodiscard]] io::SimEvents& events() noexcept { return events_; }
    [[nodiscard]] Rng& rng() noexcept { return events_.rng(); }
    /// For the next start.
    [[nodiscard]] io::SimBackendOptions& backend_options() noexcept { return backend_options_; }
    void set_shard_count(const std::size_t count) noexcept { options_.shard_count = count; }
    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    /// What was logged since the latest start.
    [[nodiscard]] const std::string& log_text() const noexcept { return log_.text(); }
    [[nodiscard]] bool has_logged(std::string_view text) const;

    /// A part that lives until the program ends, however it ends; the latest one goes first.
    template <typename T, typename... Args>
    T& make(Args&&... args) {
        auto part = std::make_shared<T>(std::forward<Args>(args)...);
        T& made = *part;
        keep_part(std::move(part));
        return made;
    }

    /// Runs a task of a shard and all that goes on beside it, until it has ended. A task that has
    /// not after an hour fails the test.
    template <typename T>
    T run(Task<T> task, const std::size_t on_shard = 0) {
        Outcome<T> outcome = begin(std::move(task), on_shard);
        run_until([&outcome] { return outcome.is_there(); });
        return std::move(outcome.value());
    }
    void run(Task<void> task, std::size_t on_shard = 0);
    /// Begins a task; it goes on with whatever is run.
    template <typename T>
    Outcome<T> begin(Task<T> task, const std::size_t on_shard = 0) {
        Outcome<T> outcome;
        spawn(keep(std::move(task), outcome.value_), on_shard);
        return outcome;
    }
    /// Runs what there is until `condition` holds; fails the test after an hour.
    void run_until(const std::function<bool()>& condition);
    void run_for(Nanos time);

    /// Asked about each operation of the programs from now on, also after a restart.
    void judge_ops(OpGate::Judge judge) { judge_ = std::move(judge); }
    void release_ops();
    [[nodiscard]] std::size_t held_ops() const noexcept;

    /// The program has ended everything that it began; its parts are destroyed.
    void end_program();
    void crash(CrashKind kind);
    void start();
    void restart_after(const CrashKind kind) {
        crash(kind);
        start();
    }

    // The disk, as another program on the machine sees it.
    [[nodiscard]] bool exists(const std::string& path);
    [[nodiscard]] std::string content(const std::string& path);
    void set_content(const std::string& path, std::string_view content);
    void flip_bit(const std::string& path, std::uint64_t byte, unsigned bit);
    void truncate(const std::string& path, std::uint64_t size);
    void remove(const std::string& path);
    /// In byte order.
    [[nodiscard]] std::vector<std::string> names_in(const std::string& dir);

private:
    struct OnShard;

    template <typename T>
    static Task<void> keep(Task<T> task, std::shared_ptr<std::optional<T>> into) {
        T value = co_await std::move(task);
        into->emplace(std::move(value));
    }
    static Task<void> tell(Task<void> task, std::shared_ptr<bool> into);

    void keep_part(std::shared_ptr<void> part) { parts_.push_back(std::move(part)); }
    void spawn(Task<void> task, std::size_t on_shard);
    [[nodiscard]] bool run_ready();
    [[nodiscard]] bool run_until(const std::function<bool()>& condition, SteadyTime deadline);
    [[nodiscard]] std::shared_ptr<io::SimOpenFile> open(
        const std::string& path, std::uint32_t flags
    );
    void destroy_parts();

    SimMachineOptions options_;
    io::SimEvents events_;
    io::SimNet net_;
    io::SimDisk disk_;
    io::SimBackendOptions backend_options_;
    std::string host_ = "10.0.0.1";
    LoggedLines log_;
    OpGate::Judge judge_;
    std::vector<std::unique_ptr<OnShard>> on_shards_;
    std::vector<std::shared_ptr<void>> parts_;
    int exceptions_before_;
};

}  // namespace logboom::sim
