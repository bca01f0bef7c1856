#include "shared/io/task.h"

#include <array>
#include <cstring>
#include <new>

namespace logboom::io {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define LB_FRAME_POOL 0
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define LB_FRAME_POOL 0
#    endif
#endif
#ifndef LB_FRAME_POOL
#    define LB_FRAME_POOL 1
#endif

namespace {

constexpr std::size_t class_bytes = 64;
constexpr std::size_t class_count = 32;  // up to 2 KiB

#if LB_FRAME_POOL

constexpr std::size_t kept_frames_max = 256;  // of each class; more go back to malloc

struct FreeFrame {
    FreeFrame* next;
};

// Per thread, since a shard is a thread; it cannot change what a task does (S4).
struct FramePool {
    std::array<FreeFrame*, class_count> free{};
    std::array<std::size_t, class_count> count{};
    FramePool() = default;
    FramePool(const FramePool&) = delete;
    FramePool& operator=(const FramePool&) = delete;
    ~FramePool() {
        for (FreeFrame* frame : free) {
            while (frame != nullptr) {
                FreeFrame* const next = frame->next;
                ::operator delete(frame);
                frame = next;
            }
        }
    }
};

thread_local FramePool pool;

#endif

constexpr std::size_t class_of(const std::size_t size) noexcept {
    return (size + class_bytes - 1) / class_bytes - 1;
}

}  // namespace

void* allocate_frame(const std::size_t size) {
    const std::size_t c = class_of(size);
#if LB_FRAME_POOL
    if (c < class_count && pool.free[c] != nullptr) {
        FreeFrame* const frame = pool.free[c];
        pool.free[c] = frame->next;
        --pool.count[c];
        return frame;
    }
#endif
    return ::operator new(c < class_count ? (c + 1) * class_bytes : size);
}

void free_frame(void* const frame, const std::size_t size) noexcept {
#ifdef LB_DEBUG_CHECKS
    std::memset(frame, 0xDD, size);  // who still looks at it finds nothing that makes sense
#endif
#if LB_FRAME_POOL
    const std::size_t c = class_of(size);
    if (c < class_count && pool.count[c] < kept_frames_max) {
        pool.free[c] = ::new (frame) FreeFrame{pool.free[c]};
        ++pool.count[c];
        return;
    }
#else
    static_cast<void>(size);
#endif
    ::operator delete(frame);
}

}  // namespace logboom::io
