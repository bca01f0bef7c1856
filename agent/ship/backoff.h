// Full jitter between tries (D13): base 200 ms, doubled up to 30 s, for ever.
#pragma once

#include "shared/base/rng.h"
#include "shared/base/time.h"

#include <algorithm>
#include <cstdint>

namespace logboom::ship {

class Backoff {
public:
    static constexpr Nanos base = 200ms;
    static constexpr Nanos cap = 30s;

    void succeeded() noexcept { ceiling_ = base; }
    /// How long to wait before the next try.
    [[nodiscard]] Nanos failed(Rng& rng) noexcept {
        const Nanos ceiling = ceiling_;
        ceiling_ = std::min(cap, 2 * ceiling_);
        return Nanos(
            static_cast<Nanos::rep>(rng.below(static_cast<std::uint64_t>(ceiling.count())) + 1)
        );
    }

private:
    Nanos ceiling_ = base;
};

}  // namespace logboom::ship
