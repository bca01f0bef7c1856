// Names of what lies in a log directory; LAYOUT.md has every file.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/log.h"
#include "shared/base/strong.h"
#include "shared/record/source_cursor.h"

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace logboom::storage {

using record::Id128;

/// Which partition. Ordered by topic id, then index.
struct PartitionKey {
    Id128 topic{};
    PartitionIndex index;

    auto operator<=>(const PartitionKey&) const = default;
};

inline constexpr std::string_view log_suffix = ".log";
inline constexpr std::string_view offset_index_suffix = ".offsetindex";
inline constexpr std::string_view time_index_suffix = ".timeindex";
inline constexpr std::string_view state_suffix = ".state";
/// Made by an operator who lets a partition be served without the state that is lost.
inline constexpr std::string_view accept_lost_state_name = "accept-lost-state";
/// A file that is being made; it counts for nothing before it has its final name.
inline constexpr std::string_view temporary_suffix = ".tmp";

inline constexpr std::string_view clean_marker_name = "clean";
inline constexpr std::string_view checkpoint_prefix = "checkpoint-";
inline constexpr std::string_view failed_marker_name = "storage-failed";

/// "<topic id, 32 hex digits>-<index>".
[[nodiscard]] std::string partition_dir_name(const PartitionKey& key);
/// The base offset in 20 digits, and the suffix.
[[nodiscard]] std::string segment_file_name(Offset base_offset, std::string_view suffix);
/// The base offset of such a name; nothing if it has another form.
[[nodiscard]] std::optional<Offset> parse_segment_file_name(
    std::string_view name, std::string_view suffix
) noexcept;

/// Logs that a framed file is of another version than the one that is supported; names both.
void report_other_version(
    const Logger& log, const std::string& path, ByteView file, std::uint8_t supported
);

}  // namespace logboom::storage
