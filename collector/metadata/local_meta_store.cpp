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
/// Records of past starts that may lie in the journal before it is made anew.
constexpr std::size_t stale_records_max = 64;

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
    if (image != nullptr) {
        topics_.clear();
        start_count_ = image->start_count;
        for (const TopicRecord& topic : image->topics) {
            LB_CHECK(keep(topic));
        }
    } else if (const auto* const topic = std::get_if<TopicRecord>(&record.kind)) {
        LB_CHECK(keep(*topic));
    } else {
        start_count_ = std::get<StartRecord>(record.kind).count;
    }
    return Ok{};
}

Result<Ok> LocalMetaStore::keep(TopicRecord topic) {
    const bool is_known = std::any_of(topics_.begin(), topics_.end(), [&](const TopicRecord& kept) {
        return kept.name == topic.name || kept.id == topic.id;
    });
    if (is_known || topic.created_in_start > start_count_) {
        return Error{ErrorCode::corrupt, 0, "topic of the metadata journal"};
    }
    topics_.push_back(std::move(topic));
    return Ok{};
}

Task<Result<Ok>> LocalMetaStore::note_start(const std::size_t records_count) {
    ++start_count_;
    JournalRecord record;
    record.sequence = last_sequence_ + 1;
    const bool is_stale = records_count > topics_.size() + stale_records_max;
    if (is_stale) {
        record.kind = ImageRecord{start_count_, topics_};
        LB_CO_CHECK(co_await journal_.compact(record));
    } else {
        record.kind = StartRecord{start_count_};
        LB_CO_CHECK(co_await journal_.append(record));
    }
    last_sequence_ = record.sequence;
    co_return Ok{};
}

TopicImage LocalMetaStore::to_image(const TopicRecord& topic) const {
    TopicImage image;
    image.name = topic.name;
    image.id = topic.id;
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

Task<Result<ImagePtr>> LocalMetaStore::create_topic(
    std::string name, const std::int32_t partitions
) {
    while (changing_) {
        co_await turn_.wait_uncancelled();
    }
    changing_ = true;
    Result<ImagePtr> created = co_await create_alone(std::move(name), partitions);
    changing_ = false;
    turn_.wake_one();
    co_return created;
}

Id128 LocalMetaStore::new_id() {
    for (;;) {
        if (const std::optional<kafka::Uuid> id = kafka::usable_uuid(env_.rng.id128())) {
            return id->bytes;
        }
    }
}

Task<Result<ImagePtr>> LocalMetaStore::create_alone(
    std::string name, const std::int32_t partitions
) {
    const bool is_good = is_topic_name(name) && partitions >= 1
                      && partitions <= limits::partitions_per_topic_max;
    if (!is_good) {
        co_return Error{ErrorCode::invalid_argument, 0, "new topic"};
    }
    const ImagePtr before = image();
    if (before->find(name) != nullptr) {
        co_return Error{ErrorCode::already_exists, 0, "new topic"};
    }
    if (topics_.size() >= limits::topics_max) {
        co_return Error{ErrorCode::busy, 0, "number of topics"};
    }
    std::uint64_t partitions_count = static_cast<std::uint64_t>(partitions);
    for (const TopicRecord& topic : topics_) {
        partitions_count += static_cast<std::uint64_t>(topic.partitions);
    }
    if (partitions_count > limits::partitions_per_node_max) {
        co_return Error{ErrorCode::busy, 0, "number of partitions"};
    }
    TopicRecord topic;
    topic.name = std::move(name);
    topic.id = new_id();
    topic.partitions = partitions;
    topic.created_in_start = start_count_;
    JournalRecord record;
    record.sequence = last_sequence_ + 1;
    record.kind = topic;
    LB_CO_CHECK(co_await journal_.append(record));
    last_sequence_ = record.sequence;
    ImagePtr after = std::make_shared<const Image>(before->with(to_image(topic)));
    topics_.push_back(std::move(topic));
    image_.store(after);
    co_return after;
}

Task<void> LocalMetaStore::close() {
    co_await journal_.close();
}

}  // namespace logboom::metadata
