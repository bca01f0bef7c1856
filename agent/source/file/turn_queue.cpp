#include "agent/source/file/turn_queue.h"

namespace logboom::source {

void TurnQueue::want(Stream& stream) {
    if (stream.is_in_turn) {
        stream.is_wanted_again = true;
        return;
    }
    if (!stream.is_queued) {
        stream.is_queued = true;
        ring_.push_back(stream.uid);
        ready_.set();
    }
}

void TurnQueue::want_at(Stream& stream, const SteadyTime at) {
    if (stream.alarm_at && *stream.alarm_at <= at) {
        return;
    }
    if (stream.alarm_at) {
        alarms_.erase({*stream.alarm_at, stream.uid});
    }
    stream.alarm_at = at;
    alarms_.emplace(at, stream.uid);
    ready_.set();  // a reader that sleeps sets its alarm anew
}

void TurnQueue::block(Stream& stream) {
    if (!stream.is_blocked) {
        stream.is_blocked = true;
        blocked_.push_back(stream.uid);
    }
}

void TurnQueue::unblock_all(const std::function<Stream*(const Id128&)>& find) {
    while (!blocked_.empty()) {
        Stream* const stream = find(blocked_.front());
        blocked_.pop_front();
        if (stream != nullptr) {
            stream->is_blocked = false;
            want(*stream);
        }
    }
}

void TurnQueue::forget(Stream& stream) {
    if (stream.alarm_at) {
        alarms_.erase({*stream.alarm_at, stream.uid});
        stream.alarm_at.reset();
    }
}

void TurnQueue::ring_due(const std::function<Stream*(const Id128&)>& find) {
    const SteadyTime now = env_.clock.now();
    while (!alarms_.empty() && alarms_.begin()->first <= now) {
        Stream* const stream = find(alarms_.begin()->second);
        alarms_.erase(alarms_.begin());
        if (stream != nullptr) {
            stream->alarm_at.reset();
            want(*stream);
        }
    }
}

Task<Stream*> TurnQueue::next(const std::function<Stream*(const Id128&)>& find) {
    while (true) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            co_return nullptr;
        }
        ring_due(find);
        while (!ring_.empty() && !is_held_) {
            Stream* const stream = find(ring_.front());
            ring_.pop_front();
            if (stream != nullptr) {
                stream->is_queued = false;
                stream->is_in_turn = true;
                ++in_turn_;
                co_return stream;
            }
        }
        ready_.reset();
        const bool may_wait = alarms_.empty() || is_held_;
        const SteadyTime until = may_wait ? no_deadline : alarms_.begin()->first;
        [[maybe_unused]] const Result<Ok> woken = co_await ready_.wait(until);
    }
}

void TurnQueue::done(Stream& stream) {
    stream.is_in_turn = false;
    --in_turn_;
    done_.set();
    if (std::exchange(stream.is_wanted_again, false)) {
        want(stream);
    }
}

Task<void> TurnQueue::hold() {
    LB_ASSERT(!is_held_);
    is_held_ = true;
    while (in_turn_ != 0) {
        done_.reset();
        co_await done_.wait_uncancelled();
    }
}

void TurnQueue::release() {
    is_held_ = false;
    ready_.set();
}

}  // namespace logboom::source
