// A program that asks the kernel whether a file has a writer holds a lease on it for a moment; whoever opens
// it in that moment makes the kernel send SIGIO, whose default action ends the process (agent-design U5).
#include "shared/daemon/signals.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace logboom::daemon;

namespace {

constexpr int kept = 0;
constexpr int no_leases_here = 77;

/// Takes a lease and opens the file for writing.
[[noreturn]] void break_own_lease(const std::string& path) {
    const int reader = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (::fcntl(reader, F_SETLEASE, F_RDLCK) != 0) {
        ::_exit(no_leases_here);
    }
    const int writer = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ::_exit(writer < 0 && errno == EWOULDBLOCK ? kept : 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lease_break)

BOOST_AUTO_TEST_CASE(a_program_lives_on_when_its_lease_is_broken) {
    std::string path = "/tmp/logboom-lease-XXXXXX";
    const int made = ::mkstemp(path.data());
    BOOST_REQUIRE(made >= 0);
    ::close(made);
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        const Signals signals([] {});
        break_own_lease(path);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    ::unlink(path.c_str());
    BOOST_TEST(!WIFSIGNALED(status));
    BOOST_TEST((WEXITSTATUS(status) == kept || WEXITSTATUS(status) == no_leases_here));
    if (WEXITSTATUS(status) == no_leases_here) {
        BOOST_TEST_MESSAGE("skipped: this file system gives no leases");
    }
}

BOOST_AUTO_TEST_SUITE_END()
