// The shards of one process: shard 0 on the calling thread, the others on threads of their own, each with
// a backend that is made on its thread (a ring belongs to its thread) and destroyed there.
#pragma once

#include "shared/io/event_loop.h"

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace logboom::io {

struct ShardThreadsOptions {
    std::size_t shard_count = 1;
    /// Shard i runs on core i only.
    bool pin = false;
    LogLevel log_level = LogLevel::info;
    std::uint64_t seed = 0;
    /// Bytes that each shard's chunk pool keeps for reuse.
    std::uint64_t pool_bytes = 16u << 20;
};

/// Makes one shard's backend on the calling thread, or says why not in a text for the operator.
using BackendFactory = std::function<std::variant<std::unique_ptr<IoBackend>, std::string>()>;

class ShardThreads {
public:
    ShardThreads(BackendFactory factory, LogSink& sink, ShardThreadsOptions options);
    ShardThreads(const ShardThreads&) = delete;
    ShardThreads& operator=(const ShardThreads&) = delete;
    ~ShardThreads();

    /// Starts all shards and returns the text of the first backend that could not be made; empty: all
    /// run. Called once, by the thread that becomes shard 0.
    [[nodiscard]] std::string start();
    /// By index. Valid between `start` and the end of `run`.
    [[nodiscard]] const std::vector<Shard*>& shards() const noexcept { return shards_; }
    /// Runs `main` on shard 0 until it has ended, then ends the other shards.
    void run(Task<void> main);
    /// Cancels `main`. For any thread and for signal handlers.
    void request_stop() noexcept;

private:
    struct Worker;

    BackendFactory factory_;
    LogSink& sink_;
    ShardThreadsOptions options_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<Shard*> shards_;
};

}  // namespace logboom::io
