// Where agents tell which bytes of their sources will not come (FORMAT.md, Loss records).
#pragma once

#include <string_view>

namespace logboom::record {

inline constexpr std::string_view loss_topic = "lb.loss";

}  // namespace logboom::record
