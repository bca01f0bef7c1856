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

/// The first record of the batch with that timestamp or a later one. A batch whose records do not decode or
/// make no sense, which was taken unseen, is answered as a whole: a seek must not end at it for ever.
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
        std::int64_t time_ms = 0;
        if (record.offset_delta < 0 || record.offset_delta > header.last_offset_delta
            || __builtin_add_overflow(
                header.base_timestamp_ms, record.timestamp_delta_ms, &time_ms
            )) {
            return whole;
        }
        if (time_ms >= timestamp_ms) {
            return FoundRecord{time_ms, header.base_offset + record.offset_delta};
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
    const SegmentPtr segment = place.segment;
    const Result<std::shared_ptr<io::File>> opened = co_await open_for_reading(segment);
    if (!opened) {
        co_return report_unreadable(*segment, place.position, from, opened.error());
    }
    LB_REACHED(env_, read_from_file);
    const std::shared_ptr<io::File> file = *opened;
    const std::uint32_t block_bytes =
        std::clamp(bytes_max, block_bytes_min, limits::log_read_bytes);
    BatchReader reader(env_, *file, place.position, segment->size_bytes(), block_bytes);
    std::vector<Slice> found;
    std::uint64_t bytes = 0;
    Offset expected = from;
    LeaderEpoch epoch(-1);
    Error error = damaged;
    for (;;) {
        const Result<BatchReader::Found> kind = co_await reader.next();
        if (!kind) {
            error = kind.error();
            break;
        }
        if (*kind != BatchReader::Found::batch) {
            break;
        }
        const record::BatchHeader& header = reader.batch().header();
        if (header.last_offset() < from) {
            continue;
        }
        // Offset and epoch are in no checksum of the batch; their order is what proves them.
        const bool is_next = found.empty() ? header.base_offset <= from
                                           : header.base_offset == expected;
        const bool is_epoch_of_log = header.leader_epoch >= epoch
                                  && header.leader_epoch <= last_epoch_;
        if (!is_next || !is_epoch_of_log || header.end_offset() > end) {
            break;
        }
        epoch = header.leader_epoch;
        bytes += reader.batch().size();
        if (bytes > bytes_max && !found.empty()) {
            break;
        }
        found.push_back(reader.slice());
        expected = header.end_offset();
    }
    if (found.empty()) {
        co_return report_unreadable(*segment, reader.position(), from, error);
    }
    if (!segment->is_deleted) {
        ReadHint& hint = hints_[next_hint_++ % hints_.size()];
        hint.next = expected;
        hint.segment = segment;
        hint.position = reader.position();
    }
    co_return without_slack(env_.pool, std::move(found));
}

/// Counts and tells why nothing can be sent, once for each place: a consumer asks many times a second.
Error Log::report_unreadable(
    const Segment& segment, const std::uint64_t position, const Offset offset, const Error& error
) {
    if (error.code == ErrorCode::out_of_range || error.code == ErrorCode::cancelled) {
        return error;  // retention took it meanwhile
    }
    StorageMetrics& metrics = directory_.metrics();
    (error.code == ErrorCode::corrupt ? metrics.corrupt_batches : metrics.read_errors).add();
    if (reported_offset_ != offset) {
        reported_offset_ = offset;
        env_.log.error(
            error.code == ErrorCode::corrupt
                ? "a batch of a log cannot be read: it is not as it was written; nothing of it is sent"
                : "a batch of a log cannot be read",
            {kv("partition", partition_dir_name(key_)),
             kv("offset", offset),
             kv("file", quoted(path_of(segment.base_offset(), log_suffix))),
             kv("position", position),
             kv("error", to_string(error))}
        );
    }
    return error;
}

