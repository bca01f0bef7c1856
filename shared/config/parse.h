// TOML text to a tree. The only user of the TOML library.
#pragma once

#include "shared/config/tree.h"

#include <optional>
#include <string_view>

namespace logboom::config {

struct Parsed {
    Node root;
    /// Lines were passed over, so that a key that seems to be missing may be in one of them.
    bool is_complete = true;
};

/// Parses source number `index` of `problems`. The library stops at the first mistake; a mistake inside
/// one `key = value` line is noted, that line is passed over, and the rest is parsed again, so that one
/// run shows more than the first.
[[nodiscard]] Parsed parse(std::size_t index, Problems& problems);

/// A text of our own, without places. Nothing if it is no TOML.
[[nodiscard]] std::optional<Node> parse_built_in(std::string_view text);

/// One value, as it stands behind `=`. Places in it are unknown. Nothing if it is no TOML.
[[nodiscard]] std::optional<Node> parse_value(std::string_view text);

}  // namespace logboom::config
