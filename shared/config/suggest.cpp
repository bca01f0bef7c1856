#include "shared/config/suggest.h"

#include <algorithm>

namespace logboom::config {
namespace {

/// Words of a configuration are short; a longer text is a mistake of another kind.
constexpr std::size_t word_bytes_max = 64;

std::size_t edits_max(const std::size_t length) noexcept {
    return length <= 3 ? 1 : std::max<std::size_t>(2, length / 3);
}

}  // namespace

std::size_t distance(const std::string_view a, const std::string_view b) {
    std::vector<std::size_t> two_above(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], two_above[j - 2] + 1);
            }
        }
        std::swap(two_above, above);
        std::swap(above, row);
    }
    return above[b.size()];
}

std::string_view nearest(const std::string_view wrong, const std::vector<std::string_view>& words) {
    if (wrong.size() > word_bytes_max) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = edits_max(wrong.size()) + 1;
    for (const std::string_view word : words) {
        const std::size_t here = distance(wrong, word);
        if (here < best_distance) {
            best = word;
            best_distance = here;
        }
    }
    return best;
}

}  // namespace logboom::config
