#include "agent/ship/memory_budget.h"

#include "shared/base/assert.h"

#include <algorithm>

namespace logboom::ship {

namespace {

metrics::Gauge& pool_gauge(metrics::Registry& registry, const char* const pool) {
    return registry.gauge(
        "logboom_agent_memory_bytes", "Memory of data on its way.", {{"pool", pool}}
    );
}

}  // namespace

MemoryBudget::MemoryBudget(
    const std::uint64_t bytes_max, const std::uint64_t reserve_bytes, metrics::Registry& registry
)
    : bytes_max_(bytes_max)
    , reserve_(reserve_bytes)
    , gauges_{
          &pool_gauge(registry, "blocks"),
          &pool_gauge(registry, "builders"),
          &pool_gauge(registry, "batches"),
      } {
    LB_ASSERT(bytes_max_ >= 2 * reserve_);
    registry.gauge("logboom_agent_memory_limit_bytes", "[agent] memory_max.")
        .set(static_cast<double>(bytes_max));
}

bool MemoryBudget::may_read() noexcept {
    const bool may = used_ + reserve_ <= bytes_max_;
    is_short_ = is_short_ || !may;
    return may;
}

std::uint64_t MemoryBudget::room_bytes() const noexcept {
    return bytes_max_ - std::min(bytes_max_, used_ + reserve_);
}

/// Who waits is called when an eighth is free besides the reserve: else thousands of files would be looked
/// at again for each batch that goes.
void MemoryBudget::change(const MemoryPool pool, const std::uint64_t from, const std::uint64_t to) {
    used_ = used_ - from + to;
    peak_ = std::max(peak_, used_);
    gauges_[static_cast<std::size_t>(pool)]->add(
        static_cast<double>(to) - static_cast<double>(from)
    );
    if (is_short_ && room_bytes() >= bytes_max_ / 8) {
        is_short_ = false;
        if (room) {
            room();
        }
    }
}

}  // namespace logboom::ship
