// Kafka's time index: from which offset on a segment's records are later than a time. A hint for where to
// begin to look; timestamps of the log itself decide.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"

#include <cstdint>
#include <vector>

namespace logboom::storage {

class TimeIndex {
public:
    struct Entry {
        std::int64_t timestamp_ms = 0;       // the largest one of the segment up to this batch
        std::int32_t last_offset_delta = 0;  // of the batch that has it, to the segment's base

        bool operator==(const Entry&) const = default;
    };

    explicit TimeIndex(const Offset base_offset) noexcept : base_(base_offset) {}

    /// Notes the largest timestamp so far and the last offset of the first batch that has it. Nothing
    /// is added unless the timestamp is larger than the last one noted.
    void add(std::int64_t timestamp_ms, Offset last_offset);
    /// No record before the returned offset has `timestamp_ms` or a later one.
    [[nodiscard]] Offset start_of(std::int64_t timestamp_ms) const noexcept;
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

    /// The file's bytes: entries of 12 bytes, i64 timestamp and i32 relative offset, big-endian.
    void encode(Buffer& out) const;
    /// Error `malformed`: the file is of no use and must be made anew.
    [[nodiscard]] static Result<TimeIndex> decode(ByteView file, Offset base_offset);

private:
    Offset base_;
    std::vector<Entry> entries_;
};

}  // namespace logboom::storage
