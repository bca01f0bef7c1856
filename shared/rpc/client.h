// A client of one connection that keeps several requests in flight. The peer answers in the order of
// the requests; each answer must carry the correlation id of the oldest open one.
#pragma once

#include "shared/io/env.h"
#include "shared/rpc/frame_io.h"

#include <deque>
#include <memory>
#include <optional>

namespace logboom::rpc {

struct RpcClientOptions {
    FrameLimits limits;                 // of replies
    std::uint32_t in_flight_max = 256;  // requests; `call` answers `busy` above it
    Nanos frame_timeout = 60s;          // for an answer that has begun to arrive
};

//   open ──(any error, refusal, wrong id, stop)──> broken: every open and later call ends with the error
class RpcClient {
public:
    RpcClient(Env& env, std::unique_ptr<Conn> conn, RpcClientOptions options);
    RpcClient(const RpcClient&) = delete;
    RpcClient& operator=(const RpcClient&) = delete;
    /// `stop()` ran, except in a simulated crash.
    ~RpcClient();

    /// Begins to read answers. Called once, before the first `call`.
    void start();

    /// Sends a request and waits for its answer. Requests go out in the order in which the tasks first
    /// run. `header` stays valid until the task ends. `patience` is for a connection on which nothing goes
    /// forward: neither did the kernel take bytes nor has any answer come, since a long request on a slow
    /// line is no reason to give up. After `timed_out` or `cancelled` the answer, when it comes, is passed
    /// over, and the connection stays usable.
    ///
    /// Errors: `busy`; `rejected` if the peer refused with a sentence (`refusal()`); `timed_out`,
    /// `cancelled`; `closed`, `io`, `malformed`, ... when the connection is broken.
    Task<Result<Frame>> call(
        Method method, ByteView header, std::vector<Slice> payload, Nanos patience
    );

    /// Waits until the connection is broken (by the peer, too).
    Task<Result<Ok>> wait_broken();
    [[nodiscard]] bool is_broken() const noexcept { return broken_.has_value(); }
    /// The sentence of the peer's refusal; empty if there was none.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
    [[nodiscard]] std::size_t in_flight() const noexcept { return open_.size(); }

    /// Ends open calls with `closed`, closes the connection. Called once, also after an error.
    Task<void> stop();

private:
    /// Shared by the caller, who may give up, and the list, which keeps the order.
    struct OpenCall {
        OpenCall(io::Scheduler& scheduler, const std::uint32_t id)
            : correlation_id(id)
            , answered(scheduler) {}
        std::uint32_t correlation_id;
        std::optional<Frame> answer;
        io::Event answered;
    };

    Task<void> run_reader();
    Task<Result<Ok>> wait_answered(OpenCall& open, Nanos patience);
    [[nodiscard]] SteadyTime last_progress() const noexcept;
    [[nodiscard]] Result<Ok> accept(Frame frame);
    void break_with(Error error);

    Env& env_;
    std::unique_ptr<Conn> conn_;
    RpcClientOptions options_;
    Scope scope_;
    std::deque<std::shared_ptr<OpenCall>> open_;  // oldest first, at most in_flight_max
    SteadyTime answered_at_{};
    std::optional<Error> broken_;
    std::string refusal_;
    io::Event broken_event_;
    std::uint32_t next_correlation_id_ = 1;
};

}  // namespace logboom::rpc
