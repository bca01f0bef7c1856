// Batches of a wanted size for tests of what looks at their heads only: the checksum is a number,
// the records are zeros.
#pragma once

#include "shared/record/batch.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>

namespace logboom::tests {

struct RawBatch {
    std::int64_t base_offset = 0;
    std::int32_t records_count = 1;
    std::size_t size_bytes = limits::batch_header_bytes;
    std::int64_t max_timestamp_ms = 0;
    std::int32_t leader_epoch = 0;
    std::uint32_t crc = 0x01020304;

    [[nodiscard]] Buffer bytes() const {
        record::BatchHeader header;
        header.base_offset = Offset(base_offset);
        header.batch_length = static_cast<std::int32_t>(size_bytes - record::batch_prefix_bytes);
        header.leader_epoch = LeaderEpoch(leader_epoch);
        header.magic = record::batch_magic;
        header.crc = crc;
        header.last_offset_delta = records_count - 1;
        header.max_timestamp_ms = max_timestamp_ms;
        // No more than the bytes can hold; compaction may have taken the others.
        const std::size_t payload_bytes = size_bytes - limits::batch_header_bytes;
        header.records_count =
            std::min(records_count, static_cast<std::int32_t>(payload_bytes / 7));
        Buffer out;
        out.resize(size_bytes);
        std::memset(out.data(), 0, size_bytes);
        record::encode_batch_header(header, out.data());
        return out;
    }
};

/// The view of such bytes, which outlive it.
inline record::BatchView view_of(const Buffer& bytes) {
    const Result<record::BatchView> view = record::BatchView::parse(bytes.view());
    BOOST_REQUIRE(view.has_value());
    return *view;
}

}  // namespace logboom::tests
