#include "shared/record/record_iterator.h"

#include "shared/codec/byte_reader.h"

namespace logboom::record {

namespace {

constexpr Error malformed_record{ErrorCode::malformed, 0, "record"};
constexpr Error malformed_header{ErrorCode::malformed, 0, "record header"};

/// Smallest header: an empty key and a null value.
constexpr std::size_t header_bytes_min = 2;

/// Bytes behind their length, where -1 means that there are none.
std::optional<ByteView> read_nullable(codec::ByteReader& reader) {
    const std::int32_t length = reader.varint();
    if (length < 0) {
        if (length != -1) {
            reader.fail();
        }
        return std::nullopt;
    }
    return reader.bytes(static_cast<std::size_t>(length));
}

}  // namespace

RecordIterator::RecordIterator(const ByteView records, const std::int32_t count) noexcept
    : rest_(records)
    , left_(count) {}

Result<bool> RecordIterator::next(RecordView& record) {
    if (left_ <= 0) {
        return rest_.empty() ? Result<bool>(false) : Result<bool>(malformed_record);
    }
    codec::ByteReader outer(rest_);
    const std::int32_t length = outer.varint();
    if (length < 0) {
        return malformed_record;
    }
    codec::ByteReader reader(outer.bytes(static_cast<std::size_t>(length)));
    static_cast<void>(reader.be<std::int8_t>());  // attributes: none are defined
    record.timestamp_delta_ms = reader.varlong();
    record.offset_delta = reader.varint();
    record.key = read_nullable(reader);
    record.value = read_nullable(reader);
    record.headers_count = reader.varint();
    record.headers = reader.rest();
    const bool can_hold = record.headers_count >= 0
                       && static_cast<std::size_t>(record.headers_count)
                              <= record.headers.size() / header_bytes_min;
    if (!outer.ok() || !reader.ok() || !can_hold) {
        return malformed_record;
    }
    rest_ = outer.rest();
    --left_;
    return true;
}

HeaderIterator::HeaderIterator(const RecordView& record) noexcept
    : rest_(record.headers)
    , left_(record.headers_count) {}

Result<bool> HeaderIterator::next(HeaderView& header) {
    if (left_ <= 0) {
        return rest_.empty() ? Result<bool>(false) : Result<bool>(malformed_header);
    }
    codec::ByteReader reader(rest_);
    const std::optional<ByteView> key = read_nullable(reader);
    header.value = read_nullable(reader);
    if (!reader.ok() || !key) {
        return malformed_header;
    }
    header.key = *key;
    rest_ = reader.rest();
    --left_;
    return true;
}

std::optional<ByteView> find_header(const RecordView& record, const std::string_view key) {
    HeaderIterator headers(record);
    HeaderView header;
    while (true) {
        const Result<bool> more = headers.next(header);
        if (!more || !*more) {
            return std::nullopt;
        }
        if (as_text(header.key) == key) {
            return header.value;
        }
    }
}

}  // namespace logboom::record
