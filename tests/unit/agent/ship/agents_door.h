// The agents' door of a model collector: takes connections as a collector does, answers as a test says, and
// remembers what was asked.
#pragma once

#include "shared/io/tcp_server.h"
#include "shared/rpc/server.h"
#include "tests/unit/agent/model_collector.h"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace logboom::tests {

class AgentsDoor {
public:
    static constexpr std::uint16_t port = 7460;

    AgentsDoor(Env& env, ModelCollector& collector, const std::uint16_t at_port = port)
        : env_(env)
        , collector_(collector)
        , released_(env.scheduler)
        , server_(env, options_of(at_port), [this](Conn& conn) { return serve(conn); }) {
        released_.set();
    }

    Task<Result<Ok>> start() { return server_.start(); }
    Task<void> stop() { return server_.stop(); }

    /// Answers wait until `release`.
    void hold() { released_.reset(); }
    void release() { released_.set(); }
    /// Breaks every connection.
    void cut() {
        for (Conn* const conn : open_) {
            conn->abort();
        }
    }
    [[nodiscard]] std::size_t batches_seen() const {
        std::size_t count = 0;
        for (const auto& request : requests) {
            count += request.size();
        }
        return count;
    }
    /// Where the batches began that came, in their order.
    [[nodiscard]] std::vector<std::uint64_t> begins(const record::Id128& stream) const {
        std::vector<std::uint64_t> begins;
        for (const auto& request : requests) {
            for (const rpc::BatchEnvelope& envelope : request) {
                if (envelope.stream == stream) {
                    begins.push_back(envelope.from);
                }
            }
        }
        return begins;
    }

    /// Says what a batch is answered in place of the model, or nothing.
    std::function<std::optional<rpc::ReplyStatus>(const rpc::BatchEnvelope&)> judge;
    /// Says what a topic's status is in place of `topic_status`.
    std::function<rpc::ReplyStatus(const std::string&)> judge_topic;
    rpc::ReplyStatus hello_status = rpc::ReplyStatus::ok;
    rpc::ReplyStatus topic_status = rpc::ReplyStatus::ok;
    std::uint32_t partition_count = 4;
    std::uint32_t retry_after_ms = 0;
    Nanos clock_ahead{};

    std::vector<rpc::HelloRequest> hellos;
    std::vector<std::vector<rpc::BatchEnvelope>> requests;
    std::vector<std::uint64_t> request_bytes;
    std::size_t pings = 0;
    std::size_t connections = 0;

private:
    class Session final : public rpc::RpcHandler {
    public:
        explicit Session(AgentsDoor& door) noexcept : door_(door) {}
        Task<Result<rpc::RpcReply>> handle(rpc::Frame request) override {
            return door_.answer(std::move(request));
        }

    private:
        AgentsDoor& door_;
    };

    static io::TcpServerOptions options_of(const std::uint16_t at_port) {
        io::TcpServerOptions options;
        options.address.host = "0.0.0.0";
        options.address.port = at_port;
        options.connections_max = 100;
        return options;
    }

    Task<void> serve(Conn& conn) {
        ++connections;
        open_.insert(&conn);
        Session session(*this);
        rpc::RpcServerOptions options;
        options.in_work_max = 100;
        [[maybe_unused]] const auto ended =
            co_await rpc::serve_connection(env_, conn, session, options);
        open_.erase(&conn);
    }

    Task<Result<rpc::RpcReply>> answer(rpc::Frame request) {
        rpc::RpcReply reply;
        switch (request.head.method) {
        case rpc::Method::hello: on_hello(request, reply); break;
        case rpc::Method::ship: on_ship(request, reply); break;
        case rpc::Method::ping:
            ++pings;
            on_ping(reply);
            break;
        }
        LB_CO_CHECK(co_await released_.wait());
        co_return std::move(reply);
    }

    void on_ping(rpc::RpcReply& reply) const {
        rpc::PingReply pong;
        pong.wall_ms = to_unix_ms(env_.clock.wall() + clock_ahead);
        rpc::encode(pong, reply.header);
    }
    void on_hello(const rpc::Frame& request, rpc::RpcReply& reply) {
        const Result<rpc::HelloRequest> hello = rpc::decode_hello_request(request.header.view());
        BOOST_REQUIRE(hello.has_value());
        hellos.push_back(*hello);
        std::vector<std::string> topics;
        for (const rpc::TopicStreams& topic : hello->topics) {
            topics.push_back(topic.topic);
        }
        rpc::HelloReply answered = collector_.positions(topics, partition_count);
        answered.status = hello_status;
        for (rpc::TopicPositions& topic : answered.topics) {
            topic.status = judge_topic ? judge_topic(topic.topic) : topic_status;
        }
        rpc::encode(answered, reply.header);
    }

    void on_ship(const rpc::Frame& request, rpc::RpcReply& reply) {
        const Result<rpc::ShipRequest> ship =
            rpc::decode_ship_request(request.header.view(), request.payload.size());
        BOOST_REQUIRE(ship.has_value());
        requests.push_back(ship->batches);
        request_bytes.push_back(request.payload.size());
        rpc::ShipReply answered;
        answered.retry_after_ms = retry_after_ms;
        std::uint32_t at = 0;
        for (const rpc::BatchEnvelope& envelope : ship->batches) {
            const Slice bytes = request.payload.part(at, envelope.size_bytes);
            at += envelope.size_bytes;
            answered.results.push_back(result_of(envelope, bytes.view()));
        }
        rpc::encode(answered, reply.header);
    }

    rpc::BatchResult result_of(const rpc::BatchEnvelope& envelope, const ByteView bytes) {
        const std::optional<rpc::ReplyStatus> status = judge ? judge(envelope) : std::nullopt;
        if (!status) {
            return collector_.take(envelope, bytes);
        }
        rpc::BatchResult result;
        result.status = *status;
        return result;
    }

    Env& env_;
    ModelCollector& collector_;
    io::Event released_;
    std::set<Conn*> open_;
    io::TcpServer server_;
};

}  // namespace logboom::tests
