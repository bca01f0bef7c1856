// Operations that end when somebody else does something: a peer, or a directory that is watched. Each is
// tried, and when it would block tried again after epoll has told of its descriptor.
//
//   due <──────────────> waiting
//    │  it would block /   its descriptor is named in `idle`'s registration
//    v  an event
//   over
//
// Events are edges (EPOLLET) and only hints: whoever is told once too often tries once too often. So a
// descriptor needs one registration however many operations come and go, one that is closed behind our back
// does no harm, and data that nobody takes does not keep the loop awake.
#pragma once

#include "shared/io/intrusive_list.h"
#include "shared/io/op.h"

#include <functional>
#include <map>
#include <vector>

namespace logboom::io {

class EpollWaits {
public:
    using OnEnd = std::function<void(Op&, std::int32_t res)>;

    /// `on_end` is called once for each operation, inside `try_due` only.
    EpollWaits(OnEnd on_end, std::size_t receive_buffer_bytes);
    EpollWaits(const EpollWaits&) = delete;
    EpollWaits& operator=(const EpollWaits&) = delete;
    ~EpollWaits();

    /// `wake_fd` ends a `wait` when it becomes readable. 0 or -errno.
    [[nodiscard]] std::int32_t open(int wake_fd);

    /// Takes an accept_multi, connect_tcp, recv_multi, recv, recv_some, sendmsg, or a read of a stream. It is
    /// tried by the next `try_due`.
    void add(Op& op);
    /// Ends it at the next `try_due`, with -ECANCELED or the part that is done. False: it is none of ours.
    [[nodiscard]] bool cancel(const Op& op);
    /// The descriptor is about to be closed: what waits on it ends as if it were cancelled. An operation must
    /// never meet the next file of the same number.
    void forget(int fd);

    [[nodiscard]] bool has_due() const noexcept { return !due_.empty(); }
    /// Collects events; waits for the first up to `timeout_ms`, -1: for ever.
    void wait(int timeout_ms);
    void try_due();

private:
    struct Wait : ListNode {
        Op* op = nullptr;
        int fd = -1;             // of a connect: its own, once there is one
        std::uint32_t done = 0;  // bytes received or sent
        bool is_cancelled = false;
    };
    struct Descriptor {
        std::vector<Wait*> waits;
        bool is_registered = false;
    };
    enum class Progress : std::uint8_t { over, blocked, goes_on };
    struct Outcome {
        Progress progress;
        std::int32_t res = 0;  // of one that is over
    };

    void attach(Wait& wait, int fd);
    void make_due(Wait& wait);
    void try_one(Wait& wait);
    void end(Wait& wait, std::int32_t res);
    [[nodiscard]] std::int32_t register_fd(int fd);
    [[nodiscard]] static std::int32_t cancelled_result(const Wait& wait) noexcept;

    [[nodiscard]] Outcome run(Wait& wait);
    [[nodiscard]] static Outcome accept_some(Wait& wait);
    [[nodiscard]] Outcome connect(Wait& wait);
    [[nodiscard]] Outcome receive_some(Wait& wait);
    [[nodiscard]] static Outcome receive_all(Wait& wait);
    [[nodiscard]] static Outcome receive_once(const Wait& wait);
    [[nodiscard]] static Outcome send_all(Wait& wait);
    [[nodiscard]] static Outcome outcome_of(std::int32_t failure, std::uint32_t done) noexcept;

    OnEnd on_end_;
    std::vector<std::byte> receive_buffer_;
    int epoll_fd_ = -1;
    int wake_fd_ = -1;
    std::map<const Op*, Wait> waits_;
    std::map<int, Descriptor> descriptors_;  // those with waits
    IntrusiveList<Wait> due_;
};

}  // namespace logboom::io
