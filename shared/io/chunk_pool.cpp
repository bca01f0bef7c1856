#include "shared/io/chunk_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>

namespace logboom::io {

namespace {

// Powers of two from 4 KiB to 1 MiB: at most half of a chunk is without use, which counts where chunks are
// kept, as in the tail cache.
constexpr std::uint32_t class_bytes_min = 4u << 10;
constexpr std::uint32_t class_bytes_max = 1u << 20;
constexpr int class_count = std::countr_zero(class_bytes_max) - std::countr_zero(class_bytes_min)
                          + 1;

/// -1: larger than any class.
int class_of(const std::uint32_t size) noexcept {
    if (size > class_bytes_max) {
        return -1;
    }
    const std::uint32_t capacity = std::bit_ceil(std::max(size, class_bytes_min));
    return std::countr_zero(capacity) - std::countr_zero(class_bytes_min);
}

std::uint32_t bytes_of_class(const int c) noexcept {
    return class_bytes_min << c;
}

}  // namespace

struct ChunkPool::Free {
    std::mutex mutex;  // held for a few instructions, never across an await
    std::array<std::vector<std::byte*>, class_count> chunks;
    std::uint64_t bytes = 0;
};

std::shared_ptr<ChunkPool> ChunkPool::make(const std::uint64_t kept_bytes_max) {
    return std::shared_ptr<ChunkPool>(new ChunkPool(kept_bytes_max));
}

ChunkPool::ChunkPool(const std::uint64_t kept_bytes_max)
    : free_(std::make_unique<Free>())
    , kept_bytes_max_(kept_bytes_max) {}

ChunkPool::~ChunkPool() {
    for (const auto& chunks : free_->chunks) {
        for (std::byte* const bytes : chunks) {
            ::operator delete(bytes);
        }
    }
}

Slice ChunkPool::allocate(const std::uint32_t size) {
    const int c = class_of(size);
    auto* const chunk = new Chunk;
    chunk->pool = shared_from_this();
    chunk->capacity = c < 0 ? size : bytes_of_class(c);
    if (c >= 0) {
        const std::lock_guard lock(free_->mutex);
        auto& chunks = free_->chunks[static_cast<std::size_t>(c)];
        if (!chunks.empty()) {
            chunk->bytes = chunks.back();
            chunks.pop_back();
            free_->bytes -= chunk->capacity;
        }
    }
    if (chunk->bytes == nullptr) {
        chunk->bytes = static_cast<std::byte*>(::operator new(chunk->capacity));
    }
    in_use_.fetch_add(chunk->capacity, std::memory_order_relaxed);
    return Slice(chunk, 0, size);
}

Slice ChunkPool::copy_of(const ByteView bytes) {
    Slice slice = allocate(static_cast<std::uint32_t>(bytes.size()));
    if (!bytes.empty()) {
        std::memcpy(slice.mutable_bytes().data(), bytes.data(), bytes.size());
    }
    return slice;
}

void ChunkPool::give_back(Chunk* const chunk) noexcept {
    in_use_.fetch_sub(chunk->capacity, std::memory_order_relaxed);
    const int c = class_of(chunk->capacity);
    bool kept = false;
    if (c >= 0 && bytes_of_class(c) == chunk->capacity) {
        const std::lock_guard lock(free_->mutex);
        if (free_->bytes + chunk->capacity <= kept_bytes_max_) {
            free_->chunks[static_cast<std::size_t>(c)].push_back(chunk->bytes);
            free_->bytes += chunk->capacity;
            kept = true;
        }
    }
    if (!kept) {
        ::operator delete(chunk->bytes);
    }
}

void Slice::release() noexcept {
    if (chunk_ != nullptr && chunk_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        const std::shared_ptr<ChunkPool> pool = std::move(chunk_->pool);
        pool->give_back(chunk_);
        delete chunk_;
    }
    chunk_ = nullptr;
}

}  // namespace logboom::io
