// "did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logboom::ctl {

/// Those of `known` that `typed` may have been meant to be, nearest first, at most three.
[[nodiscard]] std::vector<std::string> nearest_names(
    std::string_view typed, const std::vector<std::string>& known
);

}  // namespace logboom::ctl
