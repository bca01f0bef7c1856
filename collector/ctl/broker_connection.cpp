#include "collector/ctl/broker_connection.h"

#include "shared/base/limits.h"
#include "shared/kafka/messages/api_versions.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace logboom::ctl {

namespace {

/// The reason as people know it from other tools.
std::string reason_of(const Error& error) {
    switch (error.code) {
    case ErrorCode::timed_out: return "timed out";
    case ErrorCode::not_found: return "no such host";
    case ErrorCode::closed: return "the peer closed the connection";
    case ErrorCode::malformed: return error.step;
    default: break;  // for the rest the kernel's reason says most
    }
    if (error.sys_errno == ECONNREFUSED) {
        return "connection refused";
    }
    return error.sys_errno != 0 ? std::string(strerror(error.sys_errno)) : to_string(error);
}

Failure unreachable(const BrokerAddress& address, const Error& error) {
    return Failure{
        .exit_code = error.code == ErrorCode::cancelled ? ExitCode::interrupted
                                                        : ExitCode::unreachable,
        .what = to_string(address) + " (" + reason_of(error) + ")"};
}

}  // namespace

std::string to_string(const BrokerAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::optional<BrokerAddress> parse_broker_address(std::string_view text) {
    BrokerAddress address;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        address.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        const std::size_t colon = text.rfind(':');
        address.host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    if (!port.empty()) {
        const char* const end = port.data() + port.size();
        const auto parsed = std::from_chars(port.data() + 1, end, address.port);
        if (port.front() != ':' || parsed.ec != std::errc() || parsed.ptr != end
            || address.port == 0) {
            return std::nullopt;
        }
    }
    return address.host.empty() ? std::nullopt : std::optional(std::move(address));
}

Task<Outcome<std::unique_ptr<BrokerConnection>>> BrokerConnection::open(
    Env& env, BrokerAddress address, const SteadyTime deadline
) {
    const auto hosts = co_await env.net.resolve(address.host, deadline);
    if (!hosts.has_value()) {
        co_return unreachable(address, hosts.error());
    }
    Error last{ErrorCode::not_found, 0, "resolve"};
    for (const std::string& host : *hosts) {
        SocketAddress peer{host, address.port};
        auto conn = co_await env.net.connect(std::move(peer), deadline);
        if (!conn.has_value()) {
            last = conn.error();
            continue;
        }
        std::unique_ptr<BrokerConnection> made(new BrokerConnection(env, address, std::move(*conn))
        );
        const auto learned = co_await made->learn_versions(deadline);
        if (!learned.has_value()) {
            co_await made->close();
            co_return learned.error();
        }
        co_return made;
    }
    co_return unreachable(address, last);
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
