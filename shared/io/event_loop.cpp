#include "shared/io/event_loop.h"

namespace logboom::io {

namespace {

// Resumes between two looks at completions and timers: about half a millisecond of short tasks (C17).
constexpr std::size_t resumes_per_turn = 1024;

}  // namespace

EnvHolder::EnvHolder(
    IoBackend& backend,
    LogSink& sink,
    const LogLevel log_level,
    const std::uint64_t seed,
    const std::uint64_t pool_bytes
)
    : scheduler_(backend.now())
    , clock_(backend)
    , rng_(seed)
    , pool_(ChunkPool::make(pool_bytes))
    , net_(backend, scheduler_, pool_)
    , fs_(backend)
    , log_(sink, log_level)
    , env_{clock_, rng_, net_, fs_, scheduler_, *pool_, log_} {}

void EventLoop::run(Task<void> main) {
    Scheduler& scheduler = holder_.scheduler();
    Scope root(scheduler);
    root.spawn(std::move(main));
    while (!root.empty()) {
        if (stop_requested_.load(std::memory_order_acquire) && !root.is_cancelled()) {
            root.cancel();
        }
        shard_.drain();
        scheduler.run_ready(resumes_per_turn);
        scheduler.advance(backend_.now());
        if (root.empty()) {
            break;
        }
        backend_.poll(scheduler.has_ready() ? SteadyTime::min() : scheduler.timers().next_due());
    }
}

void EventLoop::request_stop() noexcept {
    stop_requested_.store(true, std::memory_order_release);
    backend_.wake();
}

}  // namespace logboom::io
