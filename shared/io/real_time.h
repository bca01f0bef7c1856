// The clocks of the machine, as the real backends show them.
#pragma once

#include "shared/base/time.h"

namespace logboom::io {

/// CLOCK_BOOTTIME: goes on while the machine sleeps.
[[nodiscard]] SteadyTime boot_time() noexcept;
/// CLOCK_REALTIME.
[[nodiscard]] WallTime real_time() noexcept;

}  // namespace logboom::io
