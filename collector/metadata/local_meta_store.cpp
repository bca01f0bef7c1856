#include "collector/metadata/local_meta_store.h"

#include "shared/base/limits.h"
#include "shared/codec/crc_frame.h"
#include "shared/kafka/uuid.h"

#include <algorithm>
#include <set>

namespace logboom::metadata {

namespace {

constexpr std::string_view node_meta_kind = "LBNM";
constexpr std::uint8_t node_meta_version = 1;
constexpr std::size_t node_meta_bytes_max = 4096;
constexpr BrokerId first_node_id{1};
/// Records that say nothing any more and may lie in the journal at a start before it is made anew.
constexpr std::size_t stale_records_max = 64;
/// The same while the node runs: each costs about 50 bytes, an image at most a frame.
constexpr std::size_t stale_records_running_max = 1024;

std::size_t bytes_of(const TopicSettings& settings) noexcept {
    constexpr std::size_t around_bytes = 6;  // of a setting's message
    std::size_t bytes = 0;
    for (const TopicSetting& setting : settings) {
        bytes += setting.name.size() + setting.value.size() + around_bytes;
    }
    return bytes;
}

bool is_partitions_count(const std::int32_t count) noexcept {
    return count >= 1 && count <= limits::partitions_per_topic_max;
}

}  // namespace

LocalMetaStore::LocalMetaStore(Env& env, LocalMetaStoreOptions options)
    : env_(env)
    , options_(std::move(options))
    , image_(std::make_shared<const Image>(std::vector<TopicImage>()))
    , journal_(env, options_.dir + "/journal")
    , turn_(env.scheduler) {}

Task<Result<Ok>> LocalMetaStore::open() {
    LB_CO_CHECK(co_await env_.fs.make_dirs(options_.dir));
    // Who made or replaced a file here may have been killed before its name was on disk.
    LB_CO_CHECK(co_await env_.fs.sync_dir(options_.dir));
    LB_CO_CHECK(co_await open_node_meta());
    LB_CO_CHECK(co_await open_journal());
    publish_all();
    co_return Ok{};
}

Task<Result<Ok>> LocalMetaStore::open_node_meta() {
    const std::string path = options_.dir + "/node.meta";
    const Result<std::string> file = co_await env_.fs.read_file(path, node_meta_bytes_max);
    if (!file && file.code() == ErrorCode::not_found) {
        co_return co_await write_node_meta();
    }
    if (!file) {
        co_return file.error();
    }
    const Result<ByteView> payload =
        codec::read_framed_file(as_bytes(*file), node_meta_kind, node_meta_version);
    if (!payload) {
        if (payload.code() == ErrorCode::unsupported) {
            report_other_version(env_.log, path, as_bytes(*file), node_meta_version);
        } else {
            env_.log.error(
                "node.meta cannot be read: restore it from a backup",
                {kv("file", quoted(path)), kv("error", to_string(payload.error()))}
            );
        }
        co_return payload.error();
    }
    LB_CO_TRY(const NodeMeta meta, decode_node_meta(*payload));
    if (options_.node_id && *options_.node_id != meta.node_id) {
        env_.log.error(
            "the data directory belongs to another node: set [node] id to the one kept there, or use "
            "another data directory",
            {kv("kept", meta.node_id), kv("configured", *options_.node_id)}
        );
        co_return Error{ErrorCode::invalid_argument, 0, "node id"};
    }
    cluster_id_ = kafka::to_string(kafka::Uuid{meta.cluster_id});
    node_id_ = meta.node_id;
    co_return Ok{};
}

Task<Result<Ok>> LocalMetaStore::write_node_meta() {
    const Result<io::FileStat> journal = co_await env_.fs.stat(options_.dir + "/journal");
    if (journal) {
        env_.log.error(
            "node.meta is missing beside a metadata journal: restore it from a backup",
            {kv("directory", quoted(options_.dir))}
        );
        co_return Error{ErrorCode::corrupt, 0, "node.meta"};
    }
    NodeMeta meta;
    meta.cluster_id = new_id();
    meta.node_id = options_.node_id.value_or(first_node_id);
    Buffer payload;
    encode(meta, payload);
    Buffer file;
    codec::append_framed_file(node_meta_kind, node_meta_version, payload.view(), file);
    const std::string path = options_.dir + "/node.meta";
    LB_CO_CHECK(co_await env_.fs.replace_file(path, file.view()));
    cluster_id_ = kafka::to_string(kafka::Uuid{meta.cluster_id});
    node_id_ = meta.node_id;
    co_return Ok{};
}

Task<Result<Ok>> LocalMetaStore::open_journal() {
    Result<std::vector<JournalRecord>> records = co_await journal_.open();
    Result<Ok> replayed = Ok{};
    if (!records) {
        replayed = records.error();
    } else {
        for (const JournalRecord& record : *records) {
            replayed = replay(record);
            if (!replayed) {
                break;
            }
        }
    }
    if (!replayed) {
        env_.log.error(
            "the metadata journal cannot be used; nothing in it was changed",
            {kv("file", quoted(options_.dir + "/journal")),
             kv("error", to_string(replayed.error()))}
        );
        co_return replayed;
    }
    co_return co_await note_start(records->size());
}

Result<Ok> LocalMetaStore::replay(const JournalRecord& record) {
    const auto* const image = std::get_if<ImageRecord>(&record.kind);
    const bool is_first = last_sequence_ == 0;
    if (record.sequence != last_sequence_ + 1 && !(is_first && image != nullptr)) {
        return Error{ErrorCode::corrupt, 0, "sequence of the metadata journal"};
    }
    last_sequence_ = record.sequence;
    return std::visit([this](const auto& kind) { return replay_kind(kind); }, record.kind);
}

Result<Ok> LocalMetaStore::replay_kind(const ImageRecord& image) {
    topics_.clear();
    start_count_ = image.start_count;
    deleted_ = image.deleted;
    producer_ids_end_ = image.producer_ids_end;
    for (const TopicRecord& topic : image.topics) {
        LB_CHECK(replay_kind(topic));
    }
    return Ok{};
}

Result<Ok> LocalMetaStore::replay_kind(const TopicRecord& topic) {
    const bool is_known = std::any_of(topics_.begin(), topics_.end(), [&](const TopicRecord& kept) {
        return kept.name == topic.name || kept.id == topic.id;
    });
    if (is_known || topic.created_in_start > start_count_) {
        return Error{ErrorCode::corrupt, 0, "topic of the metadata journal"};
    }
    topics_.push_back(topic);
    return Ok{};
}

Result<Ok> LocalMetaStore::replay_kind(const StartRecord& start) {
    start_count_ = start.count;
    return Ok{};
}

Result<Ok> LocalMetaStore::replay_kind(const TopicDeletedRecord& deleted) {
    const TopicRecord* const topic = find_topic(deleted.id);
    if (topic == nullptr) {
        return Error{ErrorCode::corrupt, 0, "deleted topic of the metadata journal"};
    }
    deleted_.push_back(DeletedTopic{topic->id, topic->partitions});
    std::erase_if(topics_, [&](const TopicRecord& kept) { return kept.id == deleted.id; });
    return Ok{};
}

Result<Ok> LocalMetaStore::replay_kind(const FilesRemovedRecord& removed) {
    std::erase_if(deleted_, [&](const DeletedTopic& topic) { return topic.id == removed.id; });
    return Ok{};
}

Result<Ok> LocalMetaStore::replay_kind(const PartitionsRecord& added) {
    TopicRecord* const topic = find_topic(added.id);
    if (topic == nullptr || topic->partitions >= added.partitions) {
        return Error{ErrorCode::corrupt, 0, "partitions of the metadata journal"};
    }
    topic->partitions = added.partitions;
    return Ok{};
}

Result<Ok> LocalMetaStore::replay_kind(const ProducerIdsRecord& ids) {
    if (ids.end < producer_ids_end_) {
        return Error{ErrorCode::corrupt, 0, "producer ids of the metadata journal"};
    }
    producer_ids_end_ = ids.end;
    return Ok{};
}

TopicRecord* LocalMetaStore::find_topic(const Id128& id) noexcept {
    const auto found = std::ranges::find(topics_, id, &TopicRecord::id);
    return found == topics_.end() ? nullptr : &*found;
}

Task<Result<Ok>> LocalMetaStore::note_start(const std::size_t records_count) {
    records_count_ = records_count;
    ++start_count_;
    const bool is_stale = records_count_ > topics_.size() + stale_records_max;
    if (is_stale) {
        co_return co_await compact();
    }
    const StartRecord start{start_count_};
    co_return co_await append(start);
}

template <typename Kind>
Task<Result<Ok>> LocalMetaStore::append(const Kind kind) {
    JournalRecord record;
    record.sequence = last_sequence_ + 1;
    record.kind = kind;
    LB_CO_CHECK(co_await journal_.append(record));
    last_sequence_ = record.sequence;
    ++records_count_;
    const Result<Ok> replayed = replay_kind(kind);
    LB_ASSERT(replayed.has_value());
    if (records_count_ > topics_.size() + stale_records_running_max) {
        const Result<Ok> compacted = co_await compact();
        if (!compacted) {
            env_.log.warn(
                "the metadata journal could not be made anew; it grows until it can be",
                {kv("error", to_string(compacted.error()))}
            );
        }
    }
    co_return Ok{};
}

Task<Result<Ok>> LocalMetaStore::compact() {
    JournalRecord record;
    record.sequence = last_sequence_ + 1;
    record.kind = ImageRecord{start_count_, topics_, producer_ids_end_, deleted_};
    LB_CO_CHECK(co_await journal_.compact(record));
    last_sequence_ = record.sequence;
    records_count_ = 1;
    co_return Ok{};
}

TopicImage LocalMetaStore::to_image(const TopicRecord& topic) const {
    TopicImage image;
    image.name = topic.name;
    image.id = topic.id;
    image.settings = topic.settings;
    const auto epoch = static_cast<std::int32_t>(start_count_ - topic.created_in_start);
    for (std::int32_t i = 0; i < topic.partitions; ++i) {
        image.partitions.push_back(PartitionImage{PartitionIndex(i), LeaderEpoch(epoch)});
    }
    return image;
}

void LocalMetaStore::publish_all() {
    std::vector<TopicImage> topics;
    topics.reserve(topics_.size());
    for (const TopicRecord& topic : topics_) {
        topics.push_back(to_image(topic));
    }
    image_.store(std::make_shared<const Image>(std::move(topics)));
}

Task<Result<ImagePtr>> LocalMetaStore::create_topic(NewTopic topic) {
    co_return co_await turn_.run(create_alone(std::move(topic)));
}

Task<Result<ImagePtr>> LocalMetaStore::delete_topic(const Id128 id) {
    co_return co_await turn_.run(delete_alone(id));
}

Task<Result<Ok>> LocalMetaStore::files_removed(const Id128 id) {
    co_return co_await turn_.run(files_removed_alone(id));
}

Task<Result<ImagePtr>> LocalMetaStore::add_partitions(const Id128 id, const std::int32_t count) {
    co_return co_await turn_.run(add_partitions_alone(id, count));
}

Task<Result<ProducerIdBlock>> LocalMetaStore::take_producer_ids() {
    co_return co_await turn_.run(take_producer_ids_alone());
}

Id128 LocalMetaStore::new_id() {
    for (;;) {
        if (const std::optional<kafka::Uuid> id = kafka::usable_uuid(env_.rng.id128())) {
            return id->bytes;
        }
    }
}

Result<Ok> LocalMetaStore::check(const NewTopic& topic) const {
    const ImagePtr known = image();
    if (!is_topic_name(topic.name) || !is_partitions_count(topic.partitions)) {
        return Error{ErrorCode::invalid_argument, 0, "new topic"};
    }
    if (known->find(topic.name) != nullptr) {
        return Error{ErrorCode::already_exists, 0, "new topic"};
    }
    if (known->find_alike(topic.name) != nullptr) {
        return Error{ErrorCode::invalid_argument, 0, "name of a new topic"};
    }
    if (known->topics().size() >= limits::topics_max) {
        return Error{ErrorCode::busy, 0, "number of topics"};
    }
    const auto partitions = static_cast<std::size_t>(topic.partitions);
    if (known->partitions_count() + partitions > limits::partitions_per_node_max) {
        return Error{ErrorCode::busy, 0, "number of partitions"};
    }
    std::size_t settings_bytes = bytes_of(topic.settings);
    for (const TopicImage& other : known->topics()) {
        settings_bytes += bytes_of(other.settings);
    }
    if (settings_bytes > limits::topics_settings_bytes_max) {
        return Error{ErrorCode::busy, 0, "settings of all topics"};
    }
    return Ok{};
}

Task<Result<ImagePtr>> LocalMetaStore::create_alone(NewTopic topic) {
    LB_CO_CHECK(check(topic));
    TopicRecord record;
    record.name = std::move(topic.name);
    record.id = new_id();
    record.partitions = topic.partitions;
    record.created_in_start = start_count_;
    record.settings = std::move(topic.settings);
    LB_CO_CHECK(co_await append(record));
    ImagePtr after = std::make_shared<const Image>(image()->with(to_image(record)));
    image_.store(after);
    co_return after;
}

Task<Result<ImagePtr>> LocalMetaStore::delete_alone(const Id128 id) {
    if (find_topic(id) == nullptr) {
        co_return Error{ErrorCode::not_found, 0, "topic to delete"};
    }
    const TopicDeletedRecord record{id};
    LB_CO_CHECK(co_await append(record));
    ImagePtr after = std::make_shared<const Image>(image()->without(id));
    image_.store(after);
    co_return after;
}

Task<Result<Ok>> LocalMetaStore::files_removed_alone(const Id128 id) {
    const FilesRemovedRecord record{id};
    co_return co_await append(record);
}

Task<Result<ImagePtr>> LocalMetaStore::add_partitions_alone(
    const Id128 id, const std::int32_t count
) {
    const TopicRecord* const topic = find_topic(id);
    if (topic == nullptr) {
        co_return Error{ErrorCode::not_found, 0, "topic for more partitions"};
    }
    if (!is_partitions_count(count) || count <= topic->partitions) {
        co_return Error{ErrorCode::invalid_argument, 0, "number of partitions"};
    }
    const auto added = static_cast<std::size_t>(count - topic->partitions);
    if (image()->partitions_count() + added > limits::partitions_per_node_max) {
        co_return Error{ErrorCode::busy, 0, "number of partitions"};
    }
    const PartitionsRecord record{id, count};
    LB_CO_CHECK(co_await append(record));
    ImagePtr after = std::make_shared<const Image>(image()->with(to_image(*find_topic(id))));
    image_.store(after);
    co_return after;
}

Task<Result<ProducerIdBlock>> LocalMetaStore::take_producer_ids_alone() {
    ProducerIdBlock block;
    block.first = producer_ids_end_;
    block.end = producer_ids_end_ + limits::producer_id_block;
    const ProducerIdsRecord record{block.end};
    LB_CO_CHECK(co_await append(record));
    co_return block;
}

Task<void> LocalMetaStore::close() {
    co_await journal_.close();
}

}  // namespace logboom::metadata
