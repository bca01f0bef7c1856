#include "collector/replica/fetch_hub.h"

namespace logboom::replica {

FetchHub::FetchHub(Shard& shard, const std::size_t shard_count) noexcept : shard_(shard) {
    LB_ASSERT(shard_count <= limits::shards_max);
}

void FetchHub::add(Partition& partition, Waiter& waiter) {
    LB_ASSERT(waiter.wake != nullptr);
    waiting_[partition.key()].push_back(waiter);
    partition.fetch_interest().fetch_or(
        std::uint64_t{1} << shard_.index(), std::memory_order_seq_cst
    );
}

void FetchHub::notify(const PartitionKey& partition) {
    const auto found = waiting_.find(partition);
    if (found == waiting_.end()) {
        return;
    }
    io::IntrusiveList<Waiter>& waiters = found->second;
    while (!waiters.empty()) {
        waiters.pop_front().wake->set();
    }
    waiting_.erase(found);
}

FetchHubs::FetchHubs(std::vector<Shard*> shards) : shards_(std::move(shards)) {
    for (Shard* const shard : shards_) {
        hubs_.push_back(std::make_unique<FetchHub>(*shard, shards_.size()));
    }
}

void FetchHubs::on_high_watermark(Partition& partition) {
    const std::uint64_t interest =
        partition.fetch_interest().exchange(0, std::memory_order_seq_cst);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if ((interest >> i & 1) == 0) {
            continue;
        }
        // The hub outlives the message: the collector's stop looks in at each shard after the last append.
        shards_[i]->post([hub = hubs_[i].get(), key = partition.key()] { hub->notify(key); });
    }
}

}  // namespace logboom::replica
