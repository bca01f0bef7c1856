// A Scope owns the tasks that outlive their callers (C14). Nothing is detached: the owner cancels and
// joins in its `stop()`, from the leaves up. In the simulator a crash destroys scopes with frames.
#pragma once

#include "shared/io/sync.h"
#include "shared/io/task.h"

namespace logboom::io {

class Scope {
public:
    explicit Scope(Scheduler& scheduler) noexcept;
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    /// Empty, unless the scheduler says that its node is crashing: then the frames are destroyed.
    ~Scope();

    /// Runs `task` on a later turn; it inherits this scope's cancel token.
    void spawn(Task<void> task);
    /// The same, but runs it up to its first suspension inside this call: for callers whose order of
    /// calls is a promise (appends of one connection). From a task only, not from a completion.
    void spawn_now(Task<void> task);
    /// Asks every await of the scope's tasks to end with ErrorCode::cancelled.
    void cancel() { cancel_.cancel(); }
    [[nodiscard]] bool is_cancelled() const noexcept { return cancel_.is_cancelled(); }
    /// Waits until the last task has ended; not cut short by the caller's cancel token, since the
    /// tasks may use what the caller is about to destroy.
    Task<void> join();
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    struct Spawned;
    static Spawned run(Task<void> task);
    [[nodiscard]] std::coroutine_handle<> adopt(Task<void> task);

    CancelToken cancel_;
    TaskContext context_;
    IntrusiveList<ListNode> frames_;
    std::size_t count_ = 0;
    Event idle_;
};

}  // namespace logboom::io

namespace logboom {
using io::Scope;
}  // namespace logboom
