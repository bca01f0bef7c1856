#include "collector/metadata/producer_ids.h"

namespace logboom::metadata {

ProducerIds::ProducerIds(MetaStore& store, Shard& store_shard)
    : store_(store)
    , store_shard_(store_shard)
    , taken_(store_shard.env().scheduler) {}

Task<Result<ProducerId>> ProducerIds::next(Shard& from) {
    std::function<Task<Result<ProducerId>>()> work = [this] { return next_on_store_shard(); };
    co_return co_await io::call_on(from, store_shard_, std::move(work));
}

Task<Result<ProducerId>> ProducerIds::next_on_store_shard() {
    while (left_.first == left_.end) {
        if (is_taking_) {
            [[maybe_unused]] const Result<Ok> woken = co_await taken_.wait_uncancelled();
            continue;
        }
        is_taking_ = true;
        const Result<ProducerIdBlock> taken = co_await store_.take_producer_ids();
        is_taking_ = false;
        taken_.wake_all();
        if (!taken) {
            co_return taken.error();
        }
        left_ = *taken;
    }
    const ProducerId given = left_.first;
    left_.first += 1;
    co_return given;
}

}  // namespace logboom::metadata
