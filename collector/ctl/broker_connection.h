// One connection to one broker, which answers one request at a time.
#pragma once

#include "collector/ctl/connect.h"
#include "shared/kafka/header.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace logboom::ctl {

/// A response and the frame that it borrows from.
template <typename Response>
struct Answer {
    Answer(Slice bytes, Response response) : frame(std::move(bytes)), body(std::move(response)) {}
    Slice frame;
    Response body;
};

/// `close()` is awaited before the object dies.
class BrokerConnection {
public:
    /// Connects and asks what the broker speaks. Failures name the address and the reason.
    static Task<Outcome<std::unique_ptr<BrokerConnection>>> open(
        Env& env, PeerAddress address, SteadyTime deadline
    );

    /// Asks in the highest version that both sides speak. `request` outlives the task. After a failure
    /// that is not about versions the connection is of no further use (`is_broken`).
    template <typename Response, typename Request>
    Task<Outcome<Answer<Response>>> ask(const Request& request, const SteadyTime deadline) {
        LB_CO_TRY(
            const std::int16_t version,
            version_for(Request::api, Request::version_min, Request::version_max)
        );
        Buffer out;
        kafka::Writer writer(out);
        const std::int32_t correlation_id = ++correlation_id_;
        kafka::encode_request(writer, request, version, correlation_id, client_id);
        Slice piece = env_.pool.copy_of(out.view());
        LB_CO_TRY(Slice frame, co_await exchange(std::move(piece), deadline));
        kafka::Reader reader(frame.view());
        const auto echoed = kafka::decode_response_header(reader, Request::api, version);
        if (!echoed.has_value() || *echoed != correlation_id) {
            co_return broken("answered something else than was asked");
        }
        auto decoded = Response::decode(reader, version);
        if (!decoded.has_value()) {
            co_return broken(to_string(decoded.error()));
        }
        co_return Answer<Response>(std::move(frame), std::move(*decoded));
    }

    [[nodiscard]] const PeerAddress& address() const noexcept { return address_; }
    [[nodiscard]] bool is_broken() const noexcept { return is_broken_; }
    Task<void> close();

private:
    static constexpr const char* client_id = "logboomctl";

    struct Range {
        std::int16_t key = 0;
        std::int16_t min = 0;
        std::int16_t max = 0;
    };

    BrokerConnection(Env& env, PeerAddress address, std::unique_ptr<Conn> conn)
        : env_(env)
        , address_(std::move(address))
        , conn_(std::move(conn)) {}

    Task<Outcome<Ok>> learn_versions(SteadyTime deadline);
    /// Sends a whole frame and returns the next one, without its size.
    Task<Outcome<Slice>> exchange(Slice frame, SteadyTime deadline);
    [[nodiscard]] Outcome<std::int16_t> version_for(
        kafka::ApiKey api, std::int16_t min, std::int16_t max
    ) const;
    [[nodiscard]] Failure broken(const std::string& why);

    Env& env_;
    PeerAddress address_;
    std::unique_ptr<Conn> conn_;
    std::vector<Range> ranges_;
    std::int32_t correlation_id_ = 0;
    bool is_broken_ = false;
};

}  // namespace logboom::ctl
