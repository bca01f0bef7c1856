// A batch room with an outlet that keeps what it is given, over a simulated machine.
#pragma once

#include "agent/batch/batch_room.h"
#include "agent/batch/batcher.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/agent/read_batch.h"

#include <string>
#include <utility>
#include <vector>

namespace logboom::tests {

class KeptBatches final : public ship::Outlet {
public:
    [[nodiscard]] bool has_room(const record::Id128&) const override { return true; }
    void push(ship::SealedBatch batch) override { batches.push_back(std::move(batch)); }

    [[nodiscard]] std::vector<std::string> values() const {
        std::vector<std::string> values;
        for (const ship::SealedBatch& batch : batches) {
            for (std::string& value : values_of(read_batch(batch.bytes.view()))) {
                values.push_back(std::move(value));
            }
        }
        return values;
    }

    std::vector<ship::SealedBatch> batches;
};

/// The room runs; batchers made by a test end before it.
class BatchBench {
public:
    explicit BatchBench(batch::BatchOptions options = batch::BatchOptions())
        : memory(
            limits::agent_memory_default,
            limits::agent_memory_reserve(limits::agent_batch_bytes_default),
            registry
        )
        , hash(17)
        , room(machine.make<batch::BatchRoom>(
              machine.env(), std::move(options), hash, kept, memory, registry
          )) {
        room.set_agent(id_of(1), 5);
        room.start();
    }

    metrics::Registry registry;
    ship::MemoryBudget memory;
    KeptBatches kept;
    batch::KeyedHash hash;
    sim::SimMachine machine;
    batch::BatchRoom& room;
};

struct ToldOfStream {
    std::string path;
    std::string path_resolved;
    record::FileIdentity identity;
};

/// A batcher with what it tells of its stream.
class NamedBatcher
    : public ToldOfStream
    , public batch::Batcher {
public:
    NamedBatcher(batch::BatchRoom& room, const record::Id128& stream, std::string its_path)
        : ToldOfStream{std::move(its_path), {}, {}}
        , Batcher(room, stream, {path, path_resolved, identity}, room.records_of("app")) {}

    void tell(record::FileIdentity who) {
        identity = std::move(who);
        tell_identity();
    }
};

/// Gives one line, as it stands in a file at the batcher's position, with its line end.
inline void add_line(batch::Batcher& batcher, const std::string& line) {
    const std::string block = line + "\n";
    const std::uint64_t offset = batcher.position().offset;
    batcher.look_at(as_bytes(block), offset);
    batcher.add(as_bytes(block).first(line.size()), offset + block.size());
    batcher.look_away();
}

}  // namespace logboom::tests
