#include "shared/io/chunk_pool.h"

#include <array>
#include <bit>
#include <mutex>

namespace logboom::io {

namespace {

constexpr std::array<std::uint32_t, 5> class_bytes{
    4u << 10, 16u << 10, 64u << 10, 256u << 10, 1u << 20};

int class_of(const std::uint32_t size) noexcept {
    for (std::size_t i = 0; i < class_bytes.size(); ++i) {
        if (size <= class_bytes[i]) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

}  // namespace

struct ChunkPool::Free {
    std::mutex mutex;  // held for a few instructions, never across an await
    std::array<std::vector<std::byte*>, class_bytes.size()> chunks;
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
    chunk->capacity = c < 0 ? size : class_bytes[static_cast<std::size_t>(c)];
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
    if (c >= 0 && class_bytes[static_cast<std::size_t>(c)] == chunk->capacity) {
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
