// One value of the tree, checked against its option.
#pragma once

#include "shared/config/schema.h"
#include "shared/config/tree.h"
#include "shared/config/values.h"
#include "shared/config/world.h"

#include <optional>
#include <string>

namespace logboom::config {

/// `path` names the value in messages ("input.file[1].read_from"). On a mistake adds problems and
/// returns nothing.
[[nodiscard]] std::optional<Value> convert(
    const Option& option,
    const Node& node,
    const std::string& path,
    const World& world,
    Problems& problems
);

}  // namespace logboom::config
