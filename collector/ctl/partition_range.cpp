#include "collector/ctl/partition_range.h"

#include "collector/ctl/list_offsets.h"

namespace logboom::ctl {

namespace {

std::optional<std::int64_t> time_of(const std::optional<OffsetPoint>& point) {
    const bool is_time = point.has_value() && point->kind == OffsetPoint::Kind::time;
    return is_time ? std::optional(point->number) : std::nullopt;
}

std::optional<std::int64_t> found_in(
    const OffsetsByPartition& offsets, const std::int32_t partition
) {
    const auto found = offsets.find(partition);
    return found == offsets.end() ? std::nullopt : found->second;
}

}  // namespace

Task<Outcome<std::vector<PartitionRange>>> find_ranges(
    Cluster& cluster,
    const TopicLayout& topic,
    std::vector<std::int32_t> partitions,
    const OffsetSpec spec
) {
    LB_CO_TRY(
        const auto starts, co_await list_offsets(cluster, topic, partitions, timestamp_earliest)
    );
    LB_CO_TRY(const auto ends, co_await list_offsets(cluster, topic, partitions, timestamp_latest));
    OffsetsByPartition from_times;
    if (const auto time = time_of(spec.from); time.has_value()) {
        LB_CO_TRY(from_times, co_await list_offsets(cluster, topic, partitions, *time));
    }
    OffsetsByPartition until_times;
    if (const auto time = time_of(spec.until); time.has_value()) {
        LB_CO_TRY(until_times, co_await list_offsets(cluster, topic, partitions, *time));
    }
    std::vector<PartitionRange> ranges;
    for (const std::int32_t partition : partitions) {
        PartitionRange range;
        range.partition = partition;
        range.offsets.log_start = found_in(starts, partition).value_or(0);
        range.offsets.end = found_in(ends, partition).value_or(0);
        range.from = resolve(spec.from, range.offsets, found_in(from_times, partition));
        if (spec.until.has_value()) {
            range.until = resolve(*spec.until, range.offsets, found_in(until_times, partition));
        }
        ranges.push_back(range);
    }
    co_return ranges;
}

Task<Outcome<std::int64_t>> first_offset_of(
    Cluster& cluster, const TopicLayout& topic, const std::int32_t partition
) {
    std::vector<std::int32_t> one(1, partition);
    LB_CO_TRY(
        const auto starts, co_await list_offsets(cluster, topic, std::move(one), timestamp_earliest)
    );
    co_return found_in(starts, partition).value_or(0);
}

}  // namespace logboom::ctl
