// One record of the metadata journal, and the node's own file.
#include "collector/metadata/image.h"
#include "collector/metadata/journal_record.h"
#include "shared/base/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::metadata;

namespace {

constexpr auto encode_any = [](const auto& message, Buffer& out) { encode(message, out); };

void check_topic(const TopicRecord& topic) {
    LB_ASSERT(is_topic_name(topic.name));
    LB_ASSERT(topic.partitions >= 1 && topic.partitions <= limits::partitions_per_topic_max);
}

}  // namespace

LB_FUZZ_TARGET(metadata_journal) {
    const ByteView bytes = fuzz::view_of(data, size);
    fuzz::check_round_trip(bytes, decode_node_meta, encode_any);
    const Result<JournalRecord> record =
        fuzz::decode_and_back(bytes, decode_journal_record, encode_any);
    if (record) {
        if (const auto* const topic = std::get_if<TopicRecord>(&record->kind)) {
            check_topic(*topic);
        }
        if (const auto* const image = std::get_if<ImageRecord>(&record->kind)) {
            std::ranges::for_each(image->topics, check_topic);
        }
    }
    return 0;
}
