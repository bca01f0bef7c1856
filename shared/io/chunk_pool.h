// Bytes that travel: a Chunk is one allocation, a Slice a counted reference to a part of it. What a
// receive filled is what is checksummed, appended, cached and sent: no copy in between.
#pragma once

#include "shared/base/bytes.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace logboom::io {

class ChunkPool;

/// The count is atomic, since a fetch may be sent by another shard than the partition's: an
/// uncontended increment costs less than sending each chunk home to be let go.
struct Chunk {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t capacity = 0;
    std::shared_ptr<ChunkPool> pool;  // keeps the pool alive for stragglers at shutdown
    std::byte* bytes = nullptr;
};

/// Immutable shared bytes, except for the one who has just allocated them (`mutable_bytes`).
class Slice {
public:
    Slice() = default;
    Slice(Chunk* const adopted, const std::uint32_t offset, const std::uint32_t size) noexcept
        : chunk_(adopted)
        , offset_(offset)
        , size_(size) {}
    Slice(const Slice& other) noexcept
        : chunk_(other.chunk_)
        , offset_(other.offset_)
        , size_(other.size_) {
        if (chunk_ != nullptr) {
            chunk_->references.fetch_add(1, std::memory_order_relaxed);
        }
    }
    Slice(Slice&& other) noexcept
        : chunk_(std::exchange(other.chunk_, nullptr))
        , offset_(std::exchange(other.offset_, 0))
        , size_(std::exchange(other.size_, 0)) {}
    Slice& operator=(Slice other) noexcept {
        std::swap(chunk_, other.chunk_);
        std::swap(offset_, other.offset_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Slice() { release(); }

    [[nodiscard]] ByteView view() const noexcept {
        return chunk_ == nullptr ? ByteView{} : ByteView{chunk_->bytes + offset_, size_};
    }
    [[nodiscard]] const std::byte* data() const noexcept { return view().data(); }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// Bytes of the whole chunk, which this slice keeps from being freed.
    [[nodiscard]] std::uint32_t capacity() const noexcept {
        return chunk_ == nullptr ? 0 : chunk_->capacity;
    }
    /// Tells chunks apart as long as they live.
    [[nodiscard]] const void* chunk_id() const noexcept { return chunk_; }
    [[nodiscard]] bool is_of_same_chunk(const Slice& other) const noexcept {
        return chunk_ == other.chunk_;
    }
    /// For the one holder that fills it; nobody else may read meanwhile.
    [[nodiscard]] MutableByteView mutable_bytes() noexcept {
        return chunk_ == nullptr ? MutableByteView{}
                                 : MutableByteView{chunk_->bytes + offset_, size_};
    }
    [[nodiscard]] Slice part(const std::uint32_t offset, const std::uint32_t size) const noexcept {
        LB_ASSERT(offset <= size_ && size <= size_ - offset);
        Slice copy = *this;
        copy.offset_ += offset;
        copy.size_ = size;
        return copy;
    }

private:
    void release() noexcept;

    Chunk* chunk_ = nullptr;
    std::uint32_t offset_ = 0;
    std::uint32_t size_ = 0;
};

/// Chunks of 4 KiB, 16 KiB, 64 KiB, 256 KiB and 1 MiB are kept for reuse up to `kept_bytes_max`;
/// larger ones go straight to the system, whose pages are not touched before they are filled.
/// Thread-safe: a chunk may be let go by another shard.
class ChunkPool : public std::enable_shared_from_this<ChunkPool> {
public:
    [[nodiscard]] static std::shared_ptr<ChunkPool> make(std::uint64_t kept_bytes_max);
    ChunkPool(const ChunkPool&) = delete;
    ChunkPool& operator=(const ChunkPool&) = delete;
    ~ChunkPool();

    /// `size` bytes that are not initialised.
    [[nodiscard]] Slice allocate(std::uint32_t size);
    [[nodiscard]] Slice copy_of(ByteView bytes);
    /// Bytes handed out now, by capacity.
    [[nodiscard]] std::uint64_t bytes_in_use() const noexcept {
        return in_use_.load(std::memory_order_relaxed);
    }

private:
    friend class Slice;
    struct Free;

    explicit ChunkPool(std::uint64_t kept_bytes_max);
    void give_back(Chunk* chunk) noexcept;

    std::unique_ptr<Free> free_;
    std::uint64_t kept_bytes_max_;
    std::atomic<std::uint64_t> in_use_{0};
};

}  // namespace logboom::io

namespace logboom {
using io::ChunkPool;
using io::Slice;
}  // namespace logboom
