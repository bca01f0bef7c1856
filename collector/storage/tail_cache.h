// The batches that were appended last, as they came in: consumers at the end of a log are served without
// touching the disk. One budget for all logs of a shard; the oldest batch goes first.
//
// What counts is the memory that a batch keeps alive, not its own bytes: one small batch of a large
// request holds all of the request's chunk. Small ones are copied into chunks that they share.
#pragma once

#include "shared/base/strong.h"
#include "shared/io/chunk_pool.h"

#include <cstdint>
#include <deque>
#include <unordered_map>

namespace logboom::storage {

/// The cached end of one log: batches that follow each other without a hole, up to the log's end.
class LogTail {
public:
    struct Batch {
        Offset base_offset;
        Offset end_offset;
        Slice bytes;
    };

    [[nodiscard]] const std::deque<Batch>& batches() const noexcept { return batches_; }
    /// Whether the batch that holds `offset` and all behind it are here.
    [[nodiscard]] bool reaches_back_to(const Offset offset) const noexcept {
        return !batches_.empty() && batches_.front().base_offset <= offset;
    }

private:
    friend class TailCache;
    std::deque<Batch> batches_;
};

/// Shard: one. The logs' tails outlive their batches here: `forget` before a tail dies.
class TailCache {
public:
    TailCache(ChunkPool& pool, const std::uint64_t bytes_max) noexcept
        : pool_(pool)
        , bytes_max_(bytes_max) {}
    TailCache(const TailCache&) = delete;
    TailCache& operator=(const TailCache&) = delete;

    /// Adds a batch at the end of `tail` and drops the oldest ones of any log above the budget.
    void add(LogTail& tail, LogTail::Batch batch);
    /// Drops all batches of `tail`.
    void forget(LogTail& tail);
    /// Memory that is held.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    /// One batch, in the order in which they came.
    struct Held {
        LogTail* tail = nullptr;  // null: forgotten
        const void* chunk = nullptr;
        std::uint32_t chunk_bytes = 0;
    };

    [[nodiscard]] Slice packed(const Slice& bytes);
    void charge(const Slice& bytes);
    void release(const Held& held);
    void drop_oldest();

    ChunkPool& pool_;
    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::deque<Held> oldest_first_;
    /// How many batches each chunk holds: it is paid for as long as there is one.
    std::unordered_map<const void*, std::uint32_t> chunks_;
    Slice room_;                   // the chunk that small batches share ...
    std::uint32_t room_used_ = 0;  // ... and how far it is filled
};

}  // namespace logboom::storage
