// Since when bytes of a file wait to be acknowledged. Two marks instead of the time of each byte: what is
// told is never less than the age of the oldest one.
#pragma once

#include "shared/base/time.h"

#include <cstdint>

namespace logboom::source {

class Lag {
public:
    /// The file has `size` bytes, of which those before `acknowledged` wait no more.
    void update(
        const std::uint64_t size, const std::uint64_t acknowledged, const SteadyTime now
    ) noexcept {
        if (acknowledged >= size) {
            bytes_ = 0;
            return;
        }
        if (bytes_ == 0) {
            since_ = now;
            mark_ = size;
            marked_at_ = now;
        } else if (acknowledged >= mark_) {  // what is left came after the mark
            since_ = marked_at_;
            mark_ = size;
            marked_at_ = now;
        }
        bytes_ = size - acknowledged;
    }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// How long the oldest of them has been waiting; zero: none is.
    [[nodiscard]] Nanos age(const SteadyTime now) const noexcept {
        return bytes_ == 0 ? Nanos::zero() : now - since_;
    }

private:
    std::uint64_t bytes_ = 0;
    std::uint64_t mark_ = 0;  // at `marked_at_` the file had so many
    SteadyTime since_{};
    SteadyTime marked_at_{};
};

}  // namespace logboom::source
