#include "shared/record/max_timestamp.h"

#include "shared/record/batch.h"
#include "shared/record/record_iterator.h"

#include <algorithm>
#include <optional>

namespace logboom::record {

namespace {

/// Nothing if the records do not decode.
std::optional<std::int64_t> largest_of_plain(const BatchView& batch) {
    RecordIterator iterator(batch.payload(), batch.header().records_count);
    RecordView record;
    std::int64_t largest = -1;
    for (;;) {
        const Result<bool> is_there = iterator.next(record);
        std::int64_t timestamp_ms = 0;
        if (!is_there) {
            return std::nullopt;
        }
        if (!*is_there) {
            return largest;
        }
        if (__builtin_add_overflow(
                batch.header().base_timestamp_ms, record.timestamp_delta_ms, &timestamp_ms
            )) {
            return std::nullopt;
        }
        largest = std::max(largest, timestamp_ms);
    }
}

}  // namespace

void fill_max_timestamp(
    const MutableByteView batch, const std::int64_t now_ms, const std::int64_t timestamp_ms_max
) {
    BatchHeader header = decode_batch_header(batch);
    if (header.max_timestamp_ms != -1) {
        return;
    }
    const Result<BatchView> view = BatchView::parse(batch);
    if (!view) {
        return;
    }
    const bool is_plain = view->codec_id() == codec::CodecId::none;
    const std::optional<std::int64_t> largest = is_plain ? largest_of_plain(*view) : now_ms;
    if (!largest || *largest < 0) {
        return;
    }
    header.max_timestamp_ms = std::min(*largest, timestamp_ms_max);
    encode_batch_header(header, batch.data());
    header.crc = compute_batch_crc(batch);
    encode_batch_header(header, batch.data());
}

}  // namespace logboom::record
