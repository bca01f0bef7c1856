#include "collector/broker/dispatch.h"

#include "collector/broker/handlers/handlers.h"
#include "shared/kafka/messages/api_versions.h"

#include <array>

namespace logboom::broker {

namespace {

constexpr std::array<Route, 11> table{{
    {kafka::ApiKey::produce, handle_produce},
    {kafka::ApiKey::fetch, handle_fetch},
    {kafka::ApiKey::list_offsets, handle_list_offsets},
    {kafka::ApiKey::metadata, handle_metadata},
    {kafka::ApiKey::find_coordinator, handle_find_coordinator},
    {kafka::ApiKey::api_versions, handle_api_versions},
    {kafka::ApiKey::create_topics, handle_create_topics},
    {kafka::ApiKey::delete_topics, handle_delete_topics},
    {kafka::ApiKey::init_producer_id, handle_init_producer_id},
    {kafka::ApiKey::describe_configs, handle_describe_configs},
    {kafka::ApiKey::create_partitions, handle_create_partitions},
}};

/// A client that guessed too high a version of ApiVersions is told the right one in the version 0
/// layout, which all can read; closing instead makes many clients loop (gotcha 3).
Reply refuse_api_versions(ChunkPool& pool, kafka::RequestHeader header) {
    const kafka::ApiInfo& info = kafka::api_info(kafka::ApiKey::api_versions);
    kafka::ApiVersionsResponse response;
    response.error_code = kafka::KafkaError::unsupported_version;
    kafka::ApiVersionsResponse::ApiRange range;
    range.api_key = static_cast<std::int16_t>(info.key);
    range.min_version = info.advertised_min;
    range.max_version = info.advertised_max;
    response.api_keys.push_back(range);
    header.api_version = 0;
    return reply_with(pool, header, response);
}

}  // namespace

std::span<const Route> routes() noexcept {
    return table;
}

Reply close_because(std::string why) {
    Reply reply;
    reply.why = std::move(why);
    return reply;
}

Task<Reply> dispatch(Broker& broker, Request request) {
    if (!request.header.is_served()) {
        if (request.header.is(kafka::ApiKey::api_versions)) {
            co_return refuse_api_versions(broker.env().pool, request.header);
        }
        co_return close_because(
            "api " + std::to_string(request.header.api_key) + " version "
            + std::to_string(request.header.api_version) + " is not served"
        );
    }
    for (const Route& route : table) {
        if (route.key == request.header.api->key) {
            Task<Reply> work = route.handler(broker, std::move(request));
            co_return co_await std::move(work);
        }
    }
    co_return close_because(std::string(request.header.api->name) + " has no handler");
}

}  // namespace logboom::broker
