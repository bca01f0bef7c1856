// Runs a program for which there is no io_uring, as under a container's seccomp profile or an old kernel:
//
//   refuse_io_uring EPERM|ENOSYS PROGRAM [ARGUMENT...]
//
// The program takes this process's place, so it is ended by the same id. Exit status 2: a wrong call; 77:
// this machine lets nobody filter system calls.
#include "tests/support/refuse_calls.h"

#include <cerrno>
#include <cstdio>
#include <string_view>

int main(const int argc, char** const argv) {
    const std::string_view name = argc > 2 ? argv[1] : "";
    if (name != "EPERM" && name != "ENOSYS") {
        std::fputs("usage: refuse_io_uring EPERM|ENOSYS PROGRAM [ARGUMENT...]\n", stderr);
        return 2;
    }
    const auto& calls = logboom::test::io_uring_calls;
    if (!logboom::test::refuse_calls(
            {calls.begin(), calls.end()}, name == "EPERM" ? EPERM : ENOSYS
        )) {
        std::perror("seccomp");
        return 77;
    }
    ::execv(argv[2], argv + 2);
    std::perror(argv[2]);
    return 2;
}
