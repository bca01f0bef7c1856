#include "collector/ctl/printable.h"
#include "collector/ctl/record_format.h"
#include "shared/json/json_writer.h"

#include <algorithm>

namespace logboom::ctl {

namespace {

using json::JsonWriter;

std::string json_time(const std::int64_t nanos, const bool has_nanos) {
    return format_time(
        nanos, has_nanos ? TimeFormat::rfc3339ns : TimeFormat::rfc3339, TimeZone::utc
    );
}

/// Text as it is shown and, if that loses bytes, the exact bytes besides.
void write_text(JsonWriter& json, const std::string& name, const std::string_view text) {
    json.text_field(name, as_utf8(text));
    if (!is_utf8(text)) {
        json.text_field(name + "_b64", to_base64(as_bytes(text)));
    }
}

void write_header_text(
    JsonWriter& json, const RecordRow& row, const std::string& name, const std::string_view header
) {
    if (const auto value = row.header(header); value.has_value()) {
        write_text(json, name, *value);
    }
}

void write_header_number(
    JsonWriter& json,
    const RecordRow& row,
    const std::string_view name,
    const std::string_view header
) {
    if (const auto value = row.number(header); value.has_value()) {
        json.number_field(name, *value);
    }
}

void write_severity(JsonWriter& json, const RecordRow& row) {
    const auto severity = row.number("lb.sev");
    if (!severity.has_value()) {
        return;
    }
    json.number_field("severity", *severity);
    if (const char* const name = level_name(*severity); name != nullptr) {
        json.text_field("level", name);
    }
}

void write_fields(JsonWriter& json, const RecordRow& row) {
    constexpr std::string_view prefix = "lb.f.";
    json.key("fields");
    json.begin_object();
    for (const RowHeader& header : row.headers) {
        if (header.key.starts_with(prefix) && header.value.has_value()) {
            write_text(json, as_utf8(header.key.substr(prefix.size())), as_text(*header.value));
        }
    }
    json.end_object();
}

/// Headers that are not ours: those of other producers.
void write_other_headers(JsonWriter& json, const RecordRow& row) {
    const auto is_other = [](const RowHeader& header) { return !header.key.starts_with("lb."); };
    if (std::ranges::none_of(row.headers, is_other)) {
        return;
    }
    json.key("headers");
    json.begin_object();
    for (const RowHeader& header : row.headers) {
        if (!is_other(header)) {
            continue;
        }
        if (header.value.has_value()) {
            write_text(json, as_utf8(header.key), as_text(*header.value));
        } else {
            json.key(as_utf8(header.key));
            json.null();
        }
    }
    json.end_object();
}

void write_key(JsonWriter& json, const RecordRow& row) {
    if (row.key.has_value()) {
        write_text(json, "key", as_text(*row.key));
    } else {
        json.key("key");
        json.null();
    }
}

}  // namespace

std::string to_json(const RecordRow& row) {
    JsonWriter json;
    json.begin_object();
    json.text_field("address", as_utf8(row.address()));
    json.text_field("topic", as_utf8(row.topic));
    json.number_field("partition", row.partition);
    json.number_field("offset", row.offset);
    json.text_field("ts", json_time(row.time_nanos(), row.has_nanos()));
    // As text: nanoseconds exceed the integers that browsers and jq keep exact.
    json.text_field("ts_ns", std::to_string(row.time_nanos()));
    if (const auto observed = row.number("lb.obs_ns"); observed.has_value()) {
        json.text_field("observed_ts", json_time(*observed, true));
    }
    write_header_text(json, row, "host", "lb.host");
    write_header_text(json, row, "source", "lb.src");
    write_header_text(json, row, "path", "lb.path");
    write_header_text(json, row, "unit", "lb.unit");
    write_header_text(json, row, "app", "lb.app");
    write_header_number(json, row, "pid", "lb.pid");
    write_severity(json, row);
    write_header_number(json, row, "facility", "lb.fac");
    write_text(json, "msg", row.text());
    write_fields(json, row);
    write_header_text(json, row, "agent", "lb.agent");
    write_other_headers(json, row);
    write_key(json, row);
    json.key("truncated");
    json.boolean(row.header("lb.trunc").has_value());
    json.end_object();
    return json.take();
}

}  // namespace logboom::ctl
