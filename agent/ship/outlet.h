// What the batcher hands over, and to whom. The batcher and the sources know no more of shipping.
#pragma once

#include "agent/ship/memory_budget.h"
#include "shared/base/strong.h"
#include "shared/base/time.h"
#include "shared/io/chunk_pool.h"
#include "shared/record/source_cursor.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace logboom::ship {

using record::Id128;

/// Place in a stream, in the order in which the collector compares them: a truncation raises the
/// generation, else its new content would pass for a duplicate.
struct Position {
    std::uint64_t generation = 0;
    std::uint64_t offset = 0;  // raw bytes of the source

    auto operator<=>(const Position&) const = default;
};

/// The proof of a position: the keyed hash of up to 64 bytes just before it. Size 0 proves nothing.
struct Tail {
    std::uint32_t size = 0;
    std::uint64_t hash = 0;

    bool operator==(const Tail&) const = default;
};

/// One record batch of one stream, ready to be sent; covers [from, to) of its generation.
struct SealedBatch {
    Id128 stream{};
    std::uint32_t agent_epoch = 0;  // as its cursor names it
    std::uint64_t generation = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    bool has_gap = false;  // may begin above the position that the collector knows
    Tail tail;             // at `to`
    Slice bytes;
    MemoryHold memory;  // of `bytes`
    std::int32_t records_count = 0;
    SteadyTime opened_at{};  // when its first record was read

    [[nodiscard]] Position begin() const noexcept { return {generation, from}; }
    [[nodiscard]] Position end() const noexcept { return {generation, to}; }
};

/// Where a stream goes.
struct Route {
    std::string topic;
    std::string key;  // decides about the partition of a stream that has none yet
    std::optional<PartitionIndex> partition;
};

/// Takes sealed batches. `push` never fails: callers ask `has_room` before they read, and what one block
/// yields may pass the limit.
class Outlet {
public:
    Outlet() = default;
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;
    virtual ~Outlet() = default;

    [[nodiscard]] virtual bool has_room(const Id128& stream) const = 0;
    virtual void push(SealedBatch batch) = 0;
};

}  // namespace logboom::ship
