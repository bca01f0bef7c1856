// Which handler answers which API: one table. ApiVersions advertises just what stands here.
#pragma once

#include "collector/broker/broker.h"

#include <span>

namespace logboom::broker {

using Handler = Task<Reply> (*)(Broker&, Request);

struct Route {
    kafka::ApiKey key;
    Handler handler;
};

/// By ascending key.
[[nodiscard]] std::span<const Route> routes() noexcept;

/// Runs the handler of a request; a request that is not served is answered or refused as
/// kafka-protocol 1.4 and 1.5 demand.
Task<Reply> dispatch(Broker& broker, Request request);

}  // namespace logboom::broker
