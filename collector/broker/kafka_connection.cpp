#include "collector/broker/kafka_connection.h"

#include "collector/broker/dispatch.h"

#include <algorithm>

namespace logboom::broker {

namespace {

constexpr std::uint32_t no_body_bytes = 64u << 10;

}  // namespace

KafkaConnection::KafkaConnection(Broker& broker, const Budgets budgets, Conn& conn)
    : broker_(broker)
    , budgets_(budgets)
    , conn_(conn)
    , changed_(broker.env().scheduler)
    , all_sent_(broker.env().scheduler)
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
    // A producer that is not told of what was appended sends it again: the answers still go out.
    sender_.spawn(abort_when_late(broker_.env().clock.now() + broker_.options.shutdown_timeout));
    co_await sender_.join();
}

Task<void> KafkaConnection::abort_when_late(const SteadyTime deadline) {
    const Result<Ok> sent = co_await all_sent_.wait(deadline);
    if (!sent) {
        conn_.abort();
    }
}

io::ByteSemaphore& KafkaConnection::budget_of(const std::uint32_t frame_bytes) noexcept {
    return frame_bytes <= limits::kafka_small_frame_bytes ? budgets_.small : budgets_.large;
}

/// The frame's bytes are accounted for until its request is done.
Task<Result<Slice>> KafkaConnection::read_frame() {
    const Env& env = broker_.env();
    const SteadyTime idle_until = env.clock.now() + broker_.options.idle_timeout;
    LB_CO_CHECK(co_await conn_.peek(1, idle_until));
    const SteadyTime head_until = env.clock.now() + broker_.options.frame_timeout;
    LB_CO_TRY(const ByteView prefix, co_await conn_.peek(kafka::frame_prefix_bytes, head_until));
    LB_CO_TRY(
        const std::uint32_t size,
        kafka::decode_frame_size(
            prefix.first(kafka::frame_prefix_bytes), limits::kafka_frame_bytes_max
        )
    );
    conn_.consume(kafka::frame_prefix_bytes);
    io::ByteSemaphore& budget = budget_of(size);
    if (budget.used() + size > budget.total() / 2) {
        // Who only announces a large frame gets no share of what others may come to wait for.
        LB_CO_CHECK(co_await conn_.peek(std::min(size, no_body_bytes), head_until));
    }
    LB_CO_CHECK(co_await budget.acquire(size));
    const SteadyTime body_until = env.clock.now() + broker_.options.frame_timeout;
    Result<Slice> frame = co_await conn_.read_exact(size, body_until);
    if (!frame) {
        budget.release(size);
    }
    co_return frame;
}

Task<Result<Ok>> KafkaConnection::wait_for_turn(const bool is_produce) {
    const auto is_our_turn = [this, is_produce] {
        return pending_.empty()
            || (is_produce && is_produce_run_ && pending_.size() < limits::kafka_pipelined_max);
    };
    while (!is_our_turn()) {
        LB_CO_CHECK(co_await changed_.wait());
    }
    is_produce_run_ = is_produce;
    co_return Ok{};
}

Task<Result<Ok>> KafkaConnection::read_requests() {
    for (;;) {
        LB_CO_TRY(Slice frame, co_await read_frame());
        const std::uint32_t frame_bytes = frame.size();
        kafka::Reader body(frame.view());
        const Result<kafka::RequestHeader> header = kafka::decode_request_header(body);
        const bool is_produce = header && header->is(kafka::ApiKey::produce);
        const Result<Ok> turn = co_await wait_for_turn(is_produce);
        if (!turn || !header) {
            budget_of(frame_bytes).release(frame_bytes);
            co_return turn ? header.error() : turn.error();
        }
        auto pending = std::make_shared<Pending>();
        pending->frame_bytes = frame_bytes;
        pending_.push_back(pending);
        Request request(std::move(frame), *header, body);
        // Runs to its first suspension in here, so that appends are queued in the order of requests.
        handlers_.spawn_now(work_on(std::move(pending), std::move(request)));
        co_await io::yield();
    }
}

Task<void> KafkaConnection::work_on(std::shared_ptr<Pending> pending, Request request) {
    pending->reply = co_await dispatch(broker_, std::move(request));
    pending->done = true;
    budget_of(pending->frame_bytes).release(pending->frame_bytes);
    changed_.wake_all();
}

Task<void> KafkaConnection::send_replies() {
    for (;;) {
        if (pending_.empty() && reading_ended_) {
            all_sent_.set();
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
    all_sent_.set();
}

}  // namespace logboom::broker