Task<Result<Log::Place>> Log::find_place(const Offset from) {
    Place place;
    for (const ReadHint& hint : hints_) {
        // A batch that begins where a reader stopped; at the end of a segment the next one begins.
        if (hint.next == from && hint.position < hint.segment->size_bytes()) {
            place.segment = hint.segment;
            place.position = hint.position;
            co_return place;
        }
    }
    place.segment = segment_of(from);
    LB_CO_TRY(const std::uint64_t position, co_await position_in(place.segment, from));
    place.position = position;
    co_return place;
}

SegmentPtr Log::segment_of(const Offset offset) const {
    const auto after = std::partition_point(
        segments_.begin(),
        segments_.end(),
        [offset](const SegmentPtr& segment) { return segment->base_offset() <= offset; }
    );
    LB_ASSERT(after != segments_.begin());
    return *std::prev(after);
}

Task<Result<std::uint64_t>> Log::position_in(SegmentPtr segment, const Offset offset) {
    if (segment->has_indexes()) {
        co_return segment->offset_index().position_of(offset);
    }
    LB_CO_TRY(const Indexes indexes, co_await indexes_of(std::move(segment)));
    co_return indexes.offset_index.position_of(offset);
}

Task<Result<std::uint64_t>> Log::position_of_time(
    SegmentPtr segment, const std::int64_t timestamp_ms
) {
    if (segment->has_indexes()) {
        const Offset start = segment->time_index().start_of(timestamp_ms);
        co_return segment->offset_index().position_of(start);
    }
    LB_CO_TRY(const Indexes indexes, co_await indexes_of(std::move(segment)));
    co_return indexes.offset_index.position_of(indexes.time_index.start_of(timestamp_ms));
}

Task<Result<std::optional<FoundRecord>>> Log::find_by_time(
    const std::int64_t timestamp_ms, const Offset end
) {
    if (has_failed_ || directory_.has_failed()) {
        co_return failed_directory;
    }
    const std::vector<SegmentPtr> segments = segments_;  // some may be deleted meanwhile
    for (const SegmentPtr& segment : segments) {
        if (segment->largest_timestamp().timestamp_ms < timestamp_ms) {
            continue;
        }
        const Result<std::optional<FoundRecord>> found =
            co_await find_in_segment(segment, timestamp_ms, end);
        if (segment->is_deleted) {
            continue;
        }
        if (!found || *found) {
            co_return found;
        }
    }
    co_return std::optional<FoundRecord>();
}

Task<Result<std::optional<FoundRecord>>> Log::find_in_segment(
    SegmentPtr segment, const std::int64_t timestamp_ms, const Offset end
) {
    LB_CO_TRY(const std::uint64_t position, co_await position_of_time(segment, timestamp_ms));
    LB_CO_TRY(const std::shared_ptr<io::File> file, co_await open_for_reading(segment));
    BatchReader reader(env_, *file, position, segment->size_bytes());
    for (;;) {
        const Result<BatchReader::Found> kind = co_await reader.next();
        const bool is_readable = kind && *kind != BatchReader::Found::damaged
                              && *kind != BatchReader::Found::zeros;
        if (!is_readable) {
            const Error error = kind ? damaged : kind.error();
            co_return report_unreadable(*segment, reader.position(), segment->base_offset(), error);
        }
        if (*kind == BatchReader::Found::end || reader.batch().header().end_offset() > end) {
            co_return std::optional<FoundRecord>();
        }
        if (reader.batch().header().max_timestamp_ms < timestamp_ms) {
            continue;
        }
        const std::optional<FoundRecord> found = find_record(reader.batch(), timestamp_ms);
        if (found) {
            co_return found;
        }
        co_await io::yield(
        );  // to unpack a batch takes long, and many may have promised a later time
    }
}

LargestTimestamp Log::largest_timestamp() const noexcept {
    LargestTimestamp largest;
    for (const SegmentPtr& segment : segments_) {
        if (segment->largest_timestamp().timestamp_ms > largest.timestamp_ms) {
            largest = segment->largest_timestamp();
        }
    }
    return largest;
}

}  // namespace logboom::storage
