#include "shared/io/uring_refusal.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace logboom::io {

namespace {

constexpr const char* causes =
    "\nio_uring is needed and cannot be used here. The usual causes:\n"
    "  1. a container's seccomp profile forbids it: allow io_uring_setup, io_uring_enter and "
    "io_uring_register in the profile, or run with --security-opt seccomp=unconfined to check\n"
    "  2. sysctl kernel.io_uring_disabled is 1 or 2: set it to 0 with "
    "`sysctl -w kernel.io_uring_disabled=0`\n"
    "  3. the kernel is older than 6.0 (`uname -r` tells): install a newer one";

/// Not by the kernel's version (R10): by what it answered. EACCES is that of a security module.
bool is_unavailable(const int error) noexcept {
    switch (error) {
    case ENOSYS:
    case EPERM:
    case EACCES:
    case EINVAL:
    case EOPNOTSUPP: return true;
    default: return false;
    }
}

/// "8192 KiB", "unlimited": what an unprivileged process may lock.
std::string locked_memory_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) {
        return "unlimited";
    }
    return std::to_string(limit.rlim_cur / 1024) + " KiB";
}

}  // namespace

UringRefusal explain_refusal(const char* const call, const int error) {
    UringRefusal refusal;
    refusal.is_unavailable = is_unavailable(error);
    refusal.text = std::string(call) + ": " + strerrordesc_np(error) + " (errno "
                 + std::to_string(error) + ")";
    if (refusal.is_unavailable) {
        refusal.text += causes;
    } else if (error == ENOMEM) {
        refusal.text +=
            "\nRings take locked memory, of which this user may have " + locked_memory_limit()
            + " in all processes together: raise LimitMEMLOCK= of the unit, or `ulimit -l`";
    } else if (error == EMFILE || error == ENFILE) {
        refusal.text += "\nNo descriptor is left: raise LimitNOFILE= of the unit, or `ulimit -n`";
    }
    return refusal;
}

}  // namespace logboom::io
