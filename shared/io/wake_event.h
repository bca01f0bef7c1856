// The one thing by which other threads reach a shard that waits: an eventfd.
#pragma once

#include <cstdint>

namespace logboom::io {

class WakeEvent {
public:
    WakeEvent() = default;
    WakeEvent(const WakeEvent&) = delete;
    WakeEvent& operator=(const WakeEvent&) = delete;
    ~WakeEvent();

    /// 0 or -errno. `flags` as of eventfd(2), besides EFD_CLOEXEC.
    [[nodiscard]] std::int32_t open(int flags) noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Makes it readable. For any thread and for signal handlers.
    void set() noexcept;

private:
    int fd_ = -1;
};

}  // namespace logboom::io
