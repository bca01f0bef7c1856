// The fleet as the HTTP API answers it.
#pragma once

#include "collector/ingest/agent_registry.h"

#include <string>
#include <vector>

namespace logboom::ingest {

/// A JSON array with one object for each agent: `agent` (its id), `host`, `version`, `state` ("ok" while it is
/// connected, else "offline"), `connections`, `last_seen` (RFC 3339, UTC), `reason` (null, or why the state is
/// no better). Members are only ever added.
[[nodiscard]] std::string agents_as_json(const std::vector<KnownAgent>& agents);

}  // namespace logboom::ingest
