#include "collector/replica/topic_service.h"

namespace logboom::replica {

TopicService::TopicService(metadata::MetaStore& store, ReplicaManager& replicas, Shard& store_shard)
    : store_(store)
    , replicas_(replicas)
    , store_shard_(store_shard)
    , turn_(store_shard.env().scheduler) {}

Task<Result<metadata::ImagePtr>> TopicService::create(
    Shard& from, std::string name, const std::int32_t partitions
) {
    std::function<Task<Result<metadata::ImagePtr>>()> work = [this, name, partitions] {
        return create_on_store_shard(name, partitions);
    };
    co_return co_await io::call_on(from, store_shard_, std::move(work));
}

Task<Result<metadata::ImagePtr>> TopicService::ensure(
    Shard& from, std::string name, const std::int32_t partitions
) {
    metadata::ImagePtr known = image();
    const metadata::TopicImage* const topic = known->find(name);
    const bool is_open = topic != nullptr
                      && replicas_.find(topic->id, PartitionIndex(0)) != nullptr;
    if (is_open) {
        co_return known;
    }
    Result<metadata::ImagePtr> created = co_await create(from, name, partitions);
    if (!created && created.code() == ErrorCode::already_exists) {
        co_return image();
    }
    co_return created;
}

Task<Result<metadata::ImagePtr>> TopicService::create_on_store_shard(
    std::string name, const std::int32_t partitions
) {
    while (creating_) {
        co_await turn_.wait_uncancelled();
    }
    creating_ = true;
    Result<metadata::ImagePtr> created = co_await store_.create_topic(name, partitions);
    if (created) {
        const metadata::TopicImage* const topic = (*created)->find(name);
        LB_ASSERT(topic != nullptr);
        const Result<Ok> opened = co_await replicas_.open_topic(*topic);
        if (!opened) {
            created = opened.error();
        }
    }
    creating_ = false;
    turn_.wake_one();
    co_return created;
}

}  // namespace logboom::replica
