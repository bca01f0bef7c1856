// Batches of idempotent producers.
#pragma once

#include "tests/unit/shared/record/record_fixture.h"

#include <string>
#include <vector>

namespace logboom::tests {

inline Buffer producer_batch(
    const std::vector<std::string>& values,
    const std::int64_t producer,
    const std::int16_t epoch,
    const std::int32_t sequence
) {
    Buffer batch = plain_batch(values);
    codec::store_be(batch.data() + 43, producer);
    codec::store_be(batch.data() + 51, epoch);
    codec::store_be(batch.data() + 53, sequence);
    renew_crc(batch);
    return batch;
}

}  // namespace logboom::tests
