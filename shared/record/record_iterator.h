// Walks over the records of a batch, and over the headers of a record. Everything handed out is a view
// into the decompressed records.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace logboom::record {

struct RecordView {
    std::int64_t timestamp_delta_ms = 0;  // to the batch's base timestamp; may be negative
    std::int32_t offset_delta = 0;        // to the batch's base offset
    std::optional<ByteView> key;
    std::optional<ByteView> value;
    std::int32_t headers_count = 0;
    ByteView headers;  // for HeaderIterator
};

class RecordIterator {
public:
    /// `records` are decompressed; `count` is the header's `records_count`.
    RecordIterator(ByteView records, std::int32_t count) noexcept;

    /// Fills `record` with the next one and returns true, or false after the last. `malformed` if the
    /// bytes are no record, or if bytes are left after `count` records.
    ///
    /// A record's headers are only measured here, not looked into.
    [[nodiscard]] Result<bool> next(RecordView& record);

private:
    ByteView rest_;
    std::int32_t left_;
};

struct HeaderView {
    ByteView key;
    std::optional<ByteView> value;
};

class HeaderIterator {
public:
    explicit HeaderIterator(const RecordView& record) noexcept;

    /// As `RecordIterator::next`.
    [[nodiscard]] Result<bool> next(HeaderView& header);

private:
    ByteView rest_;
    std::int32_t left_;
};

/// The value of the first header named `key`; nothing if there is none, if it is null, or if the headers
/// are malformed.
[[nodiscard]] std::optional<ByteView> find_header(const RecordView& record, std::string_view key);

}  // namespace logboom::record
