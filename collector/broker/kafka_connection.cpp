#include "collector/broker/kafka_connection.h"

#include "collector/broker/dispatch.h"

namespace logboom::broker {

namespace {

// Requests of one connection that are worked on at once. Java keeps 5 in flight, librdkafka many more:
// those wait in the socket.
constexpr std::size_t pipelined_max = 32;
// Frames up to this size do not ask the budget: they must pass while large ones wait for room.
constexpr std::uint32_t small_frame_bytes = 64u << 10;

}  // namespace

KafkaConnection::KafkaConnection(Broker& broker, io::ByteSemaphore& request_budget, Conn& conn)
    : broker_(broker)
    , request_budget_(request_budget)
    , conn_(conn)
    , changed_(broker.env().scheduler)
    , handlers_(broker.env().scheduler)
    , sender_(broker.env().scheduler) {}

Task<void> KafkaConnection::run() {
    sender_.spawn(send_replies());
    const Result<Ok> ended = co_await read_requests();
    if (!ended && ended.code() != ErrorCode::closed && ended.code() != ErrorCode::cancelled) {
        broker_.env().log.info(
            "kafka connection closed",
            {kv("peer", to_string(conn_.peer())), kv("reason", to_string(ended.error()))}
        );
    }
    // Appends are finished: their batches are in the log already. Waiting fetches are cut short.
    reading_ended_ = true;
    handlers_.cancel();
    co_await handlers_.join();
    changed_.wake_all();
    const bool is_stopping = co_await io::is_cancelled();
    if (is_stopping) {
        conn_.abort();
    }
    co_await sender_.join();
}

Task<Result<Slice>> KafkaConnection::read_frame(std::uint64_t& budget_bytes) {
    const Env& env = broker_.env();
    const SteadyTime idle_until = env.clock.now() + broker_.options.idle_timeout;
    LB_CO_CHECK(co_await conn_.peek(1, idle_until));
    const SteadyTime frame_until = env.clock.now() + broker_.options.frame_timeout;
    LB_CO_TRY(const ByteView prefix, co_await conn_.peek(kafka::frame_prefix_bytes, frame_until));
    LB_CO_TRY(
        const std::uint32_t size,
        kafka::decode_frame_size(
            prefix.first(kafka::frame_prefix_bytes), limits::kafka_frame_bytes_max
        )
    );
    conn_.consume(kafka::frame_prefix_bytes);
    if (size > small_frame_bytes) {
        LB_CO_CHECK(co_await request_budget_.acquire(size, frame_until));
        budget_bytes = size;
    }
    Result<Slice> frame = co_await conn_.read_exact(size, frame_until);
    if (!frame && budget_bytes != 0) {
        request_budget_.release(budget_bytes);
        budget_bytes = 0;
    }
    co_return frame;
}

Task<Result<Ok>> KafkaConnection::read_requests() {
    for (;;) {
        while (pending_.size() >= pipelined_max) {
            LB_CO_CHECK(co_await changed_.wait());
        }
        std::uint64_t budget_bytes = 0;
        LB_CO_TRY(Slice frame, co_await read_frame(budget_bytes));
        auto pending = std::make_shared<Pending>();
        pending->budget_bytes = budget_bytes;
        pending_.push_back(pending);
        kafka::Reader body(frame.view());
        const Result<kafka::RequestHeader> header = kafka::decode_request_header(body);
        if (!header) {
            pending->done = true;
            pending->reply = close_because("the request header cannot be read");
            changed_.wake_all();
            co_return header.error();
        }
        Request request(std::move(frame), *header, body);
        // Runs to its first suspension in here, so that appends are queued in the order of requests.
        handlers_.spawn_now(work_on(std::move(pending), std::move(request)));
        co_await io::yield();
    }
}

Task<void> KafkaConnection::work_on(std::shared_ptr<Pending> pending, Request request) {
    pending->reply = co_await dispatch(broker_, std::move(request));
    pending->done = true;
    if (pending->budget_bytes != 0) {
        request_budget_.release(pending->budget_bytes);
    }
    changed_.wake_all();
}

Task<void> KafkaConnection::send_replies() {
    for (;;) {
        if (pending_.empty() && reading_ended_) {
            co_return;
        }
        if (pending_.empty() || !pending_.front()->done) {
            co_await changed_.wait_uncancelled();
            continue;
        }
        const std::shared_ptr<Pending> next = pending_.front();
        if (next->reply.then == Reply::Then::send) {
            const Result<Ok> sent = co_await conn_.send(std::move(next->reply.pieces));
            if (!sent) {
                break;
            }
        } else if (next->reply.then == Reply::Then::close) {
            if (!next->reply.why.empty()) {
                broker_.env().log.info(
                    "kafka connection is closed by us",
                    {kv("peer", to_string(conn_.peer())), kv("reason", next->reply.why)}
                );
            }
            break;
        }
        pending_.pop_front();
        changed_.wake_all();
    }
    // Nothing more can be said: the reading side learns it by the end of its stream.
    conn_.abort();
    while (!reading_ended_) {
        pending_.clear();
        changed_.wake_all();
        co_await changed_.wait_uncancelled();
    }
    pending_.clear();
}

}  // namespace logboom::broker
