// Gives out producer ids, each once in the life of the cluster: taken from the store in blocks, which it
// has on disk before the first one is given.
#pragma once

#include "collector/metadata/meta_store.h"
#include "shared/io/shard.h"

namespace logboom::metadata {

class ProducerIds {
public:
    /// The store lives on `store_shard`; both outlive this.
    ProducerIds(MetaStore& store, Shard& store_shard);

    /// A producer id that nobody else is given. `from` is the caller's shard, any. Errors: those of the
    /// store.
    Task<Result<ProducerId>> next(Shard& from);

private:
    Task<Result<ProducerId>> next_on_store_shard();

    MetaStore& store_;
    Shard& store_shard_;
    ProducerIdBlock left_;
    bool is_taking_ = false;
    io::WaitQueue taken_;
};

}  // namespace logboom::metadata
