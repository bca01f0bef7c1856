// What data on its way through the agent may cost (D18): one budget for all of it, in bytes of memory that is
// really held. Who reads asks first, and stops; what was read need not ask any more.
#pragma once

#include "shared/metrics/registry.h"

#include <array>
#include <cstdint>
#include <functional>
#include <utility>

namespace logboom::ship {

enum class MemoryPool : std::uint8_t {
    blocks,    ///< read from files
    builders,  ///< batches that are being filled, and what is kept for the next ones
    batches    ///< sealed, until they are acknowledged
};

class MemoryBudget {
public:
    /// At most `bytes_max` are held if a reader, each time after `may_read`, adds no more than
    /// `reserve_bytes` before it asks again. There is room for twice the reserve at least.
    MemoryBudget(std::uint64_t bytes_max, std::uint64_t reserve_bytes, metrics::Registry& registry);
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;

    /// Whether more may be read now. After a no `room` is called when it may be worth asking again.
    [[nodiscard]] bool may_read() noexcept;
    /// Somebody waits for memory: what is kept for later had better be given back.
    [[nodiscard]] bool is_short() const noexcept { return is_short_; }
    /// Bytes that may be added besides the reserve.
    [[nodiscard]] std::uint64_t room_bytes() const noexcept;
    [[nodiscard]] std::uint64_t used_bytes() const noexcept { return used_; }
    /// The most that was held at once.
    [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return peak_; }
    [[nodiscard]] std::uint64_t bytes_max() const noexcept { return bytes_max_; }

    std::function<void()> room;

private:
    friend class MemoryHold;

    void change(MemoryPool pool, std::uint64_t from, std::uint64_t to);

    std::uint64_t bytes_max_;
    std::uint64_t reserve_;
    std::uint64_t used_ = 0;
    std::uint64_t peak_ = 0;
    bool is_short_ = false;
    std::array<metrics::Gauge*, 3> gauges_{};
};

/// A part of the budget that is held for as long as this lives. The budget outlives it.
class MemoryHold {
public:
    MemoryHold() = default;
    MemoryHold(MemoryBudget& budget, const MemoryPool pool, const std::uint64_t bytes)
        : budget_(&budget)
        , pool_(pool) {
        set(bytes);
    }
    MemoryHold(MemoryHold&& other) noexcept
        : budget_(other.budget_)
        , pool_(other.pool_)
        , bytes_(std::exchange(other.bytes_, 0)) {}
    MemoryHold& operator=(MemoryHold&& other) noexcept {
        std::swap(budget_, other.budget_);
        std::swap(pool_, other.pool_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~MemoryHold() { set(0); }

    /// It holds so much from now on.
    void set(const std::uint64_t bytes) {
        if (bytes != bytes_) {
            budget_->change(pool_, std::exchange(bytes_, bytes), bytes);
        }
    }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    MemoryBudget* budget_ = nullptr;
    MemoryPool pool_ = MemoryPool::blocks;
    std::uint64_t bytes_ = 0;
};

}  // namespace logboom::ship
