#include "shared/io/wake_event.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace logboom::io {

WakeEvent::~WakeEvent() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

std::int32_t WakeEvent::open(const int flags) noexcept {
    fd_ = ::eventfd(0, flags | EFD_CLOEXEC);
    return fd_ < 0 ? -errno : 0;
}

void WakeEvent::set() noexcept {
    const std::uint64_t one = 1;
    // It fails only where the count is full: readable as wanted.
    static_cast<void>(::write(fd_, &one, sizeof one));
}

}  // namespace logboom::io
