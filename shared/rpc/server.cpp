#include "shared/rpc/server.h"

#include <utility>

namespace logboom::rpc {
namespace {

class Session {
public:
    Session(Env& env, Conn& conn, RpcHandler& handler, const RpcServerOptions options)
        : env_(env)
        , conn_(conn)
        , handler_(handler)
        , options_(options)
        , room_(env.scheduler)
        , turn_(env.scheduler)
        , scope_(env.scheduler) {}

    Task<Result<Ok>> run() {
        const auto ended = co_await read_requests();
        scope_.cancel();
        co_await scope_.join();
        if (failed_.has_value()) {
            co_return *failed_;
        }
        if (!ended.has_value() && ended.code() != ErrorCode::closed) {
            co_return ended.error();
        }
        co_return Ok{};
    }

private:
    struct Work {
        FrameHead head;
        std::optional<Frame> request;
        std::optional<RpcReply> reply;
        std::uint64_t number = 0;
    };

    Task<Result<Ok>> read_requests() {
        while (true) {
            LB_CO_TRY(Frame frame, co_await read_frame(env_, conn_, options_.read));
            if (frame.head.kind != FrameKind::request) {
                co_return Error{ErrorCode::malformed, 0, "no request"};
            }
            while (!failed_.has_value() && open_.size() >= options_.in_work_max) {
                LB_CO_CHECK(co_await room_.wait());
            }
            if (failed_.has_value()) {
                co_return *failed_;
            }
            const auto work = std::make_shared<Work>();
            work->head = frame.head;
            work->request.emplace(std::move(frame));
            work->number = received_++;
            open_.push_back(work);
            scope_.spawn(run_work(work));
        }
    }

    Task<void> run_work(const std::shared_ptr<Work> work) {
        // Tasks become ready in the scheduler's order; handlers begin in the order of the requests.
        while (work->number != begun_) {
            const auto turn = co_await turn_.wait();
            if (!turn.has_value()) {
                co_return;
            }
        }
        ++begun_;
        turn_.wake_all();
        Frame request = std::move(*work->request);
        work->request.reset();
        auto reply = co_await handler_.handle(std::move(request));
        if (!reply.has_value()) {
            fail(reply.error());
            co_return;
        }
        work->reply.emplace(std::move(*reply));
        co_await send_ready();
    }

    /// Sends what is ready from the oldest request on; one task at a time does it.
    Task<void> send_ready() {
        if (is_sending_) {
            co_return;
        }
        is_sending_ = true;
        while (!failed_.has_value() && !open_.empty() && open_.front()->reply.has_value()) {
            const std::shared_ptr<Work> work = open_.front();
            const auto sent = co_await send_reply(*work);
            if (!sent.has_value()) {
                fail(sent.error());
                break;
            }
            open_.pop_front();
            room_.wake_one();
        }
        is_sending_ = false;
    }

    Task<Result<Ok>> send_reply(Work& work) {
        RpcReply& reply = *work.reply;
        FrameHead head = work.head;
        if (!reply.refusal.empty()) {
            LB_CO_CHECK(co_await send_refusal(conn_, head, std::move(reply.refusal)));
            co_return Error{ErrorCode::rejected, 0, "request refused"};
        }
        head.kind = FrameKind::reply;
        const ByteView header = reply.header.view();
        co_return co_await send_frame(conn_, head, header, std::move(reply.payload));
    }

    /// Ends the reading side, which ends the session. What was queued before still goes out.
    void fail(const Error error) {
        if (!failed_.has_value()) {
            failed_ = error;
            scope_.cancel();
            conn_.abort();
            room_.wake_all();
        }
    }

    Env& env_;
    Conn& conn_;
    RpcHandler& handler_;
    RpcServerOptions options_;
    std::deque<std::shared_ptr<Work>> open_;  // oldest first, at most in_work_max
    std::uint64_t received_ = 0;
    std::uint64_t begun_ = 0;
    bool is_sending_ = false;
    std::optional<Error> failed_;
    io::WaitQueue room_;
    io::WaitQueue turn_;
    Scope scope_;
};

}  // namespace

Task<Result<Ok>> serve_connection(
    Env& env, Conn& conn, RpcHandler& handler, const RpcServerOptions options
) {
    Session session(env, conn, handler, options);
    co_return co_await session.run();
}

}  // namespace logboom::rpc
