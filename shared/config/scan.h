// A look over TOML text before the library sees it. toml++ 3.3.0 decides whether a character beyond
// ASCII is white space with a table that lacks U+00A1..U+0499 and U+FA66..U+FEFE, and tells the
// compiler that the rest cannot be reached: an "ä" outside of quotes is undefined behaviour there.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace logboom::config {

/// Where the first byte beyond ASCII stands that is neither in a quoted string nor in a comment (TOML
/// has no place for one), or that is the first behind a line continuation in a """ string. A quote amid
/// something that began without one begins no string.
[[nodiscard]] std::optional<std::size_t> find_stray_character(std::string_view text);

}  // namespace logboom::config
