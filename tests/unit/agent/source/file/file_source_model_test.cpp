// Random applications, rotations and copytruncates against a plain list of the lines that were written: each
// arrives once, and those of one path in their order, whatever happens to the agent meanwhile.
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <optional>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

/// One application and its log.
class LogWriter {
public:
    LogWriter(SourceWorld& world, std::string path) : world_(world), path_(std::move(path)) {
        reopen();
    }

    void write(const int count) {
        for (int i = 0; i < count; ++i) {
            const std::string line = path_ + " " + std::to_string(lines_.size());
            lines_.push_back(line + std::string(rng().below(80), '.'));
            file_->write(lines_.back() + "\n");
        }
    }
    /// Writes half of a line now and the other half a while later.
    void write_in_two() {
        lines_.push_back(path_ + " " + std::to_string(lines_.size()) + " in two");
        const std::size_t half = lines_.back().size() / 2;
        file_->write(lines_.back().substr(0, half));
        world_.pass(Millis(rng().below(3000)));
        file_->write(lines_.back().substr(half) + "\n");
    }
    /// As logrotate does it: the application goes on with the old file for a while. Not before somebody
    /// could have seen the file: one that was created and rotated away unseen is nobody's.
    void rotate() {
        world_.pass(200ms);
        for (int i = 3; i > 0; --i) {
            const std::string from = path_ + "." + std::to_string(i);
            if (world_.machine.exists(from)) {
                world_.apps.rename(from, path_ + "." + std::to_string(i + 1));
            }
        }
        world_.apps.rename(path_, path_ + ".1");
        world_.pass(Millis(rng().below(500)));
        write(static_cast<int>(rng().below(3)));
        reopen();
    }
    /// As logrotate does it with `copytruncate`; nothing is written between copy and cut.
    void copy_truncate() {
        world_.pass(200ms);
        world_.apps.copy_truncate(path_);
    }
    void reopen() { file_.emplace(world_.apps.open(path_)); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

private:
    [[nodiscard]] Rng& rng() { return world_.machine.rng(); }

    SourceWorld& world_;
    std::string path_;
    std::optional<AppFile> file_;
    std::vector<std::string> lines_;
};

/// The lines of a path and of its rotated names. A file that nobody saw before it was rotated away comes
/// under its later name, and nobody can know that it was another's successor: its lines keep their order
/// among themselves, and are put here where they were written.
std::vector<std::string> lines_of(const ModelCollector& collector, const std::string& path) {
    std::map<record::Id128, std::vector<std::string>> strangers;
    std::vector<std::string> lines;
    for (const ModelCollector::Taken& one : collector.taken) {
        const std::string from = one.record.header("lb.path");
        if (from == path) {
            lines.push_back(one.record.value);
        } else if (from.starts_with(path)) {
            strangers[one.stream].push_back(one.record.value);
        }
    }
    const auto number_of = [&path](const std::string& line) {
        return std::stoull(line.substr(path.size() + 1));
    };
    for (const auto& [stream, some] : strangers) {
        const auto behind = std::ranges::find_if(lines, [&](const std::string& line) {
            return number_of(line) > number_of(some.front());
        });
        lines.insert(behind, some.begin(), some.end());
    }
    return lines;
}

void run_seed(const std::uint64_t seed, const std::vector<std::string>& paths) {
    SourceWorld world(seed);
    world.add_input(paths);
    world.batches.batch_bytes_max = 1024;
    Rng& rng = world.machine.rng();
    std::vector<std::unique_ptr<LogWriter>> writers;
    for (const char* const path : {"/var/log/a.log", "/var/log/b.log", "/var/log/c.log"}) {
        writers.push_back(std::make_unique<LogWriter>(world, path));
    }
    world.start();
    for (int step = 0; step < 60; ++step) {
        LogWriter& writer = *writers[rng.below(writers.size())];
        switch (rng.below(12)) {
        case 0: writer.rotate(); break;
        case 1: writer.write_in_two(); break;
        case 2: {
            // Of a file that was empty when it was seen last nothing tells that another is a copy.
            const bool has_content = !world.machine.content(writer.path()).empty();
            world.pass(300ms);
            world.kill();
            world.pass(Millis(rng.below(500)));
            writer.write(2);
            if (has_content && rng.chance(0.3)) {
                writer.copy_truncate();
                writer.write(static_cast<int>(rng.below(40)));
            }
            world.start();
            break;
        }
        case 3:
            world.link->hold();
            writer.write(5);
            world.pass(Millis(rng.below(3000)));
            world.link->release();
            break;
        case 4: writer.copy_truncate(); break;
        default: writer.write(static_cast<int>(1 + rng.below(20))); break;
        }
        world.pass(Millis(rng.chance(0.1) ? rng.below(70'000) : rng.below(400)));
    }
    const auto written = [&writers] {
        std::size_t count = 0;
        for (const std::unique_ptr<LogWriter>& writer : writers) {
            count += writer->lines().size();
        }
        return count;
    };
    world.until([&] { return world.collector.taken.size() >= written(); });
    world.pass(3s);
    for (const std::unique_ptr<LogWriter>& writer : writers) {
        BOOST_TEST_CONTEXT("seed " << seed << ", " << writer->path()) {
            BOOST_TEST(
                lines_of(world.collector, writer->path()) == writer->lines(),
                boost::test_tools::per_element()
            );
        }
    }
    BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0, "seed " << seed);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_source_model)

BOOST_AUTO_TEST_CASE(every_line_arrives_once_and_in_order_when_rotated_files_are_not_meant) {
    for (std::uint64_t seed = 1; seed <= 15; ++seed) {
        run_seed(seed, {"/var/log/*.log"});
    }
}

BOOST_AUTO_TEST_CASE(every_line_arrives_once_and_in_order_when_rotated_files_are_meant_too) {
    for (std::uint64_t seed = 101; seed <= 115; ++seed) {
        run_seed(seed, {"/var/log/*"});
    }
}

BOOST_AUTO_TEST_SUITE_END()
