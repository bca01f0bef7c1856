// When the service manager gets its signs of life: several times within what it allows, so that one that is
// a little late does no harm.
#pragma once

#include "shared/base/time.h"

namespace logboom::daemon {

class Heartbeat {
public:
    /// `watchdog`: how long a silence may be; zero: no sign is ever due.
    Heartbeat(const Nanos watchdog, const SteadyTime now) noexcept
        : interval_(watchdog / 4)
        , next_(now) {}

    /// Whether a sign is due. The caller looks whether everything goes on, and sends it.
    [[nodiscard]] bool is_due(const SteadyTime now) noexcept {
        if (interval_ == Nanos::zero() || now < next_) {
            return false;
        }
        next_ = now + interval_;
        return true;
    }

private:
    Nanos interval_;
    SteadyTime next_;
};

}  // namespace logboom::daemon
