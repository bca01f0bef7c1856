#define BOOST_TEST_MODULE sim
#include "tests/sim/programs.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <iostream>

namespace {

using namespace logboom;       // NOLINT(google-build-using-namespace): a test's own file
using namespace logboom::sim;  // NOLINT(google-build-using-namespace): a test's own file

constexpr std::uint64_t line_count = 10'000;
constexpr const char* log_path = "/var/log/app.log";

std::string line_of(const std::uint64_t number) {
    std::string line = std::to_string(number) + " ";
    line.append(number % 200, static_cast<char>('a' + number % 26));
    return line + "\n";
}

/// How the log is rotated.
enum class Rotation : std::uint8_t { by_rename, by_copytruncate };

/// An application that writes numbered lines into one file, a few at a time, and opens it anew a moment
/// after it was rotated away.
class Writer {
public:
    Writer(SimWorld& world, SimNode& machine, const Rotation rotation)
        : world_(world)
        , machine_(machine)
        , rotation_(rotation) {
        const std::int32_t made = machine.disk().make_dir("/var", 0755);
        const std::int32_t inner = machine.disk().make_dir("/var/log", 0755);
        LB_ASSERT(made == 0 && inner == 0);
        reopen();
        write_later();
    }

    void rotate() {
        const std::string away = std::string(log_path) + "." + std::to_string(++rotations_);
        if (rotation_ == Rotation::by_copytruncate) {
            copy_to(away);
            const std::int32_t cut = machine_.disk().truncate(*file_, 0);
            LB_ASSERT(cut == 0);
            return;
        }
        const std::int32_t renamed = machine_.disk().rename(log_path, away);
        LB_ASSERT(renamed == 0);
        // Until it opens its file anew it goes on writing into the old one.
        world_.events().after(200ms, [this] { reopen(); });
    }

    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] bool is_done() const noexcept { return written_ == line_count; }

private:
    /// What copytruncate itself loses, lines between copy and cut, there is none of.
    void copy_to(const std::string& path) {
        std::shared_ptr<io::SimOpenFile> copy;
        const std::int32_t opened = machine_.disk().open(path, O_WRONLY | O_CREAT, 0644, copy);
        LB_ASSERT(opened == 0);
        const std::string content = file_->inode->data;
        const std::int32_t put =
            machine_.disk().write(*copy, as_bytes(content), 0, io::SimDisk::Faults::none);
        LB_ASSERT(put == static_cast<std::int32_t>(content.size()));
        machine_.disk().close(*copy);
    }

    void reopen() {
        if (file_ != nullptr) {
            machine_.disk().close(*file_);
        }
        constexpr std::uint32_t flags = O_WRONLY | O_CREAT | O_APPEND;
        const std::int32_t opened = machine_.disk().open(log_path, flags, 0644, file_);
        LB_ASSERT(opened == 0);
    }

    void write_later() {
        world_.events().after(10ms, [this] {
            std::string text;
            for (std::uint64_t i = 0; i < 6 && written_ < line_count; ++i) {
                text += line_of(written_++);
            }
            const std::int32_t put =
                machine_.disk().write(*file_, as_bytes(text), 0, io::SimDisk::Faults::none);
            LB_ASSERT(put == static_cast<std::int32_t>(text.size()));
            if (!is_done()) {
                write_later();
            }
        });
    }

    SimWorld& world_;
    SimNode& machine_;
    Rotation rotation_;
    std::shared_ptr<io::SimOpenFile> file_;
    std::uint64_t written_ = 0;
    int rotations_ = 0;
};

/// What one run of a seed left behind.
struct Ended {
    std::uint64_t trace_hash = 0;
    std::uint64_t unacknowledged_at_agent_crash = 0;
    std::uint64_t unacknowledged_at_collector_crash = 0;
    std::string text;  // as a consumer reads it
    std::string problem;
};

/// A collector and an agent, the agent killed once and the collector's machine without power once, while
/// an application writes and rotates its log.
class FileToLog {
public:
    explicit FileToLog(const std::uint64_t seed, const Rotation rotation = Rotation::by_rename)
        : world_(seed)
        , collector_(world_.add_node("collector"))
        , agent_(world_.add_node("agent"))
        , consumer_(world_.add_node("consumer"))
        , writer_(world_, agent_, rotation) {}

    Ended run() {
        start_collector();
        start_agent();
        const Nanos step = Nanos(1s);
        pass(4 * step);
        writer_.rotate();
        pass(1 * step);
        crash_when_behind(agent_, CrashKind::killed, ended_.unacknowledged_at_agent_crash);
        pass(step / 2);
        writer_.rotate();  // while the agent is down
        pass(step);
        start_agent();
        pass(3 * step);
        crash_when_behind(
            collector_, CrashKind::power_loss, ended_.unacknowledged_at_collector_crash
        );
        pass(2 * step);
        start_collector();
        pass(2 * step);
        writer_.rotate();
        finish();
        ended_.trace_hash = world_.events().trace_hash();
        return ended_;
    }

private:
    void pass(const Nanos time) { world_.run_for(time); }

    void start_collector() {
        collector_.start([this](Shard& shard) {
            return std::make_unique<CollectorProgram>(shard, collector_config(collector_.host()));
        });
    }
    void start_agent() {
        agent_.start([this](Shard& shard) {
            return std::make_unique<AgentProgram>(
                shard,
                agent_config(
                    collector_.host(),
                    "[[input.file]]\nname = \"app\"\npaths = [\"/var/log/*.log\"]\n"
                )
            );
        });
    }

