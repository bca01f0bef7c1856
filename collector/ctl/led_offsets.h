// What the partitions of a topic hold, for lists: of one that nobody leads that is not known.
#pragma once

#include "collector/ctl/cluster.h"
#include "collector/ctl/offset_spec.h"
#include "shared/json/json_writer.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace logboom::ctl {

/// By partition, all of the topic; nothing: nobody leads it.
using LedOffsets = std::map<std::int32_t, std::optional<PartitionOffsets>>;

/// Asks the leaders. `topic` outlives the task.
Task<Outcome<LedOffsets>> find_led_offsets(Cluster& cluster, const TopicLayout& topic);

/// Appends the cells START, END and RECORDS.
void add_offset_cells(
    std::vector<std::string>& cells, const std::optional<PartitionOffsets>& offsets
);
/// Adds the fields "start", "end" and "records".
void add_offset_fields(json::JsonWriter& json, const std::optional<PartitionOffsets>& offsets);

/// A field that is null where there is no number.
void add_field(
    json::JsonWriter& json, std::string_view name, const std::optional<std::int64_t>& number
);

}  // namespace logboom::ctl
