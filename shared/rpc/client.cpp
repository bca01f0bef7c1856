#include "shared/rpc/client.h"

#include <algorithm>
#include <utility>

namespace logboom::rpc {

RpcClient::RpcClient(Env& env, std::unique_ptr<Conn> conn, const RpcClientOptions options)
    : env_(env)
    , conn_(std::move(conn))
    , options_(options)
    , scope_(env.scheduler)
    , broken_event_(env.scheduler) {}

RpcClient::~RpcClient() = default;

void RpcClient::start() {
    scope_.spawn(run_reader());
}

Task<Result<Frame>> RpcClient::call(
    const Method method, const ByteView header, std::vector<Slice> payload, const Nanos patience
) {
    if (broken_.has_value()) {
        co_return *broken_;
    }
    if (open_.size() >= options_.in_flight_max) {
        co_return Error{ErrorCode::busy, 0, "requests in flight"};
    }
    const auto open = std::make_shared<OpenCall>(env_.scheduler, next_correlation_id_++);
    open_.push_back(open);
    FrameHead head;
    head.method = method;
    head.correlation_id = open->correlation_id;
    const auto sent = co_await send_frame(*conn_, head, header, std::move(payload));
    if (!sent.has_value()) {
        // Part of the frame may be under way: nothing sensible can follow it.
        break_with(sent.error());
        co_return sent.error();
    }
    const auto waited = co_await wait_answered(*open, patience);
    if (open->answer.has_value()) {
        co_return std::move(*open->answer);
    }
    if (broken_.has_value()) {
        co_return *broken_;
    }
    co_return waited.error();
}

SteadyTime RpcClient::last_progress() const noexcept {
    return std::max(conn_->last_sent_at(), answered_at_);
}

Task<Result<Ok>> RpcClient::wait_answered(OpenCall& open, const Nanos patience) {
    for (;;) {
        const SteadyTime deadline = last_progress() + patience;
        const auto waited = co_await open.answered.wait(deadline);
        const bool has_timed_out = !waited.has_value() && waited.code() == ErrorCode::timed_out;
        const bool is_going_forward = last_progress() + patience > deadline;
        if (!has_timed_out || !is_going_forward) {
            co_return waited;
        }
    }
}

Task<void> RpcClient::run_reader() {
    FrameReadOptions read;
    read.limits = options_.limits;
    read.frame_timeout = options_.frame_timeout;
    while (!broken_.has_value()) {
        auto frame = co_await read_frame(env_, *conn_, read);
        if (!frame.has_value()) {
            break_with(frame.error());
            co_return;
        }
        const Result<Ok> accepted = accept(std::move(*frame));
        if (!accepted.has_value()) {
            break_with(accepted.error());
        }
    }
}

Result<Ok> RpcClient::accept(Frame frame) {
    if (frame.head.kind == FrameKind::refusal) {
        refusal_ = quoted(as_text(frame.payload.view()));
        return Error{ErrorCode::rejected, 0, "refused by the peer"};
    }
    if (frame.head.kind != FrameKind::reply || open_.empty()
        || open_.front()->correlation_id != frame.head.correlation_id) {
        return Error{ErrorCode::malformed, 0, "answer to no open request"};
    }
    answered_at_ = env_.clock.now();
    const std::shared_ptr<OpenCall> open = std::move(open_.front());
    open_.pop_front();
    open->answer.emplace(std::move(frame));
    open->answered.set();
    return Ok{};
}

void RpcClient::break_with(const Error error) {
    if (broken_.has_value()) {
        return;
    }
    broken_ = error;
    for (const std::shared_ptr<OpenCall>& open : open_) {
        open->answered.set();
    }
    open_.clear();
    broken_event_.set();
    conn_->abort();
}

Task<Result<Ok>> RpcClient::wait_broken() {
    co_return co_await broken_event_.wait();
}

Task<void> RpcClient::stop() {
    break_with(Error{ErrorCode::closed, 0, "client stopped"});
    scope_.cancel();
    co_await scope_.join();
    co_await conn_->close();
}

}  // namespace logboom::rpc
