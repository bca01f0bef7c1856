#include "shared/base/limits.h"
#include "shared/codec/byte_reader.h"
#include "shared/record/batch.h"
#include "shared/record/record_iterator.h"
#include "shared/record/source_cursor.h"

#include <algorithm>

namespace logboom::record {

namespace {

constexpr Error malformed{ErrorCode::malformed, 0, "first record of a marked batch"};

/// A line of the largest size with all its headers and fields.
constexpr std::size_t first_record_bytes_max = limits::line_bytes_max
                                             + limits::record_headers_bytes_max + 64;

/// At least the first `size_wanted` bytes of the records, or all of them.
Result<ByteView> records_prefix(
    const BatchView& batch, const std::size_t size_wanted, Buffer& scratch
) {
    if (batch.codec_id() == codec::CodecId::none) {
        return batch.payload();
    }
    if (batch.codec_id() != codec::CodecId::lz4) {
        return Error{ErrorCode::unsupported, 0, "codec of a marked batch"};
    }
    LB_CHECK(codec::decompress_lz4_prefix(batch.payload(), size_wanted, scratch));
    return scratch.view();
}

/// Size of the first record with its length field.
Result<std::size_t> first_record_size(const ByteView prefix) {
    codec::ByteReader reader(prefix);
    const std::int32_t length = reader.varint();
    if (!reader.ok() || length < 0) {
        return malformed;
    }
    const std::size_t size = reader.position() + static_cast<std::size_t>(length);
    if (size > first_record_bytes_max) {
        return Error{ErrorCode::too_large, 0, "first record of a marked batch"};
    }
    return size;
}

Result<ByteView> first_record(const BatchView& batch, Buffer& scratch) {
    LB_TRY(const ByteView length, records_prefix(batch, codec::varint_bytes_max, scratch));
    LB_TRY(const std::size_t size, first_record_size(length));
    LB_TRY(const ByteView prefix, records_prefix(batch, size, scratch));
    if (prefix.size() < size) {
        return malformed;
    }
    return prefix.first(size);
}

}  // namespace

Result<std::optional<SourceCursor>> read_cursor(const ByteView bytes) {
    LB_TRY(const BatchView batch, BatchView::parse(bytes));
    if (!batch.header().is_marked()) {
        return std::optional<SourceCursor>();
    }
    Buffer scratch;
    LB_TRY(const ByteView first, first_record(batch, scratch));
    RecordIterator iterator(first, 1);
    RecordView record;
    LB_TRY(const bool is_there, iterator.next(record));
    const std::optional<ByteView> value = find_header(record, cursor_header_key);
    if (!is_there || !value) {
        return malformed;
    }
    LB_TRY(SourceCursor cursor, decode_cursor(*value));
    return std::optional(std::move(cursor));
}

}  // namespace logboom::record
