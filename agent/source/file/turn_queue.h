// Which streams are to be looked at, and when (T37): a ring of those with news and an alarm clock for
// the others. A stream is in the hands of one reader at a time; news that come meanwhile bring it back.
#pragma once

#include "agent/source/file/stream.h"
#include "shared/io/env.h"

#include <deque>
#include <functional>
#include <set>
#include <utility>

namespace logboom::source {

class TurnQueue {
public:
    explicit TurnQueue(Env& env) : env_(env), ready_(env.scheduler), done_(env.scheduler) {}

    /// Something may be there to read or to decide.
    void want(Stream& stream);
    /// Its file may have changed: it is looked at even if it cannot be read on.
    void tell(Stream& stream) {
        stream.has_news = true;
        want(stream);
    }
    /// Looks at it at `at` unless something earlier does.
    void want_at(Stream& stream, SteadyTime at);
    /// The stream cannot go on until `unblock_all`.
    void block(Stream& stream);
    void unblock_all(const std::function<Stream*(const Id128&)>& find);
    /// Before a stream is removed.
    void forget(Stream& stream);

    /// The next stream whose turn it is, or nothing when the scope ends. It is the caller's until `done`.
    Task<Stream*> next(const std::function<Stream*(const Id128&)>& find);
    void done(Stream& stream);

    /// Gives out no turn until `release`; returns when those that were given are done. Not again before
    /// `release`.
    Task<void> hold();
    void release();
    [[nodiscard]] bool is_idle() const noexcept { return ring_.empty() && in_turn_ == 0; }

private:
    void ring_due(const std::function<Stream*(const Id128&)>& find);

    Env& env_;
    std::deque<Id128> ring_;
    std::set<std::pair<SteadyTime, Id128>> alarms_;
    std::deque<Id128> blocked_;
    std::size_t in_turn_ = 0;
    bool is_held_ = false;
    io::Event ready_;
    io::Event done_;
};

}  // namespace logboom::source
