#include "collector/ctl/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace logboom::ctl {

namespace {

/// Insertions, deletions and replacements from one word to the other.
std::size_t edit_distance(const std::string_view a, const std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::vector<std::string> nearest_names(
    const std::string_view typed, const std::vector<std::string>& known
) {
    constexpr std::size_t typed_bytes_max = 256;  // the distance costs the product of both lengths
    if (typed.size() > typed_bytes_max) {
        return {};
    }
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const std::string& name : known) {
        const std::size_t distance = edit_distance(typed, name);
        if (distance <= 1 + typed.size() / 4) {
            near.emplace_back(distance, name);
        }
    }
    std::ranges::sort(near);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, near.size()); ++i) {
        names.push_back(near[i].second);
    }
    return names;
}

}  // namespace logboom::ctl
