// What the batchers of all streams share: builders, the order in which batches were opened, and the
// task that seals those that are old enough.
#pragma once

#include "agent/batch/keyed_hash.h"
#include "agent/ship/outlet.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"
#include "shared/record/batch_builder.h"

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace logboom::batch {

class Batcher;

struct BatchOptions {
    std::uint32_t batch_bytes_max = limits::agent_batch_bytes_default;  // of the source
    Nanos batch_age_max = 200ms;
    bool compress = true;
    /// Batches being filled at once: a builder keeps up to a megabyte. Above it the oldest is sealed.
    std::uint32_t open_max = 12;
    Nanos keep_builders = 10s;  // while no batch is open; then their memory is given back
    std::string host;           // value of lb.host
    std::vector<std::string> headers{"lb.host", "lb.path"};
};

/// Life: start() -> set_agent() before the first batch -> stop(). Outlives every Batcher.
class BatchRoom {
public:
    BatchRoom(
        Env& env,
        BatchOptions options,
        KeyedHash hash,
        ship::Outlet& outlet,
        metrics::Registry& registry
    );

    void start();
    Task<void> stop();
    /// Who signs the cursors.
    void set_agent(const record::Id128& agent_id, std::uint32_t agent_epoch);

    /// Seals everything now: for the end of a run.
    void seal_all();
    [[nodiscard]] std::size_t open_count() const noexcept { return open_.size(); }
    /// Builders kept for the next batches.
    [[nodiscard]] std::size_t idle_count() const noexcept { return idle_.size(); }

private:
    friend class Batcher;
    using OpenList = std::list<Batcher*>;

    [[nodiscard]] std::unique_ptr<record::BatchBuilder> open(
        Batcher& batcher, std::string_view path
    );
    void closed(OpenList::iterator place, std::unique_ptr<record::BatchBuilder> builder);
    Task<void> run();

    Env& env_;
    BatchOptions options_;
    KeyedHash hash_;
    ship::Outlet& outlet_;
    record::Id128 agent_id_{};
    std::uint32_t agent_epoch_ = 0;
    Buffer scratch_;
    record::RecordHeaders headers_;
    std::vector<std::unique_ptr<record::BatchBuilder>> idle_;
    OpenList open_;  // oldest first
    io::Event opened_;
    Scope scope_;

    metrics::Counter& records_;
    metrics::Counter& value_bytes_;
    metrics::Counter& batches_;
    metrics::Counter& batch_bytes_;
};

}  // namespace logboom::batch
