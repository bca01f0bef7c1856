#define BOOST_TEST_MODULE shared_daemon
#include "shared/daemon/heartbeat.h"
#include "shared/daemon/resource_limits.h"
#include "shared/daemon/service_manager.h"
#include "shared/daemon/signals.h"

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace logboom;
using namespace logboom::daemon;
using namespace std::chrono_literals;

namespace {

/// A socket of our own that listens as the service manager would.
class Manager {
public:
    Manager()
        : name_("logboom-test-" + std::to_string(::getpid()))
        , fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name_.data(), name_.size());
        const auto length =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
        BOOST_REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    ~Manager() { ::close(fd_); }

    [[nodiscard]] std::string address() const { return "@" + name_; }
    [[nodiscard]] std::string heard() const {
        std::array<char, 256> text{};
        const ssize_t n = ::recv(fd_, text.data(), text.size(), 0);
        return n < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(n));
    }

private:
    std::string name_;
    int fd_;
};

/// A variable of the environment, for one test.
class Variable {
public:
    Variable(const char* const name, const std::string& value) : name_(name) {
        ::setenv(name, value.c_str(), 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

Nanos watchdog_with(const std::string& micros, const std::string& pid) {
    const Variable usec("WATCHDOG_USEC", micros);
    const Variable process("WATCHDOG_PID", pid);
    return ServiceManager::from_environment().watchdog();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(a_second_stop_signal_ends_the_process_at_once) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        const Signals signals([] {});
        ::raise(SIGTERM);
        ::raise(SIGINT);
        ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 128 + SIGINT);
}

BOOST_AUTO_TEST_CASE(the_first_stop_signal_calls_the_action_and_a_hangup_is_noted_once) {
    static int stops = 0;
    Signals signals([] { ++stops; });
    BOOST_TEST(signals.stop_signal() == 0);
    BOOST_TEST(!signals.take_hangup());
    ::raise(SIGHUP);
    ::raise(SIGPIPE);
    BOOST_TEST(signals.take_hangup());
    BOOST_TEST(!signals.take_hangup());
    ::raise(SIGTERM);
    BOOST_TEST(stops == 1);
    BOOST_TEST(signals.stop_signal() == SIGTERM);
}

BOOST_AUTO_TEST_CASE(without_a_service_manager_or_with_a_bad_address_nothing_happens) {
    ServiceManager("").ready("x");
    ServiceManager("relative").ready("x");
    ServiceManager("@" + std::string(500, 'x')).ready("x");
    ServiceManager("/nonexistent/notify").stopping("x");
}

BOOST_AUTO_TEST_CASE(the_service_manager_is_told_what_happens) {
    const Manager manager;
    const ServiceManager told(manager.address());
    told.ready("shipping");
    BOOST_TEST(manager.heard() == "READY=1\nSTATUS=shipping\n");
    told.status("lag 0");
    BOOST_TEST(manager.heard() == "STATUS=lag 0\n");
    told.stopping("bye");
    BOOST_TEST(manager.heard() == "STOPPING=1\nSTATUS=bye\n");
}

BOOST_AUTO_TEST_CASE(signs_of_life_and_a_longer_start_are_told) {
    const Manager manager;
    const ServiceManager told(manager.address(), 60s);
    BOOST_TEST((told.watchdog() == 60s));
    told.alive();
    BOOST_TEST(manager.heard() == "WATCHDOG=1\n");
    told.extend_timeout(90s);
    BOOST_TEST(manager.heard() == "EXTEND_TIMEOUT_USEC=90000000\n");
}

BOOST_AUTO_TEST_CASE(a_watchdog_is_taken_from_the_environment_if_it_is_meant_for_this_process) {
    BOOST_TEST((ServiceManager::from_environment().watchdog() == 0s));
    const std::string self = std::to_string(::getpid());
    BOOST_TEST((watchdog_with("60000000", self) == 60s));
    BOOST_TEST((watchdog_with("60000000", "") == 60s));
    BOOST_TEST((watchdog_with("60000000", "1") == 0s));
    BOOST_TEST((watchdog_with("60s", self) == 0s));
    BOOST_TEST((watchdog_with("-5", self) == 0s));
    BOOST_TEST((watchdog_with("99999999999999999999", self) == 0s));
    BOOST_TEST((watchdog_with("9223372036854775807", self) == 0s));
}

BOOST_AUTO_TEST_CASE(a_sign_of_life_is_due_several_times_within_the_watchdogs_time) {
    const SteadyTime start{};
    Heartbeat heartbeat(60s, start);
    BOOST_TEST(heartbeat.is_due(start));
    BOOST_TEST(!heartbeat.is_due(start + 14s));
    BOOST_TEST(heartbeat.is_due(start + 15s));
    BOOST_TEST(!heartbeat.is_due(start + 29s));
    BOOST_TEST(heartbeat.is_due(start + 50s));
    BOOST_TEST(!heartbeat.is_due(start + 64s));
}

BOOST_AUTO_TEST_CASE(without_a_watchdog_no_sign_of_life_is_ever_due) {
    const SteadyTime start{};
    Heartbeat heartbeat(0s, start);
    BOOST_TEST(!heartbeat.is_due(start));
    BOOST_TEST(!heartbeat.is_due(start + 24h));
}

BOOST_AUTO_TEST_CASE(standard_error_is_a_journal_only_if_it_is_the_stream_that_is_named) {
    BOOST_TEST(!is_stderr_a_journal());
    struct stat status {};
    BOOST_REQUIRE(::fstat(STDERR_FILENO, &status) == 0);
    const std::string device = std::to_string(status.st_dev) + ":";
    const Variable ours("JOURNAL_STREAM", device + std::to_string(status.st_ino));
    BOOST_TEST(is_stderr_a_journal());
    const Variable inherited("JOURNAL_STREAM", device + std::to_string(status.st_ino + 1));
    BOOST_TEST(!is_stderr_a_journal());
}

BOOST_AUTO_TEST_CASE(the_soft_limit_of_open_files_is_raised_to_the_hard_one) {
    rlimit limit{};
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 64;
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    BOOST_TEST(raise_open_files_max() == limit.rlim_max);
}

BOOST_AUTO_TEST_SUITE_END()
