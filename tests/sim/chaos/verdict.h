// Holds what a reader saw against what was written.
#pragma once

#include "tests/sim/chaos/application.h"
#include "tests/sim/chaos/clients.h"

#include <string>
#include <vector>

namespace logboom::sim {

/// Empty, or the first thing that is wrong with the lines of the logs: one that came twice, out of order,
/// changed, or not at all though its file still had it.
[[nodiscard]] std::string judge_lines(
    const std::vector<const AppLog*>& logs, const Seen& seen, const std::string& topic
);

/// The same for the idempotent producer: what was acknowledged is there once, in order, and nothing else but
/// perhaps the batch after it.
[[nodiscard]] std::string judge_produced(const Produced& produced, const Seen& seen);

/// What was read again from the beginning is what was seen before.
[[nodiscard]] std::string compare(const Seen& before, const Seen& after);

}  // namespace logboom::sim
