#include "shared/base/rng.h"

#include "shared/base/assert.h"

#include <bit>
#include <cstring>

namespace logboom {

Rng::Rng(std::uint64_t seed) noexcept : state_{} {
    for (auto& word : state_) {  // splitmix64 spreads a small seed over the whole state
        seed += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        word = z ^ (z >> 31);
    }
}

std::uint64_t Rng::next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Rng::below(const std::uint64_t bound) noexcept {
    LB_ASSERT(bound != 0);
    // The bias of a plain remainder is bound / 2^64: no test or jitter can see it.
    return next() % bound;
}

double Rng::unit() noexcept {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::array<std::byte, 16> Rng::id128() noexcept {
    const std::array<std::uint64_t, 2> words{next(), next()};
    std::array<std::byte, 16> id{};
    std::memcpy(id.data(), words.data(), id.size());
    return id;
}

}  // namespace logboom
