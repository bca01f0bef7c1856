// Group commit: one round of fdatasync calls at a time for the logs of one directory and shard. Who comes
// while a round runs is served by the next one, together with all others.
//
//   idle ──request──> gathering ──somebody waits, 1 MiB is dirty, or 2 ms──> round ──> gathering | idle
#pragma once

#include "shared/io/env.h"

#include <cstdint>

namespace logboom::storage {

/// A log that can be synced. Being in the scheduler's list means: it has written bytes to sync.
class SyncTarget : public io::ListNode {
public:
    SyncTarget() = default;
    SyncTarget(const SyncTarget&) = delete;
    SyncTarget& operator=(const SyncTarget&) = delete;
    virtual ~SyncTarget() = default;

    /// Syncs what was written before this call, and deals with the outcome itself.
    virtual Task<void> sync_written() = 0;
};

class SyncScheduler {
public:
    explicit SyncScheduler(Env& env);

    enum class Urgency : std::uint8_t { somebody_waits, nobody_waits };
    /// `bytes` more of `target` have been written. The target outlives its syncs.
    void request(SyncTarget& target, Urgency urgency, std::uint64_t bytes);
    /// Waits until nothing is left to sync. Nobody requests any more.
    Task<void> stop();

    [[nodiscard]] std::uint64_t rounds() const noexcept { return rounds_; }

private:
    Task<void> run();
    Task<void> run_round(io::IntrusiveList<SyncTarget>& round);
    Task<void> sync_some(io::IntrusiveList<SyncTarget>& round);

    Env& env_;
    io::IntrusiveList<SyncTarget> waiting_;
    std::uint64_t dirty_bytes_ = 0;
    bool is_urgent_ = false;
    bool is_running_ = false;
    std::uint64_t rounds_ = 0;
    io::WaitQueue hurry_;
    Scope scope_;
};

}  // namespace logboom::storage
