// A machine with applications that write logs, the file source that follows them, and a model collector that
// takes its batches: all of the agent but the network.
#pragma once

#include "agent/source/file/file_source.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/agent/model_collector.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace logboom::tests {

/// A file that an application holds open for writing.
class AppFile {
public:
    AppFile(io::SimDisk& disk, const std::string& path, const std::uint32_t flags) : disk_(&disk) {
        const std::int32_t res = disk.open(path, O_WRONLY | flags, 0644, file_);
        LB_ASSERT(res == 0);
    }
    AppFile(AppFile&& other) noexcept = default;
    AppFile& operator=(AppFile&& other) noexcept = default;
    ~AppFile() { close(); }

    void write(const std::string& text) {
        const std::int32_t written =
            disk_->write(*file_, as_bytes(text), 0, io::SimDisk::Faults::none);
        LB_ASSERT(written == static_cast<std::int32_t>(text.size()));
    }
    void truncate(const std::uint64_t size) {
        const std::int32_t res = disk_->truncate(*file_, size);
        LB_ASSERT(res == 0);
    }
    void close() {
        if (file_ != nullptr) {
            disk_->close(*file_);
            file_.reset();
        }
    }
    /// How many have it open, this one among them.
    [[nodiscard]] std::uint32_t opens() const { return file_->inode->opens; }

private:
    io::SimDisk* disk_;
    std::shared_ptr<io::SimOpenFile> file_;
};

/// What applications and administrators do with files; each call is done at once.
class Applications {
public:
    explicit Applications(sim::SimMachine& machine) : machine_(machine) {}

    [[nodiscard]] AppFile open(const std::string& path) {
        return AppFile(machine_.disk(), path, O_CREAT | O_APPEND);
    }
    /// Appends; the file is closed again.
    void write(const std::string& path, const std::string& text) { open(path).write(text); }
    /// Other content in the same file.
    void rewrite(const std::string& path, const std::string& text) {
        AppFile(machine_.disk(), path, O_TRUNC | O_APPEND).write(text);
    }
    void truncate(const std::string& path, const std::uint64_t size) { open(path).truncate(size); }
    void rename(const std::string& from, const std::string& to) {
        const std::int32_t res = machine_.disk().rename(from, to);
        LB_ASSERT(res == 0);
    }
    void remove(const std::string& path) { machine_.remove(path); }
    /// Another file with the same content.
    void copy(const std::string& from, const std::string& to) { write(to, machine_.content(from)); }
    void make_link(const std::string& target, const std::string& path) {
        const std::int32_t res = machine_.disk().make_link(target, path);
        LB_ASSERT(res == 0);
    }
    void make_hard_link(const std::string& file, const std::string& path) {
        const std::int32_t res = machine_.disk().make_hard_link(file, path);
        LB_ASSERT(res == 0);
    }
    /// As logrotate does it with `copytruncate`: copies with higher numbers first make room.
    void copy_truncate(const std::string& path) {
        for (int i = 3; i > 0; --i) {
            const std::string from = path + "." + std::to_string(i);
            if (machine_.exists(from)) {
                rename(from, path + "." + std::to_string(i + 1));
            }
        }
        copy(path, path + ".1");
        truncate(path, 0);
    }
    void make_dirs(const std::string& path) {
        for (std::size_t at = path.find('/', 1); at != std::string::npos;
             at = path.find('/', at + 1)) {
            static_cast<void>(machine_.disk().make_dir(path.substr(0, at), 0755));
        }
        static_cast<void>(machine_.disk().make_dir(path, 0755));
    }
    [[nodiscard]] std::uint64_t inode(const std::string& path) {
        struct statx stat {};
        const std::int32_t res = machine_.disk().stat(nullptr, path, true, stat);
        LB_ASSERT(res == 0);
        return stat.stx_ino;
    }

private:
    sim::SimMachine& machine_;
};

/// Takes the source's batches to the model, in their order and a moment later, and tells what it said.
class Link final : public ship::Outlet {
public:
    Link(io::SimEvents& events, ModelCollector& collector, const std::uint32_t epoch)
        : events_(events)
        , collector_(collector)
        , epoch_(epoch)
        , alive_(std::make_shared<bool>(true)) {}

    void tell(source::FileSource& source) { source_ = &source; }