    /// Lines that the collector has promised to keep.
    [[nodiscard]] std::uint64_t committed() {
        auto& program = dynamic_cast<CollectorProgram&>(collector_.program());
        if (!program.is_up()) {
            return 0;
        }
        collector::Collector& parts = program.collector();
        const metadata::ImagePtr image = parts.store().image();
        std::int64_t lines = 0;
        for (const metadata::TopicImage& topic : image->topics()) {
            for (const metadata::PartitionImage& described : topic.partitions) {
                const replica::PartitionPtr partition =
                    parts.replicas().find(topic.id, described.index);
                lines += partition == nullptr ? 0 : partition->high_watermark().value;
            }
        }
        return static_cast<std::uint64_t>(lines);
    }

    void crash_when_behind(SimNode& victim, const CrashKind kind, std::uint64_t& unacknowledged) {
        world_.run_until([this] { return committed() + 30 < writer_.written(); }, 5s);
        unacknowledged = writer_.written() - committed();
        victim.crash(kind);
    }

    void finish() {
        const auto has_all = [this] {
            auto& agent = dynamic_cast<AgentProgram&>(agent_.program());
            return writer_.is_done() && committed() >= line_count && agent.is_drained();
        };
        if (world_.run_until(has_all, 300s) != SimWorld::Ended::condition) {
            ended_.problem = "only " + std::to_string(committed()) + " of "
                           + std::to_string(writer_.written()) + " lines were committed\n";
        }
        // A while longer, so that what comes twice is seen.
        pass(Nanos(5s));
        consume();
        stop(agent_);
        stop(collector_);
        if (!ended_.problem.empty()) {
            ended_.problem += world_.report();
        }
    }

    void consume() {
        std::string failure = "the consumer did not come to an end";
        consumer_.start([this, &failure](Shard& shard) {
            return std::make_unique<ConsumerProgram>(
                shard, collector_.host(), "logs", ended_.text, failure
            );
        });
        world_.run_until([this] { return !consumer_.is_running(); }, 120s);
        ended_.problem += failure;
    }

    void stop(SimNode& node) {
        node.request_stop();
        const auto is_down = [&node] { return !node.is_running(); };
        if (world_.run_until(is_down, 60s) != SimWorld::Ended::condition) {
            ended_.problem += node.name() + " did not stop when it was asked to\n";
        }
    }

    SimWorld world_;
    SimNode& collector_;
    SimNode& agent_;
    SimNode& consumer_;
    Writer writer_;
    Ended ended_;
};

/// Nothing, or the first line that is not as it should be.
std::string first_difference(const std::string& text) {
    std::size_t at = 0;
    for (std::uint64_t number = 0; number < line_count; ++number) {
        const std::string wanted = line_of(number);
        if (text.compare(at, wanted.size(), wanted) != 0) {
            return "line " + std::to_string(number) + " is missing; in its place stands \""
                 + text.substr(at, 20) + "\"";
        }
        at += wanted.size();
    }
    return at == text.size() ? "" : "more came than was written: " + text.substr(at, 20);
}

/// How many seeds; LB_SIM_SEEDS says otherwise, LB_SIM_SEED the first.
std::uint64_t number_from(const char* const name, const std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_to_log)

BOOST_AUTO_TEST_CASE(ten_thousand_lines_arrive_once_and_in_order_through_a_crash_of_each) {
    const std::uint64_t first = number_from("LB_SIM_SEED", 1);
    const std::uint64_t count = number_from("LB_SIM_SEEDS", 10);
    std::uint64_t crashes_in_flight = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        FileToLog world(seed);
        const Ended ended = world.run();
        const std::string difference = first_difference(ended.text);
        BOOST_TEST(ended.problem == "", "seed " << seed << ": " << ended.problem);
        BOOST_TEST(difference == "", "seed " << seed << ": " << difference);
        crashes_in_flight += ended.unacknowledged_at_agent_crash > 0 ? 1 : 0;
        crashes_in_flight += ended.unacknowledged_at_collector_crash > 0 ? 1 : 0;
    }
    BOOST_TEST(crashes_in_flight == 2 * count);
}

BOOST_AUTO_TEST_CASE(so_they_do_when_the_log_is_copied_and_truncated) {
    // T17, T18: once with the agent at work, once while it is down.
    const std::uint64_t first = number_from("LB_SIM_SEED", 1);
    const std::uint64_t count = number_from("LB_SIM_SEEDS", 5);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        FileToLog world(seed, Rotation::by_copytruncate);
        const Ended ended = world.run();
        const std::string difference = first_difference(ended.text);
        BOOST_TEST(ended.problem == "", "seed " << seed << ": " << ended.problem);
        BOOST_TEST(difference == "", "seed " << seed << ": " << difference);
    }
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_trace_each_time_and_another_seed_another) {
    FileToLog first(7);
    FileToLog second(7);
    FileToLog other(8);
    const std::uint64_t hash = first.run().trace_hash;
    BOOST_TEST(second.run().trace_hash == hash);
    BOOST_TEST(other.run().trace_hash != hash);
}

BOOST_AUTO_TEST_SUITE_END()
