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
    Shard& from, std::string name, const std::int32_t partitions, metadata::TopicSettings settings
) {
    const metadata::NewTopic topic(std::move(name), partitions, std::move(settings));
    std::function<Task<Result<metadata::ImagePtr>>()> work = [this, topic] {
        return create_on_store_shard(topic);
    };
    co_return co_await io::call_on(from, store_shard_, std::move(work));
}

Task<Result<metadata::ImagePtr>> TopicService::add_partitions(
    Shard& from, const Id128 id, const std::int32_t count
) {
    std::function<Task<Result<metadata::ImagePtr>>()> work = [this, id, count] {
        return add_partitions_on_store_shard(id, count);
    };
    co_return co_await io::call_on(from, store_shard_, std::move(work));
}

Task<Result<metadata::ImagePtr>> TopicService::remove(Shard& from, const Id128 id) {
    std::function<Task<Result<metadata::ImagePtr>>()> work = [this, id] {
        return remove_on_store_shard(id);
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
    metadata::NewTopic topic(name, partitions);
    Result<metadata::ImagePtr> created = co_await create_on_store_shard(std::move(topic));
    if (created || created.code() != ErrorCode::already_exists) {
        co_return created;
    }
    co_return co_await turn_.run(open_again(std::move(name)));
}

Task<Result<metadata::ImagePtr>> TopicService::open_again(const std::string name) {
    metadata::ImagePtr known = image();
    const metadata::TopicImage* const topic = known->find(name);
    if (topic == nullptr) {
        co_return Error{ErrorCode::busy, 0, "topic that was deleted just now"};
    }
    if (replicas_.has_all(*topic)) {
        co_return known;
    }
    const Clock& clock = store_shard_.env().clock;
    if (clock.now() < retry_after_) {
        co_return Error{ErrorCode::io, 0, "partition that could not be opened"};
    }
    const Result<Ok> opened = co_await replicas_.open_topic(*topic);
    if (!opened) {
        retry_after_ = clock.now() + retry_interval;
        co_return opened.error();
    }
    co_return known;
}

Task<Result<metadata::ImagePtr>> TopicService::create_on_store_shard(metadata::NewTopic topic) {
    co_return co_await turn_.run(create_alone(std::move(topic)));
}

Task<Result<metadata::ImagePtr>> TopicService::create_alone(metadata::NewTopic topic) {
    const std::string name = topic.name;
    LB_CO_TRY(metadata::ImagePtr created, co_await store_.create_topic(std::move(topic)));
    LB_CO_CHECK(co_await replicas_.open_topic(*created->find(name)));
    co_return created;
}

Task<Result<metadata::ImagePtr>> TopicService::add_partitions_on_store_shard(
    const Id128 id, const std::int32_t count
) {
    co_return co_await turn_.run(add_partitions_alone(id, count));
}

Task<Result<metadata::ImagePtr>> TopicService::add_partitions_alone(
    const Id128 id, const std::int32_t count
) {
    LB_CO_TRY(metadata::ImagePtr added, co_await store_.add_partitions(id, count));
    LB_CO_CHECK(co_await replicas_.open_topic(*added->find(id)));
    co_return added;
}

Task<Result<metadata::ImagePtr>> TopicService::remove_on_store_shard(const Id128 id) {
    co_return co_await turn_.run(remove_alone(id));
}

Task<Result<metadata::ImagePtr>> TopicService::remove_alone(const Id128 id) {
    const metadata::ImagePtr before = image();
    const metadata::TopicImage* const topic = before->find(id);
    LB_CO_TRY(metadata::ImagePtr after, co_await store_.delete_topic(id));
    LB_ASSERT(topic != nullptr);
    const auto partitions = static_cast<std::int32_t>(topic->partitions.size());
    store_shard_.env().log.info(
        "topic deleted", {kv("topic", topic->name), kv("partitions", partitions)}
    );
    const metadata::DeletedTopic deleted{id, partitions};
    co_await remove_files(deleted);
    co_return after;
}

Task<void> TopicService::finish_removals() {
    const std::vector<metadata::DeletedTopic> left = store_.deleted_topics();
    for (const metadata::DeletedTopic& topic : left) {
        co_await remove_files(topic);
    }
}

Task<void> TopicService::remove_files(const metadata::DeletedTopic topic) {
    Result<Ok> removed = co_await replicas_.remove_topic(topic.id, topic.partitions);
    if (removed) {
        removed = co_await store_.files_removed(topic.id);
    }
    if (!removed) {
        store_shard_.env().log.error(
            "files of a deleted topic could not be removed; the next start tries again",
            {kv("topic_id", to_hex(topic.id)), kv("error", to_string(removed.error()))}
        );
    }
}

}  // namespace logboom::replica