    [[nodiscard]] bool has_room(const record::Id128&) const override {
        return queue_.size() < queue_max;
    }
    void push(ship::SealedBatch batch) override {
        ship::Route route = source_->route(batch.stream);
        if (!route.partition) {
            // Never twice the same, so that a stream has another's only if it was handed on.
            const auto next = static_cast<std::int32_t>(collector_.known.size() + queue_.size());
            route.partition = PartitionIndex(next);
            source_->pinned(batch.stream, *route.partition);
        }
        Waiting waiting;
        waiting.envelope.topic = std::move(route.topic);
        waiting.envelope.partition = *route.partition;
        waiting.envelope.size_bytes = batch.bytes.size();
        waiting.envelope.stream = batch.stream;
        waiting.envelope.generation = batch.generation;
        waiting.envelope.from = batch.from;
        waiting.envelope.to = batch.to;
        waiting.envelope.agent_epoch = batch.agent_epoch;
        waiting.batch = std::move(batch);
        queue_.push_back(std::move(waiting));
        deliver_later();
    }

    /// The collector cannot be reached until `release`.
    void hold() { is_held_ = true; }
    void release() {
        is_held_ = false;
        deliver_later();
    }
    [[nodiscard]] bool is_empty() const noexcept { return queue_.empty(); }
    [[nodiscard]] std::size_t waiting_count() const noexcept { return queue_.size(); }

    std::size_t queue_max = 16;

private:
    struct Waiting {
        ship::SealedBatch batch;
        rpc::BatchEnvelope envelope;
    };

    void deliver_later() {
        const std::weak_ptr<bool> alive = alive_;
        events_.after(1ms, [this, alive] {
            if (!alive.expired()) {
                deliver();
            }
        });
    }
    void deliver() {
        if (is_held_ || queue_.empty()) {
            return;
        }
        const Waiting waiting = std::move(queue_.front());
        queue_.pop_front();
        const ship::SealedBatch& batch = waiting.batch;
        const rpc::BatchResult result = collector_.take(waiting.envelope, batch.bytes.view());
        if (result.status == rpc::ReplyStatus::ok) {
            source_->acknowledged(batch.stream, batch.end(), batch.tail);
        } else {
            std::erase_if(queue_, [&batch](const Waiting& other) {
                return other.batch.stream == batch.stream;
            });
            source_->rewind(batch.stream, {result.generation_known, result.to_known});
        }
        source_->room();
        if (!queue_.empty()) {
            deliver_later();
        }
    }

    io::SimEvents& events_;
    ModelCollector& collector_;
    std::uint32_t epoch_;
    std::shared_ptr<bool> alive_;
    source::FileSource* source_ = nullptr;
    std::deque<Waiting> queue_;
    bool is_held_ = false;
};

class SourceWorld {
public:
    using Lines = std::vector<std::string>;

    explicit SourceWorld(const std::uint64_t seed = 1)
        : machine(sim::SimMachineOptions{seed, 1, {}})
        , apps(machine) {
        apps.make_dirs("/state");
        apps.make_dirs("/var/log");
    }

    /// An input as the configuration's defaults make it. Before `start`.
    source::FileInput& add_input(
        const std::vector<std::string>& include, const std::vector<std::string>& exclude = {}
    ) {
        source::FileInput input{
            .name = "input" + std::to_string(options.inputs.size()),
            .topic = "logs",
            .paths = source::PathSet(include, exclude)};
        input.split.line_bytes_max = 1u << 20;
        input.ignore_older = 24h;
        input.partial_flush = 5s;
        input.close_idle = 60s;
        input.rotate_quiet = 5s;
        input.rotated_dirs = {".", "archive", "old"};
        input.rescan_interval = 60s;
        options.inputs.push_back(std::move(input));
        return options.inputs.back();
    }

    // --- The agent's life ------------------------------------------------------------------------

    void start() {
        start_alone();
        meet();
    }
    /// No collector answers yet.
    void start_alone() {
        Env& env = machine.env();
        ++epoch;
        memory = &machine.make<ship::MemoryBudget>(
            memory_max, limits::agent_memory_reserve(batches.batch_bytes_max), registry
        );
        link = &machine.make<Link>(machine.events(), collector, epoch);
        room = &machine.make<batch::BatchRoom>(env, batches, hash, *link, *memory, registry);
        checkpoint_options.dir = "/state";
        checkpoint = &machine.make<source::Checkpoint>(env, checkpoint_options, registry);
        files = &machine.make<source::FileSource>(
            env, options, hash, *checkpoint, *room, *link, *memory, registry
        );
        link->tell(*files);
        const Result<Ok> opened = machine.run(checkpoint->start());
        BOOST_REQUIRE(opened.has_value());
        machine.run(files->start());
        room->start();
        room->set_agent(id_of(1), epoch);
    }
    void meet() { files->begin(collector.positions({"logs", "other", "lb.loss"}, 64)); }
    void stop() {
        machine.run(files->stop());
        room->seal_all();
        until([this] { return link->is_empty(); });
        machine.run(room->stop());
        machine.run(checkpoint->stop());
        machine.end_program();
        machine.start();
    }
    void kill() { machine.restart_after(sim::CrashKind::killed); }
    void lose_power() { machine.restart_after(sim::CrashKind::power_loss); }
    void forget_checkpoint() {
        for (const char* const name : {"/state/checkpoint.log", "/state/checkpoint.old"}) {
            if (machine.exists(name)) {
                machine.remove(name);
            }
        }
    }

