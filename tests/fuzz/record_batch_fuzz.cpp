// One produced record batch: what the doors check, what a leader changes in it, what its readers see.
#include "shared/record/batch.h"
#include "shared/record/batch_checker.h"
#include "shared/record/max_timestamp.h"
#include "shared/record/record_iterator.h"
#include "shared/record/source_cursor.h"
#include "tests/fuzz/fuzz.h"

#include <array>

using namespace logboom;
using namespace logboom::record;

namespace {

constexpr std::size_t size_max = 1u << 20;
constexpr std::int64_t now_ms = 1'700'000'000'000;

BatchCheckOptions options_for(const Door door) {
    BatchCheckOptions options;
    options.door = door;
    options.depth = CheckDepth::records;
    options.size_max = size_max;
    return options;
}

bool is_accepted(const ByteView bytes, const BatchCheckOptions& options) {
    Buffer scratch;
    const auto checked = check_batch(bytes, options, scratch);
    if (const auto* const fault = std::get_if<BatchFault>(&checked)) {
        LB_ASSERT(*to_string(*fault) != '\0');
        return false;
    }
    return true;
}

/// Returns how many there are; nothing if they are no headers.
std::optional<std::int32_t> count_headers(const RecordView& record) {
    HeaderIterator headers(record);
    HeaderView header;
    std::int32_t count = 0;
    while (true) {
        const Result<bool> more = headers.next(header);
        if (!more) {
            return std::nullopt;
        }
        if (!*more) {
            return count;
        }
        static_cast<void>(find_header(record, as_text(header.key)));
        ++count;
    }
}

/// Returns how many there are; nothing if they are no records.
std::optional<std::int32_t> count_records(const ByteView records, const std::int32_t claimed) {
    RecordIterator iterator(records, claimed);
    RecordView record;
    std::int32_t count = 0;
    while (true) {
        const Result<bool> more = iterator.next(record);
        if (!more) {
            return std::nullopt;
        }
        if (!*more) {
            return count;
        }
        const std::optional<std::int32_t> headers = count_headers(record);
        LB_ASSERT(!headers || *headers == record.headers_count);
        ++count;
    }
}

/// What readers of a log do, who trust no more than the header.
void look_at(const ByteView bytes) {
    const std::optional<std::uint64_t> claimed_bytes = claimed_batch_size(bytes);
    const Result<BatchView> batch = BatchView::parse(bytes, size_max);
    if (!batch) {
        return;
    }
    static_cast<void>(batch->check_crc());
    LB_ASSERT(batch->size() <= bytes.size() && batch->size() <= size_max);
    LB_ASSERT(batch->header().end_offset() > batch->header().base_offset);
    LB_ASSERT(batch->size() == claimed_bytes);
    Buffer scratch;
    const Result<ByteView> records = batch->records(scratch, size_max);
    if (records) {
        LB_ASSERT(batch->codec_id() == codec::CodecId::none || records->size() <= size_max);
        const std::int32_t claimed = batch->header().records_count;
        const std::optional<std::int32_t> count = count_records(*records, claimed);
        LB_ASSERT(!count || *count == claimed);
    }
    const Result<std::optional<SourceCursor>> cursor = read_cursor(batch->bytes());
    LB_ASSERT(!cursor || cursor->has_value() == batch->header().is_marked());
}

/// What the door of `door` takes stays good through all that a leader does to it.
void check_at(const ByteView bytes, const Door door) {
    const BatchCheckOptions options = options_for(door);
    if (!is_accepted(bytes, options)) {
        return;
    }
    const Result<BatchView> batch = BatchView::parse(bytes, size_max);
    LB_ASSERT(batch.has_value() && batch->size() == bytes.size());
    LB_ASSERT(batch->check_crc().has_value());
    Buffer scratch;
    const Result<ByteView> records = batch->records(scratch);
    LB_ASSERT(records.has_value());
    const std::int32_t claimed = batch->header().records_count;
    LB_ASSERT(count_records(*records, claimed) == claimed);

    fuzz::Exact changed(bytes);
    patch_base_offset(changed.mutable_view(), Offset(1'000'000), LeaderEpoch(7));
    LB_ASSERT(is_accepted(changed.view(), options));
    fill_max_timestamp(changed.mutable_view(), now_ms, now_ms + 60'000);
    LB_ASSERT(is_accepted(changed.view(), options));
    patch_append_time(changed.mutable_view(), now_ms);
    const Result<BatchView> appended = BatchView::parse(changed.view(), size_max);
    LB_ASSERT(appended.has_value() && appended->check_crc().has_value());
    LB_ASSERT(appended->header().has_log_append_time());
    LB_ASSERT(appended->header().base_offset == Offset(1'000'000));
}

void check_header(const ByteView bytes) {
    std::array<std::byte, limits::batch_header_bytes> again{};
    encode_batch_header(decode_batch_header(bytes), again.data());
    LB_ASSERT(fuzz::is_same(again, bytes.first(again.size())));
}

/// Chance finds no checksum and seldom a length, so both are put right.
fuzz::Exact with_right_checksum(const ByteView bytes) {
    fuzz::Exact right(bytes);
    BatchHeader header = decode_batch_header(bytes);
    header.batch_length = static_cast<std::int32_t>(bytes.size() - batch_prefix_bytes);
    encode_batch_header(header, right.mutable_view().data());
    header.crc = compute_batch_crc(right.view());
    encode_batch_header(header, right.mutable_view().data());
    return right;
}

}  // namespace

LB_FUZZ_TARGET(record_batch) {
    const ByteView bytes = fuzz::view_of(data, size);
    look_at(bytes);
    check_at(bytes, Door::kafka);
    if (size >= limits::batch_header_bytes) {
        check_header(bytes);
        const fuzz::Exact right = with_right_checksum(bytes);
        look_at(right.view());
        check_at(right.view(), Door::kafka);
        check_at(right.view(), Door::agents);
    }
    return 0;
}
