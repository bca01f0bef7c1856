// The answers that every program of ours gives: /metrics, /healthz, /readyz.
#pragma once

#include "shared/http/message.h"
#include "shared/metrics/registry.h"

#include <string>
#include <vector>

namespace logboom::http {

/// All metrics in Prometheus' text format 0.0.4.
[[nodiscard]] Response metrics_response(const metrics::Registry& registry);

/// 200 "ok": the loop that answers is alive. For restart decisions, and nothing else.
[[nodiscard]] Response healthz_response();

struct ReadyCheck {
    std::string name;  // an id of ours, "disk"
    bool ok = false;
    std::string detail;  // shown when not empty; no names from outside
};
/// 200 when every check is ok, else 503; the body lists them as JSON.
[[nodiscard]] Response readyz_response(const std::vector<ReadyCheck>& checks);

}  // namespace logboom::http
