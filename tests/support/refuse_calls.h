// A kernel that says no: from some moment on, certain system calls are answered with an error, as by the
// seccomp profile of a container.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace logboom::test {

inline constexpr std::array<long, 3> io_uring_calls{
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register};

/// For this thread and what it starts, for ever. False: this process may not filter itself.
[[nodiscard]] inline bool refuse_calls(const std::vector<long>& numbers, const int error) {
    std::vector<sock_filter> program;
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    for (const long number : numbers) {
        program.push_back(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1)
        );
        program.push_back(
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error))
        );
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog filter{};
    filter.len = static_cast<unsigned short>(program.size());
    filter.filter = program.data();
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// Of `act` in a child process to which the kernel answers `numbers` with `error`: how often it was not as
/// expected. -1: it did not end by itself. A machine that allows no filters counts as good.
template <typename Act>
[[nodiscard]] int failures_without(
    const std::vector<long>& numbers, const int error, const Act& act
) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(refuse_calls(numbers, error) ? act() : 0);
    }
    int status = 0;
    const bool has_ended = ::waitpid(child, &status, 0) == child && WIFEXITED(status);
    return has_ended ? WEXITSTATUS(status) : -1;
}

}  // namespace logboom::test
