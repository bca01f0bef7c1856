#include "collector/ctl/record_row.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace logboom::ctl {

std::optional<std::string_view> RecordRow::header(const std::string_view name) const noexcept {
    for (const RowHeader& header : headers) {
        if (header.key == name && header.value.has_value()) {
            return as_text(*header.value);
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> RecordRow::number(const std::string_view name) const noexcept {
    const auto text = header(name);
    if (!text.has_value()) {
        return std::nullopt;
    }
    std::int64_t found = 0;
    const char* const end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, found);
    return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(found) : std::nullopt;
}

std::int64_t RecordRow::time_nanos() const noexcept {
    constexpr std::int64_t ms_max = INT64_MAX / 1'000'000;
    const std::int64_t ms = std::clamp(timestamp_ms, -ms_max, ms_max);
    return number("lb.ts_ns").value_or(ms * 1'000'000);
}

std::string RecordRow::address() const {
    return std::string(topic) + "/" + std::to_string(partition) + "@" + std::to_string(offset);
}

const char* level_name(const std::int64_t severity) noexcept {
    constexpr std::array names = {
        "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"};
    const bool is_known = severity >= 0 && severity < static_cast<std::int64_t>(names.size());
    return is_known ? names[static_cast<std::size_t>(severity)] : nullptr;
}

Result<Ok> fill_row(
    const record::BatchHeader& batch, const record::RecordView& record, RecordRow& row
) {
    row.offset = batch.base_offset.value + record.offset_delta;
    row.timestamp_ms = batch.max_timestamp_ms;
    if (!batch.has_log_append_time()
        && __builtin_add_overflow(
            batch.base_timestamp_ms, record.timestamp_delta_ms, &row.timestamp_ms
        )) {
        return Error{ErrorCode::malformed, 0, "time of a record"};
    }
    row.key = record.key;
    row.value = record.value;
    row.headers.clear();
    record::HeaderIterator headers(record);
    record::HeaderView header;
    for (;;) {
        LB_TRY(const bool has_header, headers.next(header));
        if (!has_header) {
            return Ok{};
        }
        row.headers.push_back(RowHeader{as_text(header.key), header.value});
    }
}

}  // namespace logboom::ctl
