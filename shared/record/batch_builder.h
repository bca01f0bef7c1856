// Fills one record batch, record by record, and seals it.
//
// Life: begin(headers) -> append() ... -> seal() -> begin() again. Buffers are kept between batches, so
// that a record costs its bytes and no allocation. The first record is kept aside until the batch is
// sealed, because it carries the source's cursor, which is known only then.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/codec/compression.h"
#include "shared/codec/lz4_frame_encoder.h"
#include "shared/record/source_cursor.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace logboom::record {

/// Record headers in their encoded form, so that those of a stream are encoded once.
class RecordHeaders {
public:
    /// `value` without a value is Kafka's null.
    void add(std::string_view key, std::optional<ByteView> value);
    void add(const std::string_view key, const std::string_view value) {
        add(key, std::optional(as_bytes(value)));
    }
    void clear() noexcept;

    [[nodiscard]] std::int32_t count() const noexcept { return count_; }
    [[nodiscard]] ByteView bytes() const noexcept { return bytes_.view(); }

private:
    std::int32_t count_ = 0;
    Buffer bytes_;
};

struct BatchBuilderOptions {
    codec::Lz4Options lz4;
    /// Below this many raw bytes compression saves nothing worth its time (D16).
    std::uint32_t compress_bytes_min = 512;
    /// Packed bytes of 100 raw ones above which the records are stored as they are (D16).
    std::uint32_t compress_percent_max = 95;
};

/// What seal() made.
struct SealedBatch {
    std::uint32_t size_bytes = 0;  // of the whole batch
    std::uint32_t raw_bytes = 0;   // of its records before compression
    std::int32_t records_count = 0;
    std::int64_t max_timestamp_ms = 0;
    codec::CodecId codec_id = codec::CodecId::none;
};

class BatchBuilder {
public:
    explicit BatchBuilder(const BatchBuilderOptions& options = BatchBuilderOptions());

    /// Starts a batch whose records all carry `headers` (copied). The builder is empty.
    void begin(const RecordHeaders& headers);

    /// Appends a record without key. `timestamp_ms` is its Kafka timestamp. `fits(value.size())` holds.
    void append(std::int64_t timestamp_ms, ByteView value);
    /// The same with headers of this record alone, after those of the batch.
    /// `fits(value.size() + extra.bytes().size())` holds.
    void append(std::int64_t timestamp_ms, ByteView value, const RecordHeaders& extra);

    /// Whether a record of that size can be added without passing `limits::batch_bytes_max`.
    [[nodiscard]] bool fits(std::size_t value_bytes) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::int32_t records_count() const noexcept { return count_; }
    /// Bytes of the records so far, uncompressed, with their headers.
    [[nodiscard]] std::size_t raw_bytes() const noexcept;
    /// Memory that its buffers take, however full they are.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    /// Appends the finished batch to `out` and empties the builder. At least one record was appended.
    /// With a cursor the batch is marked as an agent's.
    SealedBatch seal(const SourceCursor& cursor, Buffer& out);
    SealedBatch seal_without_cursor(Buffer& out);

    /// Drops what was appended since begin().
    void discard() noexcept;

private:
    void add_first(std::int64_t timestamp_ms, ByteView value, const RecordHeaders* extra);
    void finish_first_record(const SourceCursor* cursor);
    codec::CodecId append_payload(Buffer& out);
    SealedBatch finish(const SourceCursor* cursor, Buffer& out);

    BatchBuilderOptions options_;
    codec::Lz4FrameEncoder lz4_;

    Buffer headers_;        // of every record, encoded
    Buffer headers_block_;  // the same after their count: the end of a record without extras
    std::int32_t headers_count_ = 0;

    Buffer first_value_;  // of the first record, until the cursor is known
    Buffer first_extra_;
    std::int32_t first_extra_count_ = 0;
    Buffer body_;  // all records but the first, encoded
    std::int32_t count_ = 0;
    std::int64_t base_timestamp_ms_ = 0;
    std::int64_t max_timestamp_ms_ = 0;

    Buffer first_;  // the first record, encoded at last
    Buffer cursor_bytes_;
    RecordHeaders cursor_header_;
};

}  // namespace logboom::record
