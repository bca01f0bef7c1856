// What stands before the body of a request and of a response, and around both.
#pragma once

#include "shared/base/result.h"
#include "shared/kafka/api.h"
#include "shared/kafka/reader.h"
#include "shared/kafka/writer.h"

#include <cstdint>
#include <string_view>

namespace logboom::kafka {

inline constexpr std::size_t frame_prefix_bytes = 4;

/// The size of the frame that follows its first four bytes.
///
/// Errors: `malformed` if no Kafka client sent this (a negative size, a TLS hello, HTTP), with a step that
/// names what it looks like; `too_large` above `bytes_max`. Either way the connection is closed.
[[nodiscard]] Result<std::uint32_t> decode_frame_size(ByteView prefix, std::uint32_t bytes_max);

/// Request header v1 or v2, as the API's version demands.
struct RequestHeader {
    std::int16_t api_key = 0;
    std::int16_t api_version = 0;
    std::int32_t correlation_id = 0;
    std::string_view client_id;    ///< borrowed from the frame; empty also for null
    const ApiInfo* api = nullptr;  ///< null for a key we do not know

    /// False: the body cannot be read. ApiVersions is then answered with UNSUPPORTED_VERSION in its
    /// version 0, everything else by closing the connection.
    [[nodiscard]] bool is_served() const noexcept {
        return api != nullptr && api->serves(api_version);
    }
    [[nodiscard]] bool is(const ApiKey key) const noexcept {
        return api_key == static_cast<std::int16_t>(key);
    }
};

/// Leaves `reader` at the body. Of a request that is not served only the fields up to the client's id
/// are read: what follows has a shape that we do not know.
[[nodiscard]] Result<RequestHeader> decode_request_header(Reader& reader);

/// Tagged fields are not sent.
void encode_request_header(
    Writer& writer,
    ApiKey key,
    std::int16_t version,
    std::int32_t correlation_id,
    std::string_view client_id
);

/// The correlation id; leaves `reader` at the body.
[[nodiscard]] Result<std::int32_t> decode_response_header(
    Reader& reader, ApiKey key, std::int16_t version
);

/// Header v1 for flexible versions, v0 for others and for ApiVersions whatever its version.
void encode_response_header(
    Writer& writer, ApiKey key, std::int16_t version, std::int32_t correlation_id
);

/// A whole frame: size, header and body of any generated request.
template <typename Request>
void encode_request(
    Writer& writer,
    const Request& request,
    const std::int16_t version,
    const std::int32_t correlation_id,
    const std::string_view client_id
) {
    const std::size_t frame = writer.begin_frame();
    encode_request_header(writer, Request::api, version, correlation_id, client_id);
    request.encode(writer, version);
    writer.end_frame(frame);
}

/// A whole frame of any generated response. Its size counts spliced bytes (Writer::splices).
template <typename Response>
void encode_response(
    Writer& writer,
    const Response& response,
    const std::int16_t version,
    const std::int32_t correlation_id
) {
    const std::size_t frame = writer.begin_frame();
    encode_response_header(writer, Response::api, version, correlation_id);
    response.encode(writer, version);
    writer.end_frame(frame);
}

}  // namespace logboom::kafka
