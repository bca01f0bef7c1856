#include "shared/daemon/signals.h"

#include "shared/base/assert.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <utility>

namespace logboom::daemon {
namespace {

// What the handler can see. Lock-free, so that it is safe there.
std::atomic<int> first_stop_signal{0};
std::atomic<bool> has_hangup{false};
std::atomic<bool> is_installed{false};
std::function<void()> stop_action;  // set before the handlers are, cleared after they are gone

static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void on_stop_signal(const int number) {
    int none = 0;
    if (!first_stop_signal.compare_exchange_strong(none, number)) {
        ::_exit(128 + number);
    }
    stop_action();
}

extern "C" void on_hangup_signal(int /*number*/) {
    has_hangup.store(true);
}

void handle(const int number, void (*const handler)(int)) {
    struct sigaction action;
    std::memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    LB_ASSERT(::sigaction(number, &action, nullptr) == 0);
}

}  // namespace

Signals::Signals(std::function<void()> on_stop) {
    LB_ASSERT(!is_installed.exchange(true));
    first_stop_signal.store(0);
    has_hangup.store(false);
    stop_action = std::move(on_stop);
    handle(SIGTERM, on_stop_signal);
    handle(SIGINT, on_stop_signal);
    handle(SIGHUP, on_hangup_signal);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGIO, SIG_IGN);
}

Signals::~Signals() {
    handle(SIGTERM, SIG_DFL);
    handle(SIGINT, SIG_DFL);
    handle(SIGHUP, SIG_DFL);
    handle(SIGPIPE, SIG_DFL);
    handle(SIGIO, SIG_DFL);
    stop_action = nullptr;
    is_installed.store(false);
}

int Signals::stop_signal() const noexcept {
    return first_stop_signal.load();
}

bool Signals::take_hangup() noexcept {
    return has_hangup.exchange(false);
}

}  // namespace logboom::daemon
