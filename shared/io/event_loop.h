// The loop of one real shard: ready tasks, timers, completions, again (C17). It owns what Env refers to.
#pragma once

#include "shared/io/env.h"
#include "shared/io/shard.h"

#include <atomic>
#include <memory>

namespace logboom::io {

/// Everything of one node and shard over one backend; also what the simulator builds for its nodes.
class EnvHolder {
public:
    EnvHolder(
        IoBackend& backend,
        LogSink& sink,
        LogLevel log_level,
        std::uint64_t seed,
        std::uint64_t pool_bytes
    );

    [[nodiscard]] Env& env() noexcept { return env_; }
    [[nodiscard]] Scheduler& scheduler() noexcept { return scheduler_; }

private:
    Scheduler scheduler_;
    Clock clock_;
    Rng rng_;
    std::shared_ptr<ChunkPool> pool_;
    Net net_;
    Fs fs_;
    Logger log_;
    Env env_;
};

/// Runs `main` in a scope of its own until it has ended. Shard: the calling thread becomes it.
/// `request_stop` may be called by other threads and signal handlers: it cancels that scope.
class EventLoop {
public:
    EventLoop(IoBackend& backend, EnvHolder& holder, const std::size_t shard_index)
        : backend_(backend)
        , holder_(holder)
        , shard_(shard_index, backend, holder.env()) {}

    [[nodiscard]] Shard& shard() noexcept { return shard_; }

    void run(Task<void> main);
    void request_stop() noexcept;

private:
    IoBackend& backend_;
    EnvHolder& holder_;
    Shard shard_;
    std::atomic<bool> stop_requested_{false};
};

}  // namespace logboom::io
