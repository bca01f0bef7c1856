#include "shared/record/batch_builder.h"

#include "shared/base/assert.h"
#include "shared/codec/varint.h"
#include "shared/record/batch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>

namespace logboom::record {

namespace {

using codec::put_varint;
using codec::put_varlong;
using codec::varint_size;
using codec::varlong_size;

/// Room that `fits` keeps for the cursor, whose identity has a path of up to 4096 bytes.
constexpr std::size_t cursor_room_bytes = fs_id_bytes_max + path_seen_bytes_max + 512;
/// Room for a record's own fields besides value and headers: length, attributes, two deltas, null key,
/// length of the value, header count.
constexpr std::size_t record_fields_bytes_max = 5 + 1 + 10 + 5 + 1 + 5 + 5;

std::int32_t narrow(const std::size_t n) noexcept {
    return static_cast<std::int32_t>(n);
}

std::byte* put_bytes(std::byte* const to, const ByteView bytes) noexcept {
    if (!bytes.empty()) {
        std::memcpy(to, bytes.data(), bytes.size());
    }
    return to + bytes.size();
}

/// Appends one record without key. `tail` is its header count and headers, in pieces.
void append_record(
    Buffer& out,
    const std::int64_t timestamp_delta_ms,
    const std::int32_t offset_delta,
    const ByteView value,
    const std::initializer_list<ByteView> tail
) {
    std::size_t length = 1 + varlong_size(timestamp_delta_ms) + varint_size(offset_delta) + 1
                       + varint_size(narrow(value.size())) + value.size();
    for (const ByteView piece : tail) {
        length += piece.size();
    }
    std::byte* to = out.extend(varint_size(narrow(length)) + length);
    to = put_varint(to, narrow(length));
    *to++ = std::byte{0};  // attributes
    to = put_varlong(to, timestamp_delta_ms);
    to = put_varint(to, offset_delta);
    to = put_varint(to, -1);  // no key
    to = put_varint(to, narrow(value.size()));
    to = put_bytes(to, value);
    for (const ByteView piece : tail) {
        to = put_bytes(to, piece);
    }
}

/// A header count as it stands before the headers.
class EncodedCount {
public:
    explicit EncodedCount(const std::int32_t count) noexcept
        : size_(static_cast<std::size_t>(put_varint(bytes_.data(), count) - bytes_.data())) {}
    [[nodiscard]] ByteView view() const noexcept { return ByteView(bytes_).first(size_); }

private:
    std::array<std::byte, codec::varint_bytes_max> bytes_{};
    std::size_t size_;
};

}  // namespace

void RecordHeaders::add(const std::string_view key, const std::optional<ByteView> value) {
    const std::size_t value_bytes = value ? value->size() : 0;
    const std::int32_t value_length = value ? narrow(value_bytes) : -1;
    std::byte* to = bytes_.extend(
        varint_size(narrow(key.size())) + key.size() + varint_size(value_length) + value_bytes
    );
    to = put_varint(to, narrow(key.size()));
    to = put_bytes(to, as_bytes(key));
    to = put_varint(to, value_length);
    put_bytes(to, value.value_or(ByteView()));
    ++count_;
}

void RecordHeaders::clear() noexcept {
    bytes_.clear();
    count_ = 0;
}

BatchBuilder::BatchBuilder(const BatchBuilderOptions& options)
    : options_(options)
    , lz4_(options.lz4) {}

void BatchBuilder::begin(const RecordHeaders& headers) {
    LB_ASSERT(headers.bytes().size() <= limits::record_headers_bytes_max);
    discard();
    headers_count_ = headers.count();
    headers_.clear();
    headers_.append(headers.bytes());
    headers_block_.clear();
    headers_block_.append(EncodedCount(headers.count()).view());
    headers_block_.append(headers.bytes());
}

void BatchBuilder::append(const std::int64_t timestamp_ms, const ByteView value) {
    if (count_ == 0) {
        add_first(timestamp_ms, value, nullptr);
        return;
    }
    append_record(body_, timestamp_ms - base_timestamp_ms_, count_, value, {headers_block_.view()});
    max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
    ++count_;
}

void BatchBuilder::append(
    const std::int64_t timestamp_ms, const ByteView value, const RecordHeaders& extra
) {
    if (count_ == 0) {
        add_first(timestamp_ms, value, &extra);
        return;
    }
    append_record(
        body_,
        timestamp_ms - base_timestamp_ms_,
        count_,
        value,
        {EncodedCount(headers_count_ + extra.count()).view(), headers_.view(), extra.bytes()}
    );
    max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
    ++count_;
}

void BatchBuilder::add_first(
    const std::int64_t timestamp_ms, const ByteView value, const RecordHeaders* const extra
) {
    LB_ASSERT(!headers_block_.empty());  // begin() was called
    first_value_.append(value);
    if (extra != nullptr) {
        first_extra_count_ = extra->count();
        first_extra_.append(extra->bytes());
    }
    base_timestamp_ms_ = timestamp_ms;
    max_timestamp_ms_ = timestamp_ms;
    count_ = 1;
}

bool BatchBuilder::fits(const std::size_t value_bytes) const noexcept {
    const std::size_t after = limits::batch_header_bytes + raw_bytes() + cursor_room_bytes
                            + record_fields_bytes_max + headers_.size() + value_bytes;
    return after <= limits::batch_bytes_max
        && static_cast<std::uint32_t>(count_) < limits::batch_records_max;
}

std::size_t BatchBuilder::raw_bytes() const noexcept {
    if (count_ == 0) {
        return 0;
    }
    return record_fields_bytes_max + first_value_.size() + headers_.size() + first_extra_.size()
         + body_.size();
}

std::size_t BatchBuilder::memory_bytes() const noexcept {
    return headers_.capacity() + headers_block_.capacity() + first_value_.capacity()
         + first_extra_.capacity() + body_.capacity() + first_.capacity()
         + cursor_bytes_.capacity();
}

SealedBatch BatchBuilder::seal(const SourceCursor& cursor, Buffer& out) {
    return finish(&cursor, out);
}
SealedBatch BatchBuilder::seal_without_cursor(Buffer& out) {
    return finish(nullptr, out);
}

void BatchBuilder::discard() noexcept {
    first_value_.clear();
    first_extra_.clear();
    first_extra_count_ = 0;
    body_.clear();
    count_ = 0;
}

/// The cursor comes before all other headers, where its reader looks first.
void BatchBuilder::finish_first_record(const SourceCursor* const cursor) {
    cursor_header_.clear();
    if (cursor != nullptr) {
        cursor_bytes_.clear();
        encode_cursor(*cursor, cursor_bytes_);
        cursor_header_.add(cursor_header_key, std::optional(cursor_bytes_.view()));
    }
    const EncodedCount count(cursor_header_.count() + headers_count_ + first_extra_count_);
    first_.clear();
    append_record(
        first_,
        0,
        0,
        first_value_.view(),
        {count.view(), cursor_header_.bytes(), headers_.view(), first_extra_.view()}
    );
}

/// Appends the records to `out`, compressed if that is worth it, and returns how they are stored.
codec::CodecId BatchBuilder::append_payload(Buffer& out) {
    const std::size_t raw_size = first_.size() + body_.size();
    const std::size_t before = out.size();
    if (raw_size >= options_.compress_bytes_min) {
        const std::array pieces{first_.view(), body_.view()};
        const std::size_t packed_size = lz4_.encode(pieces, out);
        if (packed_size * 100 <= raw_size * options_.compress_percent_max) {
            return codec::CodecId::lz4;
        }
        out.resize(before);
    }
    out.append(first_.view());
    out.append(body_.view());
    return codec::CodecId::none;
}

SealedBatch BatchBuilder::finish(const SourceCursor* const cursor, Buffer& out) {
    LB_ASSERT(count_ > 0);
    finish_first_record(cursor);
    const std::size_t begin = out.size();
    static_cast<void>(out.extend(limits::batch_header_bytes));
    const codec::CodecId codec_id = append_payload(out);
    const std::size_t size = out.size() - begin;
    LB_ASSERT(size <= limits::batch_bytes_max);

    BatchHeader header;
    header.batch_length = narrow(size - batch_prefix_bytes);
    header.leader_epoch = LeaderEpoch(-1);
    header.magic = batch_magic;
    header.attributes = static_cast<std::int16_t>(codec_id);
    header.last_offset_delta = count_ - 1;
    header.base_timestamp_ms = base_timestamp_ms_;
    header.max_timestamp_ms = max_timestamp_ms_;
    header.producer_epoch = cursor != nullptr ? agent_mark : std::int16_t{-1};
    header.records_count = count_;
    std::byte* const batch = out.data() + begin;
    encode_batch_header(header, batch);
    header.crc = compute_batch_crc(ByteView(batch, size));
    encode_batch_header(header, batch);

    SealedBatch sealed;
    sealed.size_bytes = static_cast<std::uint32_t>(size);
    sealed.raw_bytes = static_cast<std::uint32_t>(first_.size() + body_.size());
    sealed.records_count = count_;
    sealed.max_timestamp_ms = max_timestamp_ms_;
    sealed.codec_id = codec_id;
    discard();
    return sealed;
}

}  // namespace logboom::record
