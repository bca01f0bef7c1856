// What could not be looked at and is tried again, each time after a longer pause (T6).
#pragma once

#include "shared/base/time.h"

#include <algorithm>
#include <map>
#include <vector>

namespace logboom::source {

inline constexpr Nanos retry_pause_min = 1s;
inline constexpr Nanos retry_pause_max = 60s;

/// The pause after one of `pause`; zero: there was none yet.
[[nodiscard]] constexpr Nanos next_retry_pause(const Nanos pause) noexcept {
    return std::clamp(2 * pause, retry_pause_min, retry_pause_max);
}

template <typename Key>
class RetryList {
public:
    struct Entry {
        SteadyTime since{};
        Nanos pause{};
        SteadyTime due{};
        bool is_taken = false;  // it is being tried
    };

    /// Returns the entry; its pause is the shortest if the key was not in the list.
    const Entry& put_off(const Key& key, const SteadyTime now) {
        Entry& entry = entries_.try_emplace(key, Entry{now}).first->second;
        if (entry.is_taken || entry.pause == Nanos::zero()) {
            entry.pause = next_retry_pause(entry.pause);
        }
        entry.due = now + entry.pause;
        entry.is_taken = false;
        return entry;
    }
    void forget(const Key& key) { entries_.erase(key); }
    [[nodiscard]] bool contains(const Key& key) const { return entries_.contains(key); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] const std::map<Key, Entry>& all() const noexcept { return entries_; }

    /// Those whose time has come, each once until it is put off again.
    [[nodiscard]] std::vector<Key> take_due(const SteadyTime now) {
        std::vector<Key> due;
        for (auto& [key, entry] : entries_) {
            if (!entry.is_taken && entry.due <= now) {
                entry.is_taken = true;
                due.push_back(key);
            }
        }
        return due;
    }
    [[nodiscard]] SteadyTime next_due() const noexcept {
        SteadyTime next = no_deadline;
        for (const auto& [key, entry] : entries_) {
            next = entry.is_taken ? next : std::min(next, entry.due);
        }
        return next;
    }

private:
    std::map<Key, Entry> entries_;
};

}  // namespace logboom::source
