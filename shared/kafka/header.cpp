#include "shared/kafka/header.h"

namespace logboom::kafka {

namespace {

/// ApiVersions answers in header v0 always: its reader may not know yet what we speak.
bool is_response_header_flexible(const ApiKey key, const std::int16_t version) noexcept {
    return key != ApiKey::api_versions && api_info(key).is_flexible(version);
}

}  // namespace

Result<std::uint32_t> decode_frame_size(const ByteView prefix, const std::uint32_t bytes_max) {
    LB_ASSERT(prefix.size() == frame_prefix_bytes);
    const std::string_view text = as_text(prefix);
    // Both are valid sizes of some 300 MB and 1 GB: told apart because operators mix up ports.
    if (text.starts_with("\x16\x03")) {
        return Error{ErrorCode::malformed, 0, "this looks like a TLS hello, not like Kafka"};
    }
    if (text == "GET " || text == "POST" || text == "HEAD" || text == "PUT ") {
        return Error{ErrorCode::malformed, 0, "this looks like HTTP, not like Kafka"};
    }
    Reader reader(prefix);
    const std::int32_t size = reader.i32();
    if (size < 0) {
        return Error{ErrorCode::malformed, 0, "a frame's size is negative"};
    }
    if (static_cast<std::uint32_t>(size) > bytes_max) {
        return Error{ErrorCode::too_large, 0, "a frame is over the limit"};
    }
    return static_cast<std::uint32_t>(size);
}

Result<RequestHeader> decode_request_header(Reader& reader) {
    RequestHeader header;
    header.api_key = reader.i16();
    header.api_version = reader.i16();
    header.correlation_id = reader.i32();
    // In classic form in every version of the header: brokers read it before they know the version.
    header.client_id = reader.nullable_string(Form::classic).value_or(std::string_view{});
    header.api = find_api(header.api_key);
    if (header.is_served() && header.api->is_flexible(header.api_version)) {
        reader.skip_tags();
    }
    if (reader.failed()) {
        return reader.error();
    }
    return header;
}

void encode_request_header(
    Writer& writer,
    const ApiKey key,
    const std::int16_t version,
    const std::int32_t correlation_id,
    const std::string_view client_id
) {
    writer.i16(static_cast<std::int16_t>(key));
    writer.i16(version);
    writer.i32(correlation_id);
    writer.string(client_id, Form::classic);
    if (api_info(key).is_flexible(version)) {
        writer.no_tags();
    }
}

Result<std::int32_t> decode_response_header(
    Reader& reader, const ApiKey key, const std::int16_t version
) {
    const std::int32_t correlation_id = reader.i32();
    if (is_response_header_flexible(key, version)) {
        reader.skip_tags();
    }
    if (reader.failed()) {
        return reader.error();
    }
    return correlation_id;
}

void encode_response_header(
    Writer& writer, const ApiKey key, const std::int16_t version, const std::int32_t correlation_id
) {
    writer.i32(correlation_id);
    if (is_response_header_flexible(key, version)) {
        writer.no_tags();
    }
}

}  // namespace logboom::kafka
