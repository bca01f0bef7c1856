// The metadata of one node that needs no other service: a journal of records in a directory of its own
// (LAYOUT.md has every byte). A record is synced before its change is visible.
//
//   <dir>/node.meta   who this node is; written once, replaced as a whole
//   <dir>/journal     all changes since the last compaction; the first records are a whole image then
#pragma once

#include "collector/metadata/journal.h"
#include "collector/metadata/meta_store.h"
#include "shared/io/env.h"

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
    Task<Result<ImagePtr>> create_topic(std::string name, std::int32_t partitions) override;
    [[nodiscard]] ImagePtr image() const override { return image_.load(); }
    [[nodiscard]] std::string cluster_id() const override { return cluster_id_; }
    [[nodiscard]] BrokerId node_id() const override { return node_id_; }

private:
    Task<Result<Ok>> open_node_meta();
    Task<Result<Ok>> write_node_meta();
    Task<Result<Ok>> open_journal();
    Task<Result<Ok>> note_start(std::size_t records_count);
    Result<Ok> replay(const JournalRecord& record);
    Result<Ok> keep(TopicRecord topic);
    [[nodiscard]] TopicImage to_image(const TopicRecord& topic) const;
    void publish_all();
    [[nodiscard]] Id128 new_id();
    Task<Result<ImagePtr>> create_alone(std::string name, std::int32_t partitions);

    Env& env_;
    LocalMetaStoreOptions options_;
    std::string cluster_id_;
    BrokerId node_id_;
    std::uint32_t start_count_ = 0;
    std::uint64_t last_sequence_ = 0;
    std::vector<TopicRecord> topics_;
    std::atomic<ImagePtr> image_;
    Journal journal_;
    // One change at a time.
    bool changing_ = false;
    io::WaitQueue turn_;
};

}  // namespace logboom::metadata
