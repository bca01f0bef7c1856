// Kernel constants that liburing 2.3 does not know; values are kernel ABI (io-runtime R11).
#pragma once

#include <cstdint>

namespace logboom::io::kernel {

inline constexpr std::uint32_t feat_recvsend_bundle = 1u << 14;
inline constexpr std::uint32_t feat_min_timeout = 1u << 15;
inline constexpr std::uint32_t feat_no_iowait = 1u << 17;
inline constexpr std::uint32_t enter_no_iowait = 1u << 7;
inline constexpr std::uint16_t recvsend_bundle = 1u << 4;

/// Newest layout of io_uring_getevents_arg.
struct WaitArg {
    std::uint64_t sigmask = 0;
    std::uint32_t sigmask_size = 8;
    std::uint32_t min_wait_usec = 0;  // 6.12 and later, zero before
    std::uint64_t timespec = 0;
};

}  // namespace logboom::io::kernel
