// How far the collector's clock is ahead of ours (D20), from the time that it tells in its answer to a
// ping. The answer that took the shortest is the most exact one.
#pragma once

#include "shared/base/time.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace logboom::ship {

class ClockOffset {
public:
    /// The peer's clock said `theirs` at some time during the `round_trip` that began when ours said `sent`.
    void measured(const WallTime sent, const WallTime theirs, const Nanos round_trip) noexcept {
        samples_[next_ % samples_.size()] = Sample{round_trip, theirs - (sent + round_trip / 2)};
        ++next_;
    }
    /// Of the latest few; nothing before the first.
    [[nodiscard]] std::optional<Nanos> value() const noexcept {
        if (next_ == 0) {
            return std::nullopt;
        }
        const std::size_t count = std::min(next_, samples_.size());
        const auto best = std::min_element(
            samples_.begin(),
            samples_.begin() + static_cast<std::ptrdiff_t>(count),
            [](const Sample& left, const Sample& right) {
                return left.round_trip < right.round_trip;
            }
        );
        return best->offset;
    }

private:
    struct Sample {
        Nanos round_trip{};
        Nanos offset{};
    };

    std::array<Sample, 8> samples_{};
    std::size_t next_ = 0;
};

}  // namespace logboom::ship
