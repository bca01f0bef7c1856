// What the batchers of all streams share: builders, the order in which batches were opened, and the
// task that seals those that are old enough.
#pragma once

#include "agent/batch/keyed_hash.h"
#include "agent/ship/memory_budget.h"
#include "agent/ship/outlet.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"
#include "shared/record/batch_builder.h"

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::batch {

class Batcher;

/// What a batch tells of its stream: the stream's own members, as they are at that time.
struct BatchSource {
    const std::string& path;
    const std::string& path_resolved;  // empty: `path` is no link
    const record::FileIdentity& identity;
};

struct BatchOptions {
    std::uint32_t batch_bytes_max = limits::agent_batch_bytes_default;  // of the source
    Nanos batch_age_max = 200ms;
    bool compress = true;
    /// Batches being filled at once: a builder keeps up to a megabyte. Above it the oldest is sealed.
    std::uint32_t open_max = 12;
    Nanos keep_builders = 10s;  // while no batch is open; then their memory is given back
    /// Bytes of its records, with their headers, at which a batch is sealed however little of its source it
    /// covers: lines may be shorter than their headers.
    [[nodiscard]] std::size_t raw_bytes_max() const noexcept {
        return std::size_t{limits::agent_batch_raw_factor} * batch_bytes_max;
    }
    std::string host;  // value of lb.host
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
        ship::MemoryBudget& memory,
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
    /// What a record of a file costs besides its line, before compression.
    [[nodiscard]] std::size_t record_overhead_bytes(const BatchSource& source) const;
    /// Where the records of one input are counted.
    [[nodiscard]] metrics::Counter& records_of(const std::string& input);
    [[nodiscard]] const BatchOptions& options() const noexcept { return options_; }
    [[nodiscard]] const record::Id128& agent_id() const noexcept { return agent_id_; }

private:
    friend class Batcher;
    using OpenList = std::list<Batcher*>;

    /// A builder and what it holds of the memory.
    struct Builder {
        explicit Builder(
            const record::BatchBuilderOptions& builder_options, ship::MemoryBudget& memory
        )
            : batch(builder_options)
            , held(memory, ship::MemoryPool::builders, 0) {}
        void note_memory() { held.set(batch.memory_bytes()); }

        record::BatchBuilder batch;
        ship::MemoryHold held;
    };

    [[nodiscard]] std::unique_ptr<Builder> open(Batcher& batcher, const BatchSource& source);
    void closed(OpenList::iterator place, std::unique_ptr<Builder> builder);
    void give_back_idle();
    [[nodiscard]] std::optional<std::string> value_of(
        const std::string& header, const BatchSource& source
    ) const;
    Task<void> run();

    Env& env_;
    BatchOptions options_;
    KeyedHash hash_;
    ship::Outlet& outlet_;
    ship::MemoryBudget& memory_;
    metrics::Registry& registry_;
    record::Id128 agent_id_{};
    std::uint32_t agent_epoch_ = 0;
    Buffer scratch_;
    ship::MemoryHold scratch_held_;
    record::RecordHeaders headers_;
    std::vector<std::unique_ptr<Builder>> idle_;
    OpenList open_;  // oldest first
    io::Event opened_;
    Scope scope_;

    std::map<std::string, metrics::Counter*> records_;
    metrics::Counter& value_bytes_;
    metrics::Counter& batches_;
    metrics::Counter& batch_bytes_;
};

}  // namespace logboom::batch
