#include "collector/replica/topic_service.h"

namespace logboom::replica {

namespace {

// Clients ask many times a second for a topic that cannot be opened, each time with a line in the log.
constexpr Nanos retry_interval = 1s;

}  // namespace

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
    if (topic != nullptr && replicas_.has_all(*topic)) {
        co_return known;
    }
    std::function<Task<Result<metadata::ImagePtr>>()> work = [this, name, partitions] {
        return ensure_on_store_shard(name, partitions);
    };
    co_return co_await io::call_on(from, store_shard_, std::move(work));
}

/// A topic that somebody else has made meanwhile, or whose partitions could not be opened before, is
/// opened once more.
Task<Result<metadata::ImagePtr>> TopicService::ensure_on_store_shard(
    std::string name, const std::int32_t partitions
) {
    Result<metadata::ImagePtr> created = co_await create_on_store_shard(name, partitions);
    if (created || created.code() != ErrorCode::already_exists) {
        co_return created;
    }
    const metadata::ImagePtr known = image();
    const metadata::TopicImage* const topic = known->find(name);
    LB_ASSERT(topic != nullptr);
    co_await take_turn();
    const Result<Ok> opened = co_await open_again(*topic);
    end_turn();
    if (!opened) {
        co_return opened.error();
    }
    co_return known;
}

Task<Result<Ok>> TopicService::open_again(const metadata::TopicImage& topic) {
    if (replicas_.has_all(topic)) {
        co_return Ok{};
    }
    const Clock& clock = store_shard_.env().clock;
    if (clock.now() < retry_after_) {
        co_return Error{ErrorCode::io, 0, "partition that could not be opened"};
    }
    const Result<Ok> opened = co_await replicas_.open_topic(topic);
    if (!opened) {
        retry_after_ = clock.now() + retry_interval;
    }
    co_return opened;
}

Task<void> TopicService::take_turn() {
    while (creating_) {
        co_await turn_.wait_uncancelled();
    }
    creating_ = true;
}

void TopicService::end_turn() {
    creating_ = false;
    turn_.wake_one();
}

Task<Result<metadata::ImagePtr>> TopicService::create_on_store_shard(
    std::string name, const std::int32_t partitions
) {
    co_await take_turn();
    Result<metadata::ImagePtr> created = co_await store_.create_topic(name, partitions);
    if (created) {
        const metadata::TopicImage* const topic = (*created)->find(name);
        LB_ASSERT(topic != nullptr);
        const Result<Ok> opened = co_await replicas_.open_topic(*topic);
        if (!opened) {
            created = opened.error();
        }
    }
    end_turn();
    co_return created;
}

}  // namespace logboom::replica
