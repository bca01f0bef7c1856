#include "collector/ctl/led_offsets.h"

#include "collector/ctl/partition_range.h"

namespace logboom::ctl {

namespace {

/// The columns of a partition.
struct Numbers {
    std::optional<std::int64_t> start;
    std::optional<std::int64_t> end;
    std::optional<std::int64_t> records;
};

Numbers numbers_of(const std::optional<PartitionOffsets>& offsets) {
    if (!offsets.has_value()) {
        return Numbers{};
    }
    return Numbers{offsets->log_start, offsets->end, offsets->end - offsets->log_start};
}

}  // namespace

Task<Outcome<LedOffsets>> find_led_offsets(Cluster& cluster, const TopicLayout& topic) {
    const OffsetSpec all;
    std::vector<std::int32_t> led = topic.led_partitions();
    LB_CO_TRY(
        const std::vector<PartitionRange> ranges,
        co_await find_ranges(cluster, topic, std::move(led), all)
    );
    LedOffsets offsets;
    for (const PartitionLayout& partition : topic.partitions) {
        offsets[partition.index] = std::nullopt;
    }
    for (const PartitionRange& range : ranges) {
        offsets[range.partition] = range.offsets;
    }
    co_return offsets;
}

void add_offset_cells(
    std::vector<std::string>& cells, const std::optional<PartitionOffsets>& offsets
) {
    const Numbers numbers = numbers_of(offsets);
    for (const auto& number : {numbers.start, numbers.end, numbers.records}) {
        cells.push_back(number.has_value() ? std::to_string(*number) : std::string());
    }
}

void add_offset_fields(json::JsonWriter& json, const std::optional<PartitionOffsets>& offsets) {
    const Numbers numbers = numbers_of(offsets);
    add_field(json, "start", numbers.start);
    add_field(json, "end", numbers.end);
    add_field(json, "records", numbers.records);
}

void add_field(
    json::JsonWriter& json, const std::string_view name, const std::optional<std::int64_t>& number
) {
    json.key(name);
    if (number.has_value()) {
        json.number(*number);
    } else {
        json.null();
    }
}

}  // namespace logboom::ctl