    /// A file whose last change is `age` ago.
    void write_long_ago(const std::string& path, const std::string& text, const Nanos age) {
        machine.disk().set_wall_offset(-age);
        apps.write(path, text);
        machine.disk().set_wall_offset(Nanos::zero());
    }

    // --- Waiting, in virtual time ----------------------------------------------------------------

    void pass(const Nanos time) { machine.run_for(time); }
    /// Until it holds, or for `at_most`.
    void until(const std::function<bool()>& condition, const Nanos at_most = 150s) {
        const SteadyTime deadline = machine.events().now() + at_most;
        machine.events().after(at_most, [] {});  // the clock stops there
        machine.run_until([this, &condition, deadline] {
            return condition() || machine.events().now() >= deadline;
        });
    }
    void until_scanned() {
        until([this] { return files->is_drained(); });
    }
    /// Lines of a path once there are `count`, and a while later, so that it shows if more come.
    [[nodiscard]] Lines lines_of(const std::string& path, const std::size_t count) {
        std::size_t taken_before = 0;
        std::size_t lines = 0;
        until([&, this] {
            if (std::exchange(taken_before, collector.taken.size()) != collector.taken.size()) {
                lines = collector.lines(path).size();
            }
            return lines >= count;
        });
        pass(3s);
        return collector.lines(path);
    }
    [[nodiscard]] Lines lines_now(const std::string& path) const { return collector.lines(path); }

    // --- Looking ---------------------------------------------------------------------------------

    /// The sum of a metric's series whose name and labels begin like this.
    [[nodiscard]] double metric(const std::string& name) {
        files->refresh_metrics();
        const std::string text = registry.text();
        double sum = 0;
        for (std::size_t at = text.find("\n" + name); at != std::string::npos;
             at = text.find("\n" + name, at + 1)) {
            const std::size_t space = text.find(' ', at);
            sum += std::stod(text.substr(space + 1));
        }
        return sum;
    }
    [[nodiscard]] std::size_t times_logged(const std::string& sentence) const {
        const std::string text = machine.log_text();
        std::size_t count = 0;
        for (std::size_t at = text.find(sentence); at != std::string::npos;
             at = text.find(sentence, at + 1)) {
            ++count;
        }
        return count;
    }
    /// Streams of the collector, in the order in which their first record came.
    [[nodiscard]] std::vector<record::Id128> streams_of(const std::string& path) const {
        std::vector<record::Id128> streams;
        for (const ModelCollector::Taken& one : collector.taken) {
            if (one.record.header("lb.path") == path
                && std::ranges::find(streams, one.stream) == streams.end()) {
                streams.push_back(one.stream);
            }
        }
        return streams;
    }
    /// The collector's records of a path.
    [[nodiscard]] std::vector<ReadRecord> records_of(const std::string& path) const {
        std::vector<ReadRecord> records;
        for (const ModelCollector::Taken& one : collector.taken) {
            if (one.record.header("lb.path") == path) {
                records.push_back(one.record);
            }
        }
        return records;
    }

    source::FileSourceOptions options;
    source::CheckpointOptions checkpoint_options;
    batch::BatchOptions batches;
    ModelCollector collector;
    metrics::Registry registry;
    batch::KeyedHash hash{12345};
    std::uint32_t epoch = 0;
    sim::SimMachine machine;
    Applications apps;
    std::uint64_t memory_max = limits::agent_memory_default;
    ship::MemoryBudget* memory = nullptr;
    Link* link = nullptr;
    batch::BatchRoom* room = nullptr;
    source::Checkpoint* checkpoint = nullptr;
    source::FileSource* files = nullptr;
};

/// "first", "first + 1" ... up to `end`, each with its line end.
inline std::string numbered(const int first, const int end, const std::string& word = "line ") {
    std::string text;
    for (int i = first; i < end; ++i) {
        text += word + std::to_string(i) + "\n";
    }
    return text;
}
inline std::vector<std::string> numbers(
    const int first, const int end, const std::string& word = "line "
) {
    std::vector<std::string> lines;
    for (int i = first; i < end; ++i) {
        lines.push_back(word + std::to_string(i));
    }
    return lines;
}
inline std::vector<std::string> operator+(
    std::vector<std::string> left, const std::vector<std::string>& right
) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

}  // namespace logboom::tests
