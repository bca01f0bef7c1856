#define BOOST_TEST_MODULE shared_daemon
#include "shared/daemon/resource_limits.h"
#include "shared/daemon/service_manager.h"
#include "shared/daemon/signals.h"

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string>

using namespace logboom::daemon;

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

BOOST_AUTO_TEST_CASE(the_soft_limit_of_open_files_is_raised_to_the_hard_one) {
    rlimit limit{};
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 64;
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    BOOST_TEST(raise_open_files_max() == limit.rlim_max);
}

BOOST_AUTO_TEST_SUITE_END()
