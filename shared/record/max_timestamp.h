// Some producers leave a batch's largest timestamp at -1. Nothing by time finds such a batch, and a log of
// them never grows old, so the leader fills it in (kafka-protocol 3.5).
#pragma once

#include "shared/base/bytes.h"

#include <cstdint>

namespace logboom::record {

/// Sets the largest timestamp, and the checksum anew, if it is missing. Of plain records it is the largest
/// of theirs, if one has any; a time after `timestamp_ms_max`, which the door did not see, counts as that
/// one. Packed records are not unpacked for it, which costs whoever sends a small batch of many nothing and
/// us much: they are as old as `now_ms` says. Plain records that do not decode leave the batch as it is.
/// `batch` is one whole, sound batch.
void fill_max_timestamp(MutableByteView batch, std::int64_t now_ms, std::int64_t timestamp_ms_max);

}  // namespace logboom::record
