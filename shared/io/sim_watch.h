// inotify of the simulated disk: the queue of one descriptor and the marks on the inodes it watches.
#pragma once

#include "shared/base/bytes.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::io {

struct SimInode;
class SimWatcher;

/// The marks on one inode.
struct SimWatched {
    struct Mark {
        SimWatcher* watcher = nullptr;
        int watch = -1;
        std::uint32_t mask = 0;
    };
    std::vector<Mark> marks;

    void tell(std::uint32_t mask, std::uint32_t cookie, std::string_view name) const;
};

class SimWatcher {
public:
    explicit SimWatcher(const std::size_t queue_max) noexcept : queue_max_(queue_max) {}
    SimWatcher(const SimWatcher&) = delete;
    SimWatcher& operator=(const SimWatcher&) = delete;
    ~SimWatcher();

    /// A second watch of one inode is the first with another mask.
    int add(const std::shared_ptr<SimInode>& inode, std::uint32_t mask);
    /// 0, or -EINVAL without such a watch. The watcher is told IN_IGNORED.
    std::int32_t remove(int watch);
    void push(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
    /// The watched inode is gone.
    void forget(const SimInode& inode);

    [[nodiscard]] bool has_events() const noexcept { return !queue_.empty(); }
    /// Whole events as read(2) gives them; -EINVAL if not even one has room.
    std::int32_t take(MutableByteView into);
    /// The next event is lost and told as IN_Q_OVERFLOW.
    void overflow();

    /// Called when the queue was empty and is no more.
    std::function<void()> on_event;

private:
    struct Event {
        int watch;
        std::uint32_t mask;
        std::uint32_t cookie;
        std::string name;
        bool operator==(const Event&) const = default;
    };
    struct Watch {
        int id;
        std::shared_ptr<SimInode> inode;
    };
    void enqueue(Event event);
    static void unmark(SimInode& inode, const SimWatcher* watcher);

    std::size_t queue_max_;
    int next_watch_ = 1;
    std::deque<Event> queue_;
    std::vector<Watch> watches_;
};

}  // namespace logboom::io
