// Counts the marks of a whole world, and lets fault points strike by the seed.
#pragma once

#include "shared/base/probe.h"
#include "shared/base/rng.h"

#include <array>
#include <cstdint>

namespace logboom::sim {

using MarkCounts = std::array<std::uint64_t, marks_count>;

class SeedProbe final : public Probe {
public:
    /// `rng` outlives the probe.
    SeedProbe(Rng& rng, const double rate) : rng_(rng), rate_(rate) {}

    void reached(const Mark mark) override { ++counts_[static_cast<std::size_t>(mark)]; }
    [[nodiscard]] bool strikes(FaultPoint) override { return rate_ > 0 && rng_.chance(rate_); }
    void calm() noexcept { rate_ = 0; }
    [[nodiscard]] const MarkCounts& counts() const noexcept { return counts_; }

private:
    Rng& rng_;
    double rate_;
    MarkCounts counts_{};
};

}  // namespace logboom::sim
