#include "shared/kafka/messages/api_versions.h"

#include "collector/broker/dispatch.h"
#include "collector/broker/handlers/handlers.h"

#include <algorithm>

namespace logboom::broker {

namespace {

bool is_alphanumeric(const char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters and digits, with '-' and '.' inside (KIP-511).
bool is_software_word(const std::string_view word) noexcept {
    return !word.empty() && is_alphanumeric(word.front()) && is_alphanumeric(word.back())
        && std::ranges::all_of(word, [](const char c) {
               return is_alphanumeric(c) || c == '-' || c == '.';
           });
}

}  // namespace

Task<Reply> handle_api_versions(Broker& broker, Request request) {
    const auto asked = kafka::ApiVersionsRequest::decode(request.body, request.header.api_version);
    if (!asked) {
        co_return close_because("ApiVersions cannot be read");
    }
    kafka::ApiVersionsResponse response;
    const bool names_its_software = request.header.api_version >= 3;
    if (names_its_software
        && (!is_software_word(asked->client_software_name)
            || !is_software_word(asked->client_software_version))) {
        response.error_code = kafka::KafkaError::invalid_request;
        co_return reply_with(broker.env().pool, request.header, response);
    }
    for (const Route& route : routes()) {
        const kafka::ApiInfo& info = kafka::api_info(route.key);
        kafka::ApiVersionsResponse::ApiRange range;
        range.api_key = static_cast<std::int16_t>(info.key);
        range.min_version = info.advertised_min;
        range.max_version = info.advertised_max;
        response.api_keys.push_back(range);
    }
    co_return reply_with(broker.env().pool, request.header, response);
}

}  // namespace logboom::broker
