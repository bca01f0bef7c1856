// Reading a log: from the cache of what was appended last, else from the files.
#include "collector/storage/batch_reader.h"
#include "collector/storage/log.h"
#include "shared/record/record_iterator.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr Error failed_directory{ErrorCode::storage_failed, 0, "log directory was given up"};
constexpr Error damaged{ErrorCode::corrupt, 0, "batch of a log"};

/// Blocks of this size are the smallest worth a read.
constexpr std::uint32_t block_bytes_min = 4u << 10;

/// The first record of the batch with that timestamp or a later one. A batch whose records do not decode,
/// which was taken unseen, is answered as a whole: a seek must not end at it for ever.
std::optional<FoundRecord> find_record(
    const record::BatchView& batch, const std::int64_t timestamp_ms
) {
    const record::BatchHeader& header = batch.header();
    const FoundRecord whole{header.max_timestamp_ms, header.base_offset};
    if (header.has_log_append_time()) {
        return whole;
    }
    Buffer scratch;
    const Result<ByteView> records = batch.records(scratch);
    if (!records) {
        return whole;
    }
    record::RecordIterator iterator(*records, header.records_count);
    record::RecordView record;
    for (;;) {
        const Result<bool> is_there = iterator.next(record);
        if (!is_there) {
            return whole;
        }
        if (!*is_there) {
            return std::nullopt;
        }
        const std::int64_t time = header.base_timestamp_ms + record.timestamp_delta_ms;
        if (time >= timestamp_ms) {
            return FoundRecord{time, header.base_offset + record.offset_delta};
        }
    }
}

/// The slices in one chunk of their own, if they hold chunks much larger than themselves.
std::vector<Slice> without_slack(ChunkPool& pool, std::vector<Slice> batches) {
    std::uint64_t bytes = 0;
    std::uint64_t held = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        bytes += batches[i].size();
        const bool is_new = i == 0 || !batches[i].is_of_same_chunk(batches[i - 1]);
        held += is_new ? batches[i].capacity() : 0;
    }
    if (held <= 2 * bytes + block_bytes_min) {
        return batches;
    }
    Slice copy = pool.allocate(static_cast<std::uint32_t>(bytes));
    std::uint32_t at = 0;
    for (Slice& batch : batches) {
        std::ranges::copy(batch.view(), copy.mutable_bytes().begin() + at);
        const std::uint32_t size = batch.size();
        batch = copy.part(at, size);
        at += size;
    }
    return batches;
}

}  // namespace

Task<Result<std::vector<Slice>>> Log::read(
    const Offset from, const std::uint32_t bytes_max, const Offset end
) {
    LB_ASSERT(!segments_.empty() && end <= written_end_);
    if (has_failed_ || directory_.has_failed()) {
        co_return failed_directory;
    }
    if (from < start_offset() || from > written_end_) {
        co_return Error{ErrorCode::out_of_range, 0, "offset of a read"};
    }
    if (from >= end) {
        co_return std::vector<Slice>();
    }
    if (tail_.reaches_back_to(from)) {
        co_return read_from_tail(from, bytes_max, end);
    }
    co_return co_await read_from_disk(from, bytes_max, end);
}

std::vector<Slice> Log::read_from_tail(
    const Offset from, const std::uint32_t bytes_max, const Offset end
) const {
    const std::deque<LogTail::Batch>& batches = tail_.batches();
    auto batch =
        std::partition_point(batches.begin(), batches.end(), [from](const LogTail::Batch& cached) {
            return cached.end_offset <= from;
        });
    std::vector<Slice> found;
    std::uint64_t bytes = 0;
    for (; batch != batches.end() && batch->end_offset <= end; ++batch) {
        bytes += batch->bytes.size();
        if (bytes > bytes_max && !found.empty()) {
            break;
        }
        found.push_back(batch->bytes);
    }
    return found;
}

Task<Result<std::vector<Slice>>> Log::read_from_disk(
    const Offset from, const std::uint32_t bytes_max, const Offset end
) {
    LB_CO_TRY(const Place place, co_await find_place(from));
    Segment& segment = *place.segment;
    LB_CO_TRY(const std::shared_ptr<io::File> file, co_await open_for_reading(segment));
    const std::uint32_t block_bytes =
        std::clamp(bytes_max, block_bytes_min, limits::log_read_bytes);
    BatchReader reader(env_, *file, place.position, segment.size_bytes(), block_bytes);
    std::vector<Slice> found;
    std::uint64_t bytes = 0;
    Offset expected = from;
    for (;;) {
        LB_CO_TRY(const BatchReader::Found kind, co_await reader.next());
        if (kind != BatchReader::Found::batch) {
            break;
        }
        const record::BatchHeader& header = reader.batch().header();
        if (header.last_offset() < from) {
            continue;
        }
        const bool is_next = found.empty() ? header.base_offset <= from
                                           : header.base_offset == expected;
        if (!is_next || header.end_offset() > end) {
            break;
        }
        bytes += reader.batch().size();
        if (bytes > bytes_max && !found.empty()) {
            break;
        }
        found.push_back(reader.slice());
        expected = header.end_offset();
    }
    if (found.empty()) {
        env_.log.error(
            "a batch of a log cannot be read: it is not as it was written",
            {kv("partition", partition_dir_name(key_)),
             kv("offset", from),
             kv("file", quoted(path_of(segment.base_offset(), log_suffix))),
             kv("position", reader.position())}
        );
        co_return damaged;
    }
    hints_[next_hint_++ % hints_.size()] = ReadHint{expected, &segment, reader.position()};
    co_return without_slack(env_.pool, std::move(found));
}

