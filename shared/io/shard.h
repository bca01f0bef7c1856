// Between shards: a bounded inbox with many senders, and calls that run a task on another shard and
// bring its result home (C19a). A shard is a thread with one backend, scheduler and Env.
#pragma once

#include "shared/io/env.h"

#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace logboom::io {

/// One shard as others see it. `post` is for any thread; the rest for the shard's own.
class Shard {
public:
    Shard(const std::size_t index, IoBackend& backend, Env& env) noexcept
        : index_(index)
        , backend_(backend)
        , env_(env)
        , calls_(env.scheduler) {}
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    [[nodiscard]] Env& env() noexcept { return env_; }

    /// Runs `message` on this shard, on a later turn, in the order of the posts of one sender. The
    /// inbox is bounded by its users: each call has one message out at a time.
    void post(std::function<void()> message);
    /// Runs what was posted; called by the loop each turn.
    void drain();
    /// Scope of the tasks that other shards' calls run here.
    [[nodiscard]] Scope& calls() noexcept { return calls_; }

private:
    std::size_t index_;
    IoBackend& backend_;
    Env& env_;
    Scope calls_;
    std::mutex mutex_;  // held to move a message in or out, never across a task
    std::deque<std::function<void()>> inbox_;
    std::deque<std::function<void()>> draining_;
};

namespace detail {

template <typename R>
struct RemoteCall {
    RemoteCall(Shard& from_shard, std::function<Task<R>()> body_there)
        : from(from_shard)
        , body(std::move(body_there))
        , done(from_shard.env().scheduler) {}
    Shard& from;
    std::function<Task<R>()> body;
    std::optional<R> result;
    Event done;
};

template <typename R>
Task<void> run_remote_call(RemoteCall<R>& call) {
    R result = co_await call.body();
    call.result.emplace(std::move(result));
    call.from.post([&call] { call.done.set(); });
}

}  // namespace detail

/// Runs `body` (which makes a task) on `to` and returns its result here. On the same shard it is a plain
/// await. Not cut short by cancellation: `body` refers to what the caller holds. `from` is the shard of
/// the calling task.
template <typename R>
Task<R> call_on(Shard& from, Shard& to, std::function<Task<R>()> body) {
    if (&from == &to) {
        Task<R> task = body();
        co_return co_await std::move(task);
    }
    detail::RemoteCall<R> call(from, std::move(body));
    to.post([&call, &to] { to.calls().spawn_now(detail::run_remote_call(call)); });
    co_await call.done.wait_uncancelled();
    co_return std::move(*call.result);
}

}  // namespace logboom::io

namespace logboom {
using io::Shard;
}  // namespace logboom
