#include "collector/ctl/record_walk.h"

#include <algorithm>

namespace logboom::ctl {

namespace {

using record::BatchView;

enum class After : std::uint8_t { go_on, end };

Result<After> walk_batch(
    const std::string_view topic,
    const BatchView& batch,
    PartitionCursor& cursor,
    const TakeRow& take
) {
    LB_CHECK(batch.check_crc());
    Buffer scratch;
    LB_TRY(const ByteView records, batch.records(scratch));
    record::RecordIterator iterator(records, batch.header().records_count);
    record::RecordView record;
    RecordRow row;
    row.topic = topic;
    row.partition = cursor.partition;
    for (;;) {
        LB_TRY(const bool has_record, iterator.next(record));
        if (!has_record) {
            return After::go_on;
        }
        LB_CHECK(fill_row(batch.header(), record, row));
        if (row.offset < cursor.next) {
            continue;  // a batch begins at or before the offset that was asked for
        }
        if (cursor.stop.has_value() && row.offset >= *cursor.stop) {
            cursor.next = *cursor.stop;
            return After::end;
        }
        cursor.next = row.offset + 1;
        if (!take(row)) {
            return After::end;
        }
    }
}

bool is_cut_off(const ByteView bytes) noexcept {
    const auto size = record::claimed_batch_size(bytes);
    return bytes.size() < limits::batch_header_bytes || !size.has_value() || *size > bytes.size();
}

}  // namespace

Result<Ok> walk_records(
    const std::string_view topic,
    ByteView batches,
    PartitionCursor& cursor,
    const TakeRow& take,
    const TellSkipped& tell_skipped
) {
    while (!batches.empty() && !cursor.is_done()) {
        if (is_cut_off(batches)) {
            return Ok{};
        }
        LB_TRY(const BatchView batch, BatchView::parse(batches));
        batches = batches.subspan(batch.size());
        if (batch.header().end_offset().value <= cursor.next) {
            continue;
        }
        if (!batch.header().is_control()) {
            const auto walked = walk_batch(topic, batch, cursor, take);
            if (walked.has_value() && *walked == After::end) {
                return Ok{};
            }
            if (!walked.has_value()) {
                tell_skipped(batch.header(), walked.error());
            }
        }
        // Also behind records that compaction or damage took out.
        cursor.next = std::max(cursor.next, batch.header().end_offset().value);
    }
    return Ok{};
}

}  // namespace logboom::ctl
