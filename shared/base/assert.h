// Assertions are for our own mistakes; input is never asserted (style: bad input is a Result).
#pragma once

namespace logboom {

/// Prints what failed and where on standard error and aborts the process.
[[noreturn]] void assertion_failed(
    const char* kind, const char* what, const char* file, int line
) noexcept;

}  // namespace logboom

/// A pre- or postcondition or an invariant. On in every build.
#define LB_ASSERT(condition)      \
    (static_cast<bool>(condition) \
         ? static_cast<void>(0)   \
         : ::logboom::assertion_failed("assertion", #condition, __FILE__, __LINE__))

/// For checks that walk a structure: on where LB_DEBUG_CHECKS is defined (debug, sim and fuzz builds).
#ifdef LB_DEBUG_CHECKS
#    define LB_DEBUG_ASSERT(condition) LB_ASSERT(condition)
#else
#    define LB_DEBUG_ASSERT(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif

/// After an exhaustive switch.
#define LB_UNREACHABLE(why) ::logboom::assertion_failed("unreachable", why, __FILE__, __LINE__)
