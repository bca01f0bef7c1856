// How lists are written: tables for people, one JSON array for programs.
#pragma once

#include <cstdint>

namespace logboom::ctl {

enum class ListFormat : std::uint8_t { text, json };

}  // namespace logboom::ctl
