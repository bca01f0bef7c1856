// Walks over the record batches that a Fetch brought.
#pragma once

#include "collector/ctl/record_row.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace logboom::ctl {

/// Where reading of one partition stands.
struct PartitionCursor {
    std::int32_t partition = 0;
    std::int64_t next = 0;             ///< offset of the next record to show
    std::optional<std::int64_t> stop;  ///< exclusive; nothing: follow

    [[nodiscard]] bool is_done() const noexcept { return stop.has_value() && next >= *stop; }
};

/// Takes one record; false ends the walk behind it.
using TakeRow = std::function<bool(const RecordRow&)>;
/// Told of a batch whose records cannot be shown.
using TellSkipped = std::function<void(const record::BatchHeader&, const Error&)>;

/// Hands the records of `batches` from `cursor.next` on to `take` and moves the cursor. A batch that is
/// cut off at the end is left for the next Fetch; one that is damaged inside is told and skipped.
///
/// `malformed` if the bytes are no batches at all.
[[nodiscard]] Result<Ok> walk_records(
    std::string_view topic,
    ByteView batches,
    PartitionCursor& cursor,
    const TakeRow& take,
    const TellSkipped& tell_skipped
);

}  // namespace logboom::ctl
