#include "shared/io/sim_watch.h"

#include "shared/io/sim_disk.h"

#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>

namespace logboom::io {

void SimWatched::tell(
    const std::uint32_t mask, const std::uint32_t cookie, const std::string_view name
) const {
    const std::vector<Mark> told = marks;  // a one-shot mark takes itself out
    for (const Mark& mark : told) {
        if ((mark.mask & mask & IN_ALL_EVENTS) != 0) {
            mark.watcher->push(mark.watch, mask, cookie, name);
        }
    }
}

SimWatcher::~SimWatcher() {
    for (const Watch& watch : watches_) {
        unmark(*watch.inode, this);
    }
}

void SimWatcher::unmark(SimInode& inode, const SimWatcher* const watcher) {
    std::erase_if(inode.watched.marks, [watcher](const SimWatched::Mark& mark) {
        return mark.watcher == watcher;
    });
}

int SimWatcher::add(const std::shared_ptr<SimInode>& inode, const std::uint32_t mask) {
    for (SimWatched::Mark& mark : inode->watched.marks) {
        if (mark.watcher == this) {
            mark.mask = (mask & IN_MASK_ADD) != 0 ? mark.mask | mask : mask;
            return mark.watch;
        }
    }
    const int id = next_watch_++;
    inode->watched.marks.push_back(SimWatched::Mark{this, id, mask});
    watches_.push_back(Watch{id, inode});
    return id;
}

std::int32_t SimWatcher::remove(const int watch) {
    const auto at = std::ranges::find(watches_, watch, &Watch::id);
    if (at == watches_.end()) {
        return -EINVAL;
    }
    unmark(*at->inode, this);
    watches_.erase(at);
    enqueue(Event{watch, IN_IGNORED, 0, {}});
    return 0;
}

void SimWatcher::forget(const SimInode& inode) {
    const auto at = std::ranges::find_if(watches_, [&inode](const Watch& watch) {
        return watch.inode.get() == &inode;
    });
    if (at != watches_.end()) {
        static_cast<void>(remove(at->id));
    }
}

void SimWatcher::push(
    const int watch, const std::uint32_t mask, const std::uint32_t cookie, const std::string_view name
) {
    enqueue(Event{watch, mask, cookie, std::string(name)});
}

void SimWatcher::overflow() {
    enqueue(Event{-1, IN_Q_OVERFLOW, 0, {}});
}

void SimWatcher::enqueue(Event event) {
    if (!queue_.empty() && queue_.back() == event) {
        return;  // the kernel joins equal neighbours too
    }
    if (queue_.size() >= queue_max_) {
        if (queue_.back().mask == IN_Q_OVERFLOW) {
            return;
        }
        event = Event{-1, IN_Q_OVERFLOW, 0, {}};
    }
    const bool was_empty = queue_.empty();
    queue_.push_back(std::move(event));
    if (was_empty && on_event) {
        on_event();
    }
}

std::int32_t SimWatcher::take(const MutableByteView into) {
    std::size_t used = 0;
    while (!queue_.empty()) {
        const Event& event = queue_.front();
        // The name is padded with zeros to a multiple of the head's size, at least one zero.
        const std::size_t padded =
            event.name.empty() ? 0 : (event.name.size() / sizeof(inotify_event) + 1) * sizeof(inotify_event);
        if (used + sizeof(inotify_event) + padded > into.size()) {
            break;
        }
        inotify_event head{};
        head.wd = event.watch;
        head.mask = event.mask;
        head.cookie = event.cookie;
        head.len = static_cast<std::uint32_t>(padded);
        std::memcpy(into.data() + used, &head, sizeof head);
        used += sizeof head;
        if (padded != 0) {
            std::memset(into.data() + used, 0, padded);
            std::memcpy(into.data() + used, event.name.data(), event.name.size());
            used += padded;
        }
        queue_.pop_front();
    }
    return used == 0 ? -EINVAL : static_cast<std::int32_t>(used);
}

}  // namespace logboom::io
