// Calls that the ring cannot do and that may block: carried out by a small pool of threads whose answers
// are collected by the shard (C0, F17).
#pragma once

#include "shared/io/op.h"

#include <functional>
#include <memory>
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

/// Carries out one op on the calling thread: >= 0 or -errno. Kinds without a ring operation only.
[[nodiscard]] std::int32_t run_blocking(Op& op);

}  // namespace logboom::io
