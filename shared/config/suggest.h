// "Did you mean": the nearest of the words that would have been right.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace logboom::config {

/// Damerau-Levenshtein distance (adjacent letters swapped count once).
[[nodiscard]] std::size_t distance(std::string_view a, std::string_view b);

/// The nearest of `words` within two edits, or a third of the length if that is more; one edit for
/// words of up to three letters. Empty if none is near; the first of several equally near.
[[nodiscard]] std::string_view nearest(
    std::string_view wrong, const std::vector<std::string_view>& words
);

}  // namespace logboom::config
