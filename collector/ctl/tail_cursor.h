// Where a tail stands, as text that can be copied: "app/0@128,app/1@55", the next offset of each partition.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace logboom::ctl {

/// By topic and partition: the next offset.
using TailCursor = std::map<std::pair<std::string, std::int32_t>, std::int64_t>;

[[nodiscard]] std::string to_string(const TailCursor& cursor);
/// Nothing: the text is no cursor.
[[nodiscard]] std::optional<TailCursor> parse_tail_cursor(std::string_view text);

}  // namespace logboom::ctl
