// Calls that the ring cannot do. Those that may wait for a disk are carried out by a thread whose answers
// are collected by the shard (C0, F17); the others take a moment and are made where they are asked for.
#pragma once

#include "shared/io/op.h"

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace logboom::io {

class FileThreads {
public:
    /// `on_answer` is called on a helper thread after an answer was queued: it wakes the shard.
    explicit FileThreads(std::function<void()> on_answer);
    FileThreads(const FileThreads&) = delete;
    FileThreads& operator=(const FileThreads&) = delete;
    /// Waits for the call in work.
    ~FileThreads();

    void submit(Op& op);
    /// Takes an op back that no thread has begun. False: it will be answered.
    [[nodiscard]] bool withdraw(Op& op);
    /// What was answered since the last call, with the results.
    [[nodiscard]] std::vector<std::pair<Op*, std::int32_t>> collect();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Carries out one op on the calling thread: >= 0 or -errno. Files' kinds without a ring operation only.
[[nodiscard]] std::int32_t run_call(Op& op);

/// A thread of ours on which no signal is handled: those are the main thread's.
[[nodiscard]] std::thread start_helper(std::function<void()> run);

}  // namespace logboom::io
