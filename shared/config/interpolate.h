// References inside string values, replaced after parsing, so that a value can never add keys:
//   ${NAME}  ${NAME:-default}  ${NAME:?message}   environment
//   ${file:/path}  ${cred:name}                   content, without the newline at its end
//   ${host}  ${machine_id}
// "$$" is a dollar sign; a dollar sign before anything but '{' or '$' stands for itself.
#pragma once

#include "shared/config/world.h"

#include <string>
#include <string_view>
#include <variant>

namespace logboom::config {

struct Interpolated {
    std::string text;
    /// The whole value is one reference: it may feed a key that is not text.
    bool is_one_reference = false;
};

/// Why a value could not be interpolated, for people.
struct InterpolationProblem {
    std::string message;
};

[[nodiscard]] std::variant<Interpolated, InterpolationProblem> interpolate(
    std::string_view value, const World& world
);

}  // namespace logboom::config
