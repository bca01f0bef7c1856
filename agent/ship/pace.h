// How much is put on a connection at once (D3). What does not get through in time is halved, so that a slow
// line has its answers before anybody loses patience; what a collector takes lets it grow again.
#pragma once

#include "shared/base/limits.h"

#include <algorithm>
#include <cstdint>

namespace logboom::ship {

class Pace {
public:
    /// A batch of the usual size goes through any line; less would only be more requests.
    static constexpr std::uint64_t request_bytes_min = 64u << 10;

    explicit Pace(const std::uint64_t window_bytes_max) noexcept
        : window_bytes_max_(window_bytes_max)
        , window_bytes_(window_bytes_max) {}

    /// Sum of the batches of one request; a longer batch goes alone.
    [[nodiscard]] std::uint64_t request_bytes() const noexcept { return request_bytes_; }
    /// Sum of what may be in flight.
    [[nodiscard]] std::uint64_t window_bytes() const noexcept { return window_bytes_; }

    void timed_out() noexcept {
        request_bytes_ = std::max(request_bytes_min, request_bytes_ / 2);
        window_bytes_ = std::max(std::min(request_bytes_min, window_bytes_max_), window_bytes_ / 2);
    }
    /// By an eighth of what was taken: a line that lost its breath once is not filled to the brim at once.
    void answered(const std::uint64_t bytes) noexcept {
        request_bytes_ = std::min(request_bytes_max, request_bytes_ + bytes / 8);
        window_bytes_ = std::min(window_bytes_max_, window_bytes_ + bytes / 8);
    }

private:
    static constexpr std::uint64_t request_bytes_max = limits::agent_request_bytes_max;

    std::uint64_t window_bytes_max_;
    std::uint64_t window_bytes_;
    std::uint64_t request_bytes_ = request_bytes_max;
};

}  // namespace logboom::ship
