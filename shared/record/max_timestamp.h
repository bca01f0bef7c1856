// Some producers leave a batch's largest timestamp at -1. Nothing by time finds such a batch, and a log of
// them never grows old, so the leader fills it in (kafka-protocol 3.5).
#pragma once

#include "shared/base/bytes.h"

#include <cstdint>

namespace logboom::record {

/// Sets the largest timestamp from the records, and the checksum anew, if it is missing and a record has
/// one; a time after `timestamp_ms_max`, which the door did not see, counts as that one. A batch whose
/// records do not decode stays as it is. `batch` is one whole, sound batch.
void fill_max_timestamp(MutableByteView batch, std::int64_t timestamp_ms_max);

}  // namespace logboom::record
