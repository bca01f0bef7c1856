// All that product code is handed of the outside world: a plain struct of references, one per node and
// shard. The same code runs over the ring and inside the simulator.
#pragma once

#include "shared/base/log.h"
#include "shared/base/probe.h"
#include "shared/base/rng.h"
#include "shared/io/fs.h"
#include "shared/io/net.h"
#include "shared/io/scope.h"
#include "shared/io/sync.h"

namespace logboom {

class Clock {
public:
    explicit Clock(io::IoBackend& backend) noexcept : backend_(backend) {}
    [[nodiscard]] SteadyTime now() const { return backend_.now(); }
    [[nodiscard]] WallTime wall() const { return backend_.wall(); }

private:
    io::IoBackend& backend_;
};

struct Env {
    Clock& clock;
    Rng& rng;
    io::Net& net;
    io::Fs& fs;
    io::Scheduler& scheduler;
    ChunkPool& pool;
    Logger& log;
    Probe* probe = nullptr;  ///< null outside of the simulator

    /// `co_await env.sleep(100ms)`; ends early with `cancelled`.
    [[nodiscard]] Task<Result<Ok>> sleep(const Nanos duration) const {
        return io::sleep_until(scheduler, clock.now() + duration);
    }
};

}  // namespace logboom
