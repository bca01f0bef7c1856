// What is known of a segment beside its batches. Kept in state snapshots, so that a start need not read
// the segment to know its end, its times and whether its index files are whole.
#pragma once

#include "shared/base/limits.h"
#include "shared/base/strong.h"

#include <algorithm>
#include <cstdint>

namespace logboom::storage {

/// The largest timestamp of some batches and the first batch that has it.
struct LargestTimestamp {
    std::int64_t timestamp_ms = -1;  // -1: there is none
    Offset base_offset{-1};          // of that batch
    Offset last_offset{-1};

    bool operator==(const LargestTimestamp&) const = default;
};

struct SegmentFacts {
    Offset base_offset;
    Offset end_offset;             // after the last batch
    std::uint64_t size_bytes = 0;  // of whole batches; the file may be longer by zeros
    LargestTimestamp largest;
    LeaderEpoch last_epoch{-1};  // of the last batch; -1: there is none
    /// Our own clock when the first and the last batch were appended; -1: not known.
    std::int64_t first_append_ms = -1;
    std::int64_t last_append_ms = -1;
    /// CRC-32C of the two index files as they were written last.
    std::uint32_t offset_index_crc = 0;
    std::uint32_t time_index_crc = 0;

    bool operator==(const SegmentFacts&) const = default;

    /// When its records become old: by their newest timestamp, or, if none has one, by when they came. A
    /// timestamp far behind that is of a wrong clock, and must not keep them for ever.
    [[nodiscard]] std::int64_t newest_ms() const noexcept {
        if (largest.timestamp_ms < 0) {
            return last_append_ms;
        }
        return last_append_ms < 0
                 ? largest.timestamp_ms
                 : std::min(
                     largest.timestamp_ms, last_append_ms + limits::timestamp_after_max_ms_default
                 );
    }
};

}  // namespace logboom::storage
