// The metadata of one node that needs no other service: a journal of records in a directory of its own
// (LAYOUT.md has every byte). A record is synced before its change is visible.
//
//   <dir>/node.meta   who this node is; written once, replaced as a whole
//   <dir>/journal     all changes since the last compaction; the first records are a whole image then
#pragma once

#include "collector/metadata/journal.h"
#include "collector/metadata/meta_store.h"
#include "shared/io/env.h"
#include "shared/io/turn.h"

#include <atomic>
#include <optional>

namespace logboom::metadata {

struct LocalMetaStoreOptions {
    std::string dir;
    /// Nothing: the one kept in the directory, 1 in a new one. Another than the one kept is an error.
    std::optional<BrokerId> node_id;
};

class LocalMetaStore final : public MetaStore {
public:
    /// Shard of all calls unless they say otherwise: that of `env`.
    LocalMetaStore(Env& env, LocalMetaStoreOptions options);

    Task<Result<Ok>> open() override;
    Task<void> close() override;
    Task<Result<ImagePtr>> create_topic(NewTopic topic) override;
    Task<Result<ImagePtr>> delete_topic(Id128 id) override;
    Task<Result<Ok>> files_removed(Id128 id) override;
    Task<Result<ImagePtr>> add_partitions(Id128 id, std::int32_t count) override;
    Task<Result<ProducerIdBlock>> take_producer_ids() override;
    [[nodiscard]] std::vector<DeletedTopic> deleted_topics() const override { return deleted_; }
    [[nodiscard]] Result<Ok> check(const NewTopic& topic) const override;
    [[nodiscard]] ImagePtr image() const override { return image_.load(); }
    [[nodiscard]] std::string cluster_id() const override { return cluster_id_; }
    [[nodiscard]] BrokerId node_id() const override { return node_id_; }

private:
    Task<Result<Ok>> open_node_meta();
    Task<Result<Ok>> write_node_meta();
    Task<Result<Ok>> open_journal();
    Task<Result<Ok>> note_start(std::size_t records_count);
    Result<Ok> replay(const JournalRecord& record);
    Result<Ok> replay_kind(const ImageRecord& image);
    Result<Ok> replay_kind(const TopicRecord& topic);
    Result<Ok> replay_kind(const StartRecord& start);
    Result<Ok> replay_kind(const TopicDeletedRecord& deleted);
    Result<Ok> replay_kind(const FilesRemovedRecord& removed);
    Result<Ok> replay_kind(const PartitionsRecord& added);
    Result<Ok> replay_kind(const ProducerIdsRecord& ids);
    [[nodiscard]] TopicRecord* find_topic(const Id128& id) noexcept;
    [[nodiscard]] TopicImage to_image(const TopicRecord& topic) const;
    void publish_all();
    [[nodiscard]] Id128 new_id();
    /// Appends one record, and makes the journal anew when it has become long.
    template <typename Kind>
    Task<Result<Ok>> append(Kind kind);
    Task<Result<Ok>> compact();
    Task<Result<ImagePtr>> create_alone(NewTopic topic);
    Task<Result<ImagePtr>> delete_alone(Id128 id);
    Task<Result<Ok>> files_removed_alone(Id128 id);
    Task<Result<ImagePtr>> add_partitions_alone(Id128 id, std::int32_t count);
    Task<Result<ProducerIdBlock>> take_producer_ids_alone();

    Env& env_;
    LocalMetaStoreOptions options_;
    std::string cluster_id_;
    BrokerId node_id_;
    std::uint32_t start_count_ = 0;
    std::uint64_t last_sequence_ = 0;
    std::size_t records_count_ = 0;  // in the journal
    std::vector<TopicRecord> topics_;
    std::vector<DeletedTopic> deleted_;
    ProducerId producer_ids_end_;
    std::atomic<ImagePtr> image_;
    Journal journal_;
    io::Turn turn_;  // one change at a time
};

}  // namespace logboom::metadata
