// Seeded random numbers (xoshiro256**). One per node and shard; ids and jitter come from here only,
// so that a simulated run is a function of its seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace logboom {

class Rng {
public:
    explicit Rng(std::uint64_t seed) noexcept;

    [[nodiscard]] std::uint64_t next() noexcept;
    /// Uniform in [0, bound); `bound` is not 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
    /// Uniform in [0, 1).
    [[nodiscard]] double unit() noexcept;
    [[nodiscard]] bool chance(const double probability) noexcept { return unit() < probability; }
    /// 128 random bits, for ids of agents, streams and topics.
    [[nodiscard]] std::array<std::byte, 16> id128() noexcept;
    /// A generator of its own for a part, so that one part's draws do not shift another's.
    [[nodiscard]] Rng fork() noexcept { return Rng(next()); }

private:
    std::array<std::uint64_t, 4> state_;
};

}  // namespace logboom
