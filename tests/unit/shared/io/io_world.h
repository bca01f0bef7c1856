// A small world for tests of what stands on an IoBackend. One body runs over io_uring, on each rung of its
// ladder, over epoll and threads, and over the simulated kernel, with several seeds; it cannot tell which.
#pragma once

#include "shared/io/event_loop.h"
#include "shared/io/poll_backend.h"
#include "shared/io/sim_backend.h"
#include "shared/io/uring_backend.h"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace logboom {

/// For messages of failed checks.
inline std::ostream& operator<<(std::ostream& out, const ErrorCode code) {
    return out << (code == ErrorCode{} ? "no error" : to_string(code));
}

namespace test {

/// `ErrorCode{}` of a value.
template <typename T>
[[nodiscard]] ErrorCode code_of(const Result<T>& result) noexcept {
    return result ? ErrorCode{} : result.code();
}

inline constexpr int ring_rungs = 3;
inline constexpr std::uint64_t simulated_seeds = 5;

/// Keeps the lines.
struct KeptLines final : LogSink {
    void write(LogLevel, const std::string_view line) override { lines.emplace_back(line); }
    std::vector<std::string> lines;
};

struct SimSide {
    explicit SimSide(const std::uint64_t seed, const io::SimDiskOptions disk_options)
        : events(seed)
        , net(events)
        , disk(events, 1, disk_options) {
        net.add_node(1, "10.0.0.1", "one");
        net.add_node(2, "10.0.0.2", "two");
    }
    io::SimEvents events;
    io::SimNet net;
    io::SimDisk disk;
};

/// An empty directory of the real file system.
class TempDir {
public:
    TempDir() {
        path_ = (std::filesystem::temp_directory_path() / "logboom-test-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(path_.data()) != nullptr);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

struct SimChoices {
    io::SimDiskOptions disk;
    io::SimBackendOptions backend;
};

class IoWorld {
public:
    /// A captureless lambda will do: a test's steps, which end with the first that must succeed and
    /// does not.
    using Body = Task<Result<Ok>> (*)(IoWorld&);

    /// Why there is no ring on this machine; empty where there is one. Says so once.
    [[nodiscard]] static const std::string& ring_refusal() {
        static const std::string refusal = [] {
            auto made = io::UringBackend::make(io::UringOptions::for_agent());
            const auto* const refused = std::get_if<io::UringRefusal>(&made);
            if (refused != nullptr) {
                std::cerr << "skipped on io_uring: " << refused->text << '\n';
            }
            return refused == nullptr ? std::string() : refused->text;
        }();
        return refusal;
    }
    [[nodiscard]] static std::unique_ptr<IoWorld> on_ring(const io::UringOptions& options) {
        auto made = io::UringBackend::make(options);
        if (const auto* const refused = std::get_if<io::UringRefusal>(&made)) {
            BOOST_FAIL(refused->text);
        }
        auto backend = std::move(std::get<std::unique_ptr<io::UringBackend>>(made));
        const std::string name = "io_uring, rung " + std::to_string(options.first_rung);
        return std::unique_ptr<IoWorld>(new IoWorld(name, nullptr, std::move(backend)));
    }
    [[nodiscard]] static std::unique_ptr<IoWorld> on_ring(const int rung) {
        io::UringOptions options = io::UringOptions::for_agent();
        options.first_rung = rung;
        return on_ring(options);
    }
    [[nodiscard]] static std::unique_ptr<IoWorld> on_poll(const io::PollOptions& options) {
        auto made = io::PollBackend::make(options);
        if (const std::string* const text = std::get_if<std::string>(&made)) {
            BOOST_FAIL(*text);
        }
        auto backend = std::move(std::get<std::unique_ptr<io::PollBackend>>(made));
        const std::string name = "epoll, " + std::to_string(options.file_threads_max)
                               + " threads at most";
        return std::unique_ptr<IoWorld>(new IoWorld(name, nullptr, std::move(backend)));
    }
    [[nodiscard]] static std::unique_ptr<IoWorld> simulated(
        const std::uint64_t seed, const SimChoices choices = SimChoices()
    ) {
        auto sim = std::make_unique<SimSide>(seed, choices.disk);
        auto backend =
            std::make_unique<io::SimBackend>(sim->events, sim->net, sim->disk, 1, choices.backend);
        const std::string name = "simulated, seed " + std::to_string(seed);
        return std::unique_ptr<IoWorld>(new IoWorld(name, std::move(sim), std::move(backend)));
    }
    IoWorld(const IoWorld&) = delete;
    IoWorld& operator=(const IoWorld&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] io::IoBackend& backend() noexcept { return *backend_; }
    [[nodiscard]] Env& env() noexcept { return holder_.env(); }
    [[nodiscard]] io::Fs& fs() noexcept { return env().fs; }
    [[nodiscard]] io::Net& net() noexcept { return env().net; }
    [[nodiscard]] io::Scheduler& scheduler() noexcept { return holder_.scheduler(); }
    [[nodiscard]] io::EventLoop& loop() noexcept { return loop_; }
    [[nodiscard]] const std::vector<std::string>& log_lines() const noexcept { return sink_.lines; }
    /// Null on a real kernel.
    [[nodiscard]] SimSide* sim() noexcept { return sim_.get(); }
    [[nodiscard]] SimSide& the_sim() noexcept {
        LB_ASSERT(sim_ != nullptr);
        return *sim_;
    }
    [[nodiscard]] io::SimBackend& sim_backend() noexcept {
        return dynamic_cast<io::SimBackend&>(*backend_);
    }
    [[nodiscard]] io::UringBackend& ring_backend() noexcept {
        return dynamic_cast<io::UringBackend&>(*backend_);
    }
    /// A name in the world's empty directory.
    [[nodiscard]] std::string path(const std::string_view name) const {
        return dir_ + "/" + std::string(name);
    }
    [[nodiscard]] const std::string& dir() const noexcept { return dir_; }
    void make_link(const std::string& target, const std::string& at) {
        const int made = sim_ != nullptr ? sim_->disk.make_link(target, at)
                                         : ::symlink(target.c_str(), at.c_str());
        BOOST_REQUIRE(made == 0);
    }

    void run(Task<void> main) {
        loop_.run(std::move(main));
        // What was begun without waiting, as closing a forgotten file, is done too.
        for (int turn = 0; turn < 3; ++turn) {
            backend_->poll(backend_->now() + std::chrono::microseconds(200));
        }
    }
    void run(const Body body) { run(body(*this)); }
    void run(Task<Result<Ok>> task) {
        Result<Ok> outcome = Error{ErrorCode::internal, 0, "the task did not end"};
        Hang hang;
        hang.due = backend_->now() + 60s;
        hang.on_due = [](io::TimerNode&) {
            LB_UNREACHABLE("a task that should have ended by now");
        };
        if (sim_ == nullptr) {
            scheduler().timers().arm(hang);
        }
        run(keep(std::move(task), outcome));
        BOOST_TEST(outcome.has_value(), (outcome ? "" : to_string(outcome.error())));
    }

private:
    struct Hang : io::TimerNode {};

    IoWorld(std::string name, std::unique_ptr<SimSide> sim, std::unique_ptr<io::IoBackend> backend)
        : name_(std::move(name))
        , sim_(std::move(sim))
        , backend_(std::move(backend))
        , holder_(*backend_, sink_, LogLevel::debug, 1, 1u << 20)
        , loop_(*backend_, holder_, 0) {
        if (sim_ != nullptr) {
            dir_ = "/dir";
            BOOST_REQUIRE(sim_->disk.make_dir(dir_, 0750) == 0);
            sim_->disk.sync_all();
        } else {
            temporary_ = std::make_unique<TempDir>();
            dir_ = temporary_->path();
        }
    }

    static Task<void> keep(Task<Result<Ok>> task, Result<Ok>& into) {
        into = co_await std::move(task);
    }

    std::string name_;
    std::string dir_;
    std::unique_ptr<TempDir> temporary_;
    std::unique_ptr<SimSide> sim_;
    KeptLines sink_;
    std::unique_ptr<io::IoBackend> backend_;
    io::EnvHolder holder_;
    io::EventLoop loop_;
};

/// Calls `act(world)` with each ring.
template <typename Act>
void with_every_ring(const Act& act) {
    for (int rung = 0; rung < ring_rungs && IoWorld::ring_refusal().empty(); ++rung) {
        const auto world = IoWorld::on_ring(rung);
        BOOST_TEST_CONTEXT(world->name()) {
            act(*world);
        }
    }
}
/// As it is, and with one thread and pieces of a few bytes.
template <typename Act>
void with_every_poll(const Act& act) {
    for (const io::PollOptions& options : {io::PollOptions(), io::PollOptions{1, 100}}) {
        const auto world = IoWorld::on_poll(options);
        BOOST_TEST_CONTEXT(world->name()) {
            act(*world);
        }
    }
}
template <typename Act>
void with_every_real(const Act& act) {
    with_every_ring(act);
    with_every_poll(act);
}
template <typename Act>
void with_every_seed(const Act& act, const SimChoices choices = SimChoices()) {
    for (std::uint64_t seed = 1; seed <= simulated_seeds; ++seed) {
        const auto world = IoWorld::simulated(seed, choices);
        BOOST_TEST_CONTEXT(world->name()) {
            act(*world);
            BOOST_TEST(world->sim_backend().ops_in_flight() == 0u);
        }
    }
}

inline void on_every_real(const IoWorld::Body body) {
    with_every_real([body](IoWorld& world) { world.run(body); });
}
inline void on_every_seed(const IoWorld::Body body, const SimChoices choices = SimChoices()) {
    with_every_seed([body](IoWorld& world) { world.run(body); }, choices);
}
inline void on_every_backend(const IoWorld::Body body) {
    on_every_real(body);
    on_every_seed(body);
}

}  // namespace test
}  // namespace logboom
