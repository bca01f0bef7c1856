// Calls that may wait for a disk, carried out by threads whose answers are collected by the shard (C0, F17).
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
    /// `on_answer` is called after an answer was queued, mostly on one of the threads: it wakes the shard.
    /// Threads are started when there is work for them, up to `threads_max`: a call that hangs, on a
    /// network's file system or a FIFO, holds up those behind it only when all of them hang.
    FileThreads(std::function<void()> on_answer, std::size_t threads_max);
    FileThreads(const FileThreads&) = delete;
    FileThreads& operator=(const FileThreads&) = delete;
    /// Waits until all that was submitted is done.
    ~FileThreads();

    /// Kinds of `run_call`. Answered with -ENOMEM where the host has no thread for us.
    void submit(Op& op);
    /// Takes an op back that no thread has begun. False: it will be answered, or is none of ours.
    [[nodiscard]] bool withdraw(Op& op);
    /// What was answered since the last call, with the results.
    [[nodiscard]] std::vector<std::pair<Op*, std::int32_t>> collect();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A thread of ours on which no signal is handled: those are the main thread's. Not joinable where the host
/// refuses us one.
[[nodiscard]] std::thread start_helper(std::function<void()> run);

}  // namespace logboom::io
