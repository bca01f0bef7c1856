#include "collector/ctl/broker_connection.h"

#include "shared/base/limits.h"
#include "shared/kafka/messages/api_versions.h"

#include <algorithm>

namespace logboom::ctl {

Task<Outcome<std::unique_ptr<BrokerConnection>>> BrokerConnection::open(
    Env& env, PeerAddress address, const SteadyTime deadline
) {
    LB_CO_TRY(std::unique_ptr<Conn> conn, co_await connect_to(env, address, deadline));
    std::unique_ptr<BrokerConnection> made(new BrokerConnection(env, address, std::move(conn)));
    const auto learned = co_await made->learn_versions(deadline);
    if (!learned.has_value()) {
        co_await made->close();
        co_return learned.error();
    }
    co_return made;
}

Task<Outcome<Ok>> BrokerConnection::learn_versions(const SteadyTime deadline) {
    // Version 0 is what every broker speaks, and it says all that is needed here.
    kafka::ApiVersionsRequest request;
    ranges_.push_back(Range{static_cast<std::int16_t>(kafka::ApiKey::api_versions), 0, 0});
    LB_CO_TRY(const auto answer, co_await ask<kafka::ApiVersionsResponse>(request, deadline));
    if (answer.body.error_code != kafka::KafkaError::none) {
        co_return failure_of(
            answer.body.error_code, to_string(address_) + " refused to say what it speaks"
        );
    }
    ranges_.clear();
    for (const auto& range : answer.body.api_keys) {
        ranges_.push_back(Range{range.api_key, range.min_version, range.max_version});
    }
    co_return Ok{};
}

Outcome<std::int16_t> BrokerConnection::version_for(
    const kafka::ApiKey api, const std::int16_t min, const std::int16_t max
) const {
    const auto range = std::ranges::find(ranges_, static_cast<std::int16_t>(api), &Range::key);
    if (range == ranges_.end() || range->max < min || range->min > max) {
        return Failure{
            .what = to_string(address_) + " does not speak a version of "
                  + kafka::api_info(api).name + " that this program knows"};
    }
    return std::min(range->max, max);
}

Failure BrokerConnection::broken(const std::string& why) {
    is_broken_ = true;
    return Failure{
        .exit_code = ExitCode::unreachable, .what = to_string(address_) + " (" + why + ")"};
}

Task<Outcome<Slice>> BrokerConnection::exchange(Slice frame, const SteadyTime deadline) {
    const auto sent = co_await conn_->send(std::move(frame));
    if (!sent.has_value()) {
        is_broken_ = true;
        co_return unreachable(address_, sent.error());
    }
    const auto prefix = co_await conn_->peek(kafka::frame_prefix_bytes, deadline);
    if (!prefix.has_value()) {
        is_broken_ = true;
        co_return unreachable(address_, prefix.error());
    }
    const auto size = kafka::decode_frame_size(
        prefix->first(kafka::frame_prefix_bytes), limits::kafka_frame_bytes_max
    );
    if (!size.has_value()) {
        is_broken_ = true;
        co_return unreachable(address_, size.error());
    }
    conn_->consume(kafka::frame_prefix_bytes);
    auto answer = co_await conn_->read_exact(*size, deadline);
    if (!answer.has_value()) {
        is_broken_ = true;
        co_return unreachable(address_, answer.error());
    }
    co_return std::move(*answer);
}

Task<void> BrokerConnection::close() {
    co_await conn_->close();
}

}  // namespace logboom::ctl
