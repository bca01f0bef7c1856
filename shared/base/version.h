// The version of the programs, from one place (meson.build).
#pragma once

namespace logboom {

inline constexpr const char* version = LB_VERSION;

}  // namespace logboom
