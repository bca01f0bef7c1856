#include "shared/io/sim_events.h"

#include "shared/base/assert.h"

#include <algorithm>
#include <utility>

namespace logboom::io {

Nanos SimEvents::draw(const Nanos low, const Nanos high) noexcept {
    if (high <= low) {
        return low;
    }
    const auto width = static_cast<std::uint64_t>((high - low).count());
    return low + Nanos(static_cast<std::int64_t>(rng_.below(width)));
}

bool SimEvents::is_later(const Event& left, const Event& right) noexcept {
    if (left.at != right.at) {
        return left.at > right.at;
    }
    if (left.tie != right.tie) {
        return left.tie > right.tie;
    }
    return left.sequence > right.sequence;
}

void SimEvents::after(const Nanos delay, std::function<void()> action) {
    const SteadyTime at = now_ + std::max(delay, Nanos::zero());
    heap_.push_back(Event{at, rng_.next(), ++sequence_, std::move(action)});
    std::push_heap(heap_.begin(), heap_.end(), is_later);
}

SteadyTime SimEvents::next_due() const noexcept {
    return heap_.empty() ? SteadyTime::max() : heap_.front().at;
}

bool SimEvents::run_one() {
    if (next_due() > now_) {
        return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    const std::function<void()> action = std::move(heap_.back().action);
    heap_.pop_back();
    action();
    return true;
}

void SimEvents::advance_to(const SteadyTime time) {
    LB_ASSERT(time <= next_due());
    now_ = std::max(now_, time);
}

void SimEvents::note(
    const std::uint32_t node, const char* const what, const std::int64_t a, const std::int64_t b
) noexcept {
    const auto mix = [this](const std::uint64_t value) {
        hash_ = (hash_ ^ value) * 0x100000001B3ULL;
        hash_ ^= hash_ >> 29;
    };
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    mix(node);
    for (const char* c = what; *c != '\0'; ++c) {
        mix(static_cast<std::uint64_t>(static_cast<unsigned char>(*c)));
    }
    mix(static_cast<std::uint64_t>(a));
    mix(static_cast<std::uint64_t>(b));
    steps_[count_ % steps_.size()] = Step{now_, node, what, a, b};
    ++count_;
}

std::string SimEvents::latest() const {
    std::string text;
    const std::uint64_t first = count_ > steps_.size() ? count_ - steps_.size() : 0;
    for (std::uint64_t i = first; i < count_; ++i) {
        const Step& step = steps_[i % steps_.size()];
        text += std::to_string(step.at.time_since_epoch().count() / 1000);
        text += " us  node " + std::to_string(step.node) + "  " + step.what + "  ";
        text += std::to_string(step.a) + ' ' + std::to_string(step.b) + '\n';
    }
    return text;
}

}  // namespace logboom::io
