// Frames over a connection.
#pragma once

#include "shared/io/env.h"
#include "shared/rpc/frame.h"

#include <vector>

namespace logboom::rpc {

/// Bytes of a budget that a received frame holds until it dies. The budget outlives it.
class FrameRoom {
public:
    FrameRoom() = default;
    FrameRoom(io::ByteSemaphore& budget, const std::uint64_t bytes) noexcept
        : budget_(&budget)
        , bytes_(bytes) {}
    FrameRoom(FrameRoom&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr))
        , bytes_(other.bytes_) {}
    FrameRoom& operator=(FrameRoom&& other) noexcept {
        std::swap(budget_, other.budget_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~FrameRoom() {
        if (budget_ != nullptr) {
            budget_->release(bytes_);
        }
    }

private:
    io::ByteSemaphore* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
};

struct Frame {
    FrameHead head;
    Slice header;   // Protobuf
    Slice payload;  // raw
    FrameRoom room;
};

struct FrameReadOptions {
    FrameLimits limits;
    /// How long the first byte may take; zero: for ever.
    Nanos idle_timeout = Nanos::zero();
    /// How long the rest may take once it has come.
    Nanos frame_timeout = 60s;
    /// What bounds the bytes of all frames of a door together; reading waits for room. May be null.
    io::ByteSemaphore* budget = nullptr;
};

/// Reads one frame. `conn` and the budget outlive the task; one task reads a connection at a time.
///
/// Errors: `closed` at the end of the stream between two frames; `malformed` if it ends inside one,
/// and those of `decode_frame_head`, after which a refusal has been sent and the connection is of no
/// more use; `timed_out`, `cancelled`, `io`.
Task<Result<Frame>> read_frame(Env& env, Conn& conn, FrameReadOptions options);

/// Sends one frame: `header` is copied, the pieces of `payload` are not. Frames go out whole and in
/// the order of the first run of the tasks. Lengths in `head` are filled in.
/// Errors: those of Conn::send; `too_large` if a part is above the limits of a frame.
Task<Result<Ok>> send_frame(
    Conn& conn, FrameHead head, ByteView header, std::vector<Slice> payload
);

/// Tells the peer why it is not served; the caller closes afterwards.
Task<Result<Ok>> send_refusal(Conn& conn, FrameHead head, std::string sentence);

}  // namespace logboom::rpc
