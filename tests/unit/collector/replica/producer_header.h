// Headers of batches of idempotent producers.
#pragma once

#include "shared/record/batch.h"

#include <cstdint>

namespace logboom::tests {

/// A batch of `count` records; its offset is what the log makes of it.
inline record::BatchHeader header_of(
    const std::int64_t producer,
    const std::int16_t epoch,
    const std::int32_t sequence,
    const std::int32_t count
) {
    record::BatchHeader header;
    header.producer_id = ProducerId(producer);
    header.producer_epoch = epoch;
    header.base_sequence = sequence;
    header.records_count = count;
    header.last_offset_delta = count - 1;
    return header;
}

}  // namespace logboom::tests
