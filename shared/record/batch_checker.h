// What a leader demands of a batch before it appends it (FORMAT.md, "What a leader checks"). The doors turn a fault into their own error code.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/record/batch.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

namespace logboom::record {

/// Why a batch is refused, in the order in which it is looked for.
enum class BatchFault : std::uint8_t {
    empty,             ///< no bytes at all
    truncated,         ///< shorter than a header or than its own length says
    old_magic,         ///< message sets of magic 0 and 1, or an unknown one
    several_batches,   ///< bytes follow the batch
    too_large,         ///< more bytes than the topic takes
    bad_crc,           ///< checksum and bytes disagree
    bad_counts,        ///< no records, or count and last offset delta disagree
    control_batch,     ///< only brokers write those
    wrong_mark,        ///< the agents' mark on Kafka's door, or none on the agents'
    bad_producer,      ///< transactional without producer id, or id without epoch or sequence
    unknown_codec,     ///< codec bits 5 to 7
    zstd_not_allowed,  ///< zstd from a client that is too old to know it
    append_time,       ///< the client set LogAppendTime, which is the leader's to set
    timestamp_range,   ///< timestamps outside of what the topic takes
    bad_records        ///< the records inside do not decode (only where they are looked at)
};

/// A short name for logs and metrics.
[[nodiscard]] const char* to_string(BatchFault fault) noexcept;

enum class Door : std::uint8_t { kafka, agents };
/// Whether the records inside are decoded, which costs their decompression.
enum class CheckDepth : std::uint8_t { header, records };

struct BatchCheckOptions {
    Door door = Door::kafka;
    CheckDepth depth = CheckDepth::header;
    std::size_t size_max = limits::batch_bytes_max;
    bool is_zstd_allowed = true;
    /// Smallest and largest timestamp taken.
    std::int64_t timestamp_ms_min = INT64_MIN;
    std::int64_t timestamp_ms_max = INT64_MAX;
};

/// Checks one batch that was produced. `scratch` is used for decompression only.
///
/// Returns the view of a batch that may be appended, or the first fault.
[[nodiscard]] std::variant<BatchView, BatchFault> check_batch(
    ByteView bytes, const BatchCheckOptions& options, Buffer& scratch
);

}  // namespace logboom::record
