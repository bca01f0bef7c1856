// Wakes fetches that wait for records (long polls), on whatever shard their connections live. A partition
// notes which shards have somebody waiting; when its high watermark moves, its home shard tells just those
// (kafka-protocol 3.7: by waiter lists, not by scanning).
#pragma once

#include "collector/replica/partition.h"
#include "shared/io/shard.h"

#include <map>
#include <memory>
#include <vector>

namespace logboom::replica {

/// The waiters of one shard. Shard: that one.
class FetchHub {
public:
    FetchHub(Shard& shard, std::size_t shard_count) noexcept;

    /// One partition that one fetch waits for. Lives in the fetch's frame; takes itself out.
    struct Waiter : io::ListNode {
        io::Event* wake = nullptr;
    };

    /// `waiter.wake` is set once `partition`'s high watermark moves or it ends; the caller looks at both once
    /// more after this call, since that may have been just before.
    void add(Partition& partition, Waiter& waiter);
    /// Wakes those who wait for `partition`.
    void notify(const PartitionKey& partition);

private:
    Shard& shard_;
    // Ordered by the partition's id and index, not by address: the order must not depend on memory.
    std::map<PartitionKey, io::IntrusiveList<Waiter>> waiting_;
};

/// All hubs of a node; partitions call it on their home shard.
class FetchHubs final : public HighWatermarkListener {
public:
    explicit FetchHubs(std::vector<Shard*> shards);

    [[nodiscard]] FetchHub& of(const Shard& shard) noexcept { return *hubs_[shard.index()]; }
    void on_high_watermark(Partition& partition) override;

private:
    std::vector<Shard*> shards_;
    std::vector<std::unique_ptr<FetchHub>> hubs_;
};

}  // namespace logboom::replica
