#include "shared/record/batch_checker.h"

#include "shared/record/record_iterator.h"

namespace logboom::record {

namespace {

/// Where magic lies, in the old message sets too.
constexpr std::size_t at_magic = 16;

std::optional<BatchFault> check_extent(const ByteView bytes, const std::size_t size_max) {
    if (bytes.empty()) {
        return BatchFault::empty;
    }
    if (bytes.size() <= at_magic) {
        return BatchFault::truncated;
    }
    // Before the length: several old messages in a row have lengths of another meaning.
    if (bytes[at_magic] != static_cast<std::byte>(batch_magic)) {
        return BatchFault::old_magic;
    }
    const std::uint64_t size = *claimed_batch_size(bytes);
    if (size < limits::batch_header_bytes || size > bytes.size()) {
        return BatchFault::truncated;
    }
    if (size < bytes.size()) {
        return BatchFault::several_batches;
    }
    return size > size_max ? std::optional(BatchFault::too_large) : std::nullopt;
}

std::optional<BatchFault> check_counts(const BatchHeader& header) {
    const bool is_whole = header.records_count > 0
                       && header.last_offset_delta == header.records_count - 1;
    return is_whole ? std::nullopt : std::optional(BatchFault::bad_counts);
}

std::optional<BatchFault> check_producer(const BatchHeader& header, const Door door) {
    if (header.is_marked() != (door == Door::agents)) {
        return BatchFault::wrong_mark;
    }
    const bool has_producer = header.producer_id.value >= 0;
    if (header.is_transactional() && !has_producer) {
        return BatchFault::bad_producer;
    }
    if (has_producer && (header.producer_epoch < 0 || header.base_sequence < 0)) {
        return BatchFault::bad_producer;
    }
    return std::nullopt;
}

std::optional<BatchFault> check_codec(const BatchHeader& header, const bool is_zstd_allowed) {
    constexpr auto zstd = static_cast<std::uint8_t>(codec::CodecId::zstd);
    if (header.codec_bits() > zstd) {
        return BatchFault::unknown_codec;
    }
    if (header.codec_bits() == zstd && !is_zstd_allowed) {
        return BatchFault::zstd_not_allowed;
    }
    return std::nullopt;
}

bool is_in_range(const std::int64_t timestamp_ms, const BatchCheckOptions& options) {
    return timestamp_ms >= options.timestamp_ms_min && timestamp_ms <= options.timestamp_ms_max;
}

/// Some clients leave the largest timestamp at -1; there is nothing to hold against the range then.
std::optional<BatchFault> check_timestamps(
    const BatchHeader& header, const BatchCheckOptions& options
) {
    if (header.has_log_append_time()) {
        return BatchFault::append_time;
    }
    const bool is_max_known = header.max_timestamp_ms != -1;
    if (!is_in_range(header.base_timestamp_ms, options)
        || (is_max_known && !is_in_range(header.max_timestamp_ms, options))) {
        return BatchFault::timestamp_range;
    }
    return std::nullopt;
}

std::optional<BatchFault> check_record(
    const RecordView& record, const BatchHeader& header, const BatchCheckOptions& options
) {
    std::int64_t timestamp_ms = 0;
    if (__builtin_add_overflow(
            header.base_timestamp_ms, record.timestamp_delta_ms, &timestamp_ms
        )) {
        return BatchFault::bad_records;
    }
    if (!is_in_range(timestamp_ms, options)) {
        return BatchFault::timestamp_range;
    }
    HeaderIterator headers(record);
    HeaderView record_header;
    while (true) {
        const Result<bool> more = headers.next(record_header);
        if (!more) {
            return BatchFault::bad_records;
        }
        if (!*more) {
            return std::nullopt;
        }
    }
}

/// Decodes every record: what is accepted blindly poisons each consumer at that offset for ever.
std::optional<BatchFault> check_records(
    const BatchView& batch, const BatchCheckOptions& options, Buffer& scratch
) {
    const Result<ByteView> records = batch.records(scratch);
    if (!records) {
        return BatchFault::bad_records;
    }
    RecordIterator iterator(*records, batch.header().records_count);
    RecordView record;
    for (std::int32_t expected_delta = 0;; ++expected_delta) {
        const Result<bool> more = iterator.next(record);
        if (!more) {
            return BatchFault::bad_records;
        }
        if (!*more) {
            return std::nullopt;
        }
        if (record.offset_delta != expected_delta) {
            return BatchFault::bad_records;
        }
        if (const auto fault = check_record(record, batch.header(), options)) {
            return fault;
        }
    }
}

std::optional<BatchFault> check_header(
    const BatchHeader& header, const BatchCheckOptions& options
) {
    if (const auto fault = check_counts(header)) {
        return fault;
    }
    if (header.is_control()) {
        return BatchFault::control_batch;
    }
    if (const auto fault = check_producer(header, options.door)) {
        return fault;
    }
    if (const auto fault = check_codec(header, options.is_zstd_allowed)) {
        return fault;
    }
    return check_timestamps(header, options);
}

}  // namespace

const char* to_string(const BatchFault fault) noexcept {
    switch (fault) {
    case BatchFault::empty: return "empty";
    case BatchFault::truncated: return "truncated";
    case BatchFault::old_magic: return "old_magic";
    case BatchFault::several_batches: return "several_batches";
    case BatchFault::too_large: return "too_large";
    case BatchFault::bad_crc: return "bad_crc";
    case BatchFault::bad_counts: return "bad_counts";
    case BatchFault::control_batch: return "control_batch";
    case BatchFault::wrong_mark: return "wrong_mark";
    case BatchFault::bad_producer: return "bad_producer";
    case BatchFault::unknown_codec: return "unknown_codec";
    case BatchFault::zstd_not_allowed: return "zstd_not_allowed";
    case BatchFault::append_time: return "append_time";
    case BatchFault::timestamp_range: return "timestamp_range";
    case BatchFault::bad_records: return "bad_records";
    }
    LB_UNREACHABLE("BatchFault");
}

std::variant<BatchView, BatchFault> check_batch(
    const ByteView bytes, const BatchCheckOptions& options, Buffer& scratch
) {
    if (const auto fault = check_extent(bytes, options.size_max)) {
        return *fault;
    }
    const BatchHeader header = decode_batch_header(bytes);
    if (compute_batch_crc(bytes) != header.crc) {
        return BatchFault::bad_crc;
    }
    if (const auto fault = check_header(header, options)) {
        return *fault;
    }
    // What is left for parse() to refuse: offsets and counts that the bytes cannot hold.
    const Result<BatchView> batch = BatchView::parse(bytes, options.size_max);
    if (!batch) {
        return BatchFault::bad_counts;
    }
    if (options.depth == CheckDepth::records) {
        if (const auto fault = check_records(*batch, options, scratch)) {
            return *fault;
        }
    }
    return *batch;
}

}  // namespace logboom::record
