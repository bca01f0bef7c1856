// For assertions: whether an act ends its process by one.
#pragma once

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace logboom::test {

/// Runs `act` in a child process, so that the tests go on. The caller has no other threads.
inline bool dies(void (*const act)()) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // the test framework catches it
        ::close(STDERR_FILENO);
        act();
        ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace logboom::test
