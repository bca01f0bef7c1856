#include "shared/io/real_time.h"

#include <ctime>

namespace logboom::io {

namespace {

Nanos read_clock(const clockid_t clock) noexcept {
    timespec t{};
    ::clock_gettime(clock, &t);
    return std::chrono::seconds(t.tv_sec) + Nanos(t.tv_nsec);
}

}  // namespace

SteadyTime boot_time() noexcept {
    return SteadyTime(read_clock(CLOCK_BOOTTIME));
}

WallTime real_time() noexcept {
    return WallTime(read_clock(CLOCK_REALTIME));
}

}  // namespace logboom::io