Task<Result<Log::Place>> Log::find_place(const Offset from) {
    Place place;
    for (const ReadHint& hint : hints_) {
        // A batch that begins where a reader stopped; at the end of a segment the next one begins.
        if (hint.next == from && hint.position < hint.segment->size_bytes()) {
            place.segment = &segment_of(hint.segment->base_offset());
            place.position = hint.position;
            co_return place;
        }
    }
    place.segment = &segment_of(from);
    LB_CO_TRY(const std::uint64_t position, co_await position_in(*place.segment, from));
    place.position = position;
    co_return place;
}

Segment& Log::segment_of(const Offset offset) const {
    const auto after = std::partition_point(
        segments_.begin(),
        segments_.end(),
        [offset](const std::unique_ptr<Segment>& segment) {
            return segment->base_offset() <= offset;
        }
    );
    LB_ASSERT(after != segments_.begin());
    return **std::prev(after);
}

Task<Result<std::uint64_t>> Log::position_in(Segment& segment, const Offset offset) {
    if (segment.has_indexes()) {
        co_return segment.offset_index().position_of(offset);
    }
    const std::string path = path_of(segment.base_offset(), offset_index_suffix);
    const Result<std::string> file =
        co_await env_.fs.read_file(path, segment.index_file_bytes_max());
    if (file) {
        const Result<OffsetIndex> index =
            OffsetIndex::decode(as_bytes(*file), segment.base_offset());
        if (index) {
            co_return index->position_of(offset);
        }
    }
    co_return 0;  // without its cache the segment is walked from its first batch
}

Task<Result<Offset>> Log::start_of_time(Segment& segment, const std::int64_t timestamp_ms) {
    if (segment.has_indexes()) {
        co_return segment.time_index().start_of(timestamp_ms);
    }
    const std::string path = path_of(segment.base_offset(), time_index_suffix);
    const Result<std::string> file =
        co_await env_.fs.read_file(path, segment.index_file_bytes_max());
    if (file) {
        const Result<TimeIndex> index = TimeIndex::decode(as_bytes(*file), segment.base_offset());
        if (index) {
            co_return index->start_of(timestamp_ms);
        }
    }
    co_return segment.base_offset();
}

Task<Result<std::optional<FoundRecord>>> Log::find_by_time(
    const std::int64_t timestamp_ms, const Offset end
) {
    if (has_failed_ || directory_.has_failed()) {
        co_return failed_directory;
    }
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        Segment& segment = *segments_[i];
        if (segment.largest_timestamp().timestamp_ms < timestamp_ms) {
            continue;
        }
        LB_CO_TRY(
            const std::optional<FoundRecord> found,
            co_await find_in_segment(segment, timestamp_ms, end)
        );
        if (found) {
            co_return found;
        }
    }
    co_return std::optional<FoundRecord>();
}

Task<Result<std::optional<FoundRecord>>> Log::find_in_segment(
    Segment& segment, const std::int64_t timestamp_ms, const Offset end
) {
    LB_CO_TRY(const Offset start, co_await start_of_time(segment, timestamp_ms));
    LB_CO_TRY(const std::uint64_t position, co_await position_in(segment, start));
    LB_CO_TRY(const std::shared_ptr<io::File> file, co_await open_for_reading(segment));
    BatchReader reader(env_, *file, position, segment.size_bytes());
    for (;;) {
        LB_CO_TRY(const BatchReader::Found kind, co_await reader.next());
        if (kind == BatchReader::Found::damaged || kind == BatchReader::Found::zeros) {
            co_return damaged;
        }
        if (kind == BatchReader::Found::end || reader.batch().header().end_offset() > end) {
            co_return std::optional<FoundRecord>();
        }
        if (reader.batch().header().max_timestamp_ms < timestamp_ms) {
            continue;
        }
        const std::optional<FoundRecord> found = find_record(reader.batch(), timestamp_ms);
        if (found) {
            co_return found;
        }
    }
}

LargestTimestamp Log::largest_timestamp() const noexcept {
    LargestTimestamp largest;
    for (const std::unique_ptr<Segment>& segment : segments_) {
        if (segment->largest_timestamp().timestamp_ms > largest.timestamp_ms) {
            largest = segment->largest_timestamp();
        }
    }
    return largest;
}

}  // namespace logboom::storage
