// `logboomctl read TOPIC`: records by offset, in the order of each partition.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/offset_spec.h"
#include "collector/ctl/output.h"
#include "collector/ctl/partition_range.h"
#include "collector/ctl/record_filter.h"
#include "collector/ctl/record_format.h"
#include "collector/ctl/record_walk.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace logboom::ctl {

struct ReadOptions {
    std::string topic;
    std::vector<std::int32_t> partitions;  ///< empty: all
    OffsetSpec offsets;
    std::shared_ptr<const RecordFilter> filter = std::make_shared<RecordFilter>();  ///< not null
    std::optional<std::uint64_t> records_max;
    bool should_exit_at_end = false;
    bool should_fail_if_empty = false;
    bool is_strict = false;
    bool is_quiet = false;
};

/// One run of the command. Collaborators outlive it.
class ReadCommand {
public:
    ReadCommand(
        Env& env, Cluster& cluster, Output& output, RecordFormat& format, ReadOptions options
    )
        : env_(env)
        , cluster_(cluster)
        , output_(output)
        , format_(format)
        , options_(std::move(options)) {}

    /// Reads until the end that was asked for, a limit, or cancellation.
    Task<Outcome<ExitCode>> run();

private:
    Task<Outcome<Ok>> find_cursors();
    [[nodiscard]] Outcome<std::vector<std::int32_t>> chosen_partitions() const;
    /// Says what an absolute offset that is not there means.
    [[nodiscard]] Outcome<Ok> check_range(const PartitionRange& range);
    /// One Fetch from each leader that has something left.
    Task<Outcome<Ok>> fetch_round();
    Task<Outcome<Ok>> read_from_leader(std::int32_t leader_id, std::int32_t wait_ms);
    Task<Outcome<Ok>> recover(Failure failure);
    [[nodiscard]] Outcome<Ok> take_layout(TopicLayout layout);
    [[nodiscard]] Failure damage_at(const PartitionCursor& cursor) const;
    Task<Outcome<Ok>> skip_trimmed(std::int32_t partition);
    [[nodiscard]] Outcome<Ok> take_records(PartitionCursor& cursor, ByteView records);
    [[nodiscard]] bool take_row(const RecordRow& row);
    [[nodiscard]] bool flush();
    [[nodiscard]] bool is_finished() const;
    [[nodiscard]] ExitCode finish();
    void say_where_to_continue(const std::string& why);
    [[nodiscard]] PartitionCursor* cursor_of(std::int32_t partition) noexcept;

    Env& env_;
    Cluster& cluster_;
    Output& output_;
    RecordFormat& format_;
    ReadOptions options_;

    TopicLayout topic_;
    std::vector<PartitionCursor> cursors_;
    std::vector<std::int32_t> trimmed_;  ///< partitions whose next offset is no longer there
    bool needs_layout_ = false;          ///< a leader moved
    std::string pending_;                ///< formatted, not yet written
    std::uint64_t shown_ = 0;
    std::uint32_t failures_in_a_row_ = 0;
    bool has_skipped_ = false;
    bool is_output_closed_ = false;
};

}  // namespace logboom::ctl
