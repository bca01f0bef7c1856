// The grammar of `-o`: where to begin reading a partition, and where to end.
//
//     start | end | N | +N | -N | A:B | :B | @TIME | @T1:T2 | @T1:end
//
// `+N` is N after the first offset, `-N` is N before the end. A and B are `start`, `end`, N, +N or -N;
// the end of a range is exclusive. `beginning` and `earliest` mean `start`, `latest` means `end`.
#pragma once

#include "collector/ctl/time_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace logboom::ctl {

/// One point of a partition, to be resolved against its offsets.
struct OffsetPoint {
    enum class Kind : std::uint8_t { start, end, absolute, after_start, before_end, time };
    Kind kind = Kind::start;
    std::int64_t number = 0;  ///< an offset or a count; for `time` milliseconds since the epoch

    friend bool operator==(const OffsetPoint&, const OffsetPoint&) = default;
};

struct OffsetSpec {
    OffsetPoint from;
    std::optional<OffsetPoint> until;  ///< exclusive; nothing: go on with what arrives

    friend bool operator==(const OffsetSpec&, const OffsetSpec&) = default;
};

/// The spec, or what is wrong with the text.
[[nodiscard]] std::variant<OffsetSpec, std::string> parse_offset_spec(
    std::string_view text, const TimeContext& context
);

/// What is known of a partition when a point is resolved.
struct PartitionOffsets {
    std::int64_t log_start = 0;
    std::int64_t end = 0;  ///< exclusive
};

/// The offset that a point means, not below `log_start` and, unless it is `absolute`, not above `end`.
/// `time_offset` is the offset of the first record at or after a `time` point; nothing if there is none.
[[nodiscard]] std::int64_t resolve(
    const OffsetPoint& point,
    const PartitionOffsets& offsets,
    std::optional<std::int64_t> time_offset
);

}  // namespace logboom::ctl
