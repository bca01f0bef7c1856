#include "shared/daemon/backend_report.h"

#include "tests/support/refuse_calls.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::daemon;
using io::BackendChoice;
using io::BackendMaker;

namespace {

struct Lines final : LogSink {
    void write(const LogLevel level, const std::string_view line) override {
        levels.push_back(level);
        text += line;
    }
    std::vector<LogLevel> levels;
    std::string text;
};

/// What is told of a backend that was made by `choice`.
struct Told {
    explicit Told(const BackendChoice choice) : backend(choice, io::UringOptions::for_agent()) {
        is_made = backend.make().index() == 0;
        log_backend(Logger(lines, LogLevel::debug), backend);
        show_backend(registry, "logboom_agent", backend);
    }
    [[nodiscard]] bool shows(const std::string& metric) const {
        return registry.text().find("\n" + metric) != std::string::npos;
    }
    [[nodiscard]] bool says(const LogLevel level, const std::string& words) const {
        return lines.levels == std::vector{level} && lines.text.find(words) != std::string::npos;
    }
    BackendMaker backend;
    metrics::Registry registry;
    Lines lines;
    bool is_made = false;
};

/// 0 if a program that goes on without a ring warns with the reason.
int warns_of_the_reason() {
    const Told told(BackendChoice::automatic);
    const bool warns =
        told.says(LogLevel::warn, "io_uring_setup: Operation not permitted (errno 1)");
    const bool shows = told.shows(
        "logboom_agent_runtime_backend{kind=\"poll\",reason=\"io_uring_setup: Operation not permitted "
        "(errno 1)\"} 1\n"
    );
    return (told.is_made ? 0 : 1) + (warns ? 0 : 2) + (shows ? 0 : 4);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backend_report)

BOOST_AUTO_TEST_CASE(a_ring_is_told_with_its_rung_or_its_stand_in_with_the_reason) {
    const Told told(BackendChoice::automatic);
    BOOST_TEST(told.is_made);
    const bool has_ring = told.backend.kind() == io::BackendKind::uring;
    const bool shows_ring =
        told.shows("logboom_agent_runtime_backend{kind=\"io_uring\",reason=\"available\"} 1\n");
    BOOST_TEST(shows_ring == has_ring);
    BOOST_TEST(told.shows("logboom_agent_io_uring_rung ") == has_ring);
    BOOST_TEST(told.says(has_ring ? LogLevel::info : LogLevel::warn, "io_uring"));
    BOOST_TEST(test::failures_without({SYS_io_uring_setup}, EPERM, warns_of_the_reason) == 0);
}

BOOST_AUTO_TEST_CASE(epoll_by_choice_is_warned_of_at_each_start) {
    const Told told(BackendChoice::poll);
    BOOST_TEST(told.is_made);
    const bool shows_choice =
        told.shows("logboom_agent_runtime_backend{kind=\"poll\",reason=\"configured\"} 1\n");
    BOOST_TEST(shows_choice);
    BOOST_TEST(!told.shows("logboom_agent_io_uring_rung"));
    BOOST_TEST(told.says(LogLevel::warn, "as [io] backend says"));
}

BOOST_AUTO_TEST_SUITE_END()
