// The index files of a log's segments: caches, which are believed only as they were written last.
#include "collector/storage/batch_reader.h"
#include "collector/storage/log.h"
#include "shared/codec/crc32c.h"

namespace logboom::storage {

namespace {

constexpr Error damaged{ErrorCode::corrupt, 0, "index file of a segment"};

}  // namespace

Task<void> Log::write_index(std::string path, const ByteView bytes) {
    Result<io::File> file = co_await env_.fs.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    Result<Ok> written = Ok{};
    if (!file) {
        written = file.error();
    } else {
        written = co_await file->pwrite(bytes, 0);
        [[maybe_unused]] const Result<Ok> closed = co_await file->close();
    }
    if (!written) {
        // A cache: whoever misses it makes it anew from the log.
        env_.log.warn(
            "an index could not be written; it is made anew when it is needed",
            {kv("file", quoted(path)), kv("error", to_string(written.error()))}
        );
    }
}

Task<void> Log::write_indexes(Segment& segment) {
    Buffer offsets;
    Buffer times;
    segment.offset_index().encode(offsets);
    segment.time_index().encode(times);
    segment.note_index_files(codec::crc32c(offsets.view()), codec::crc32c(times.view()));
    const Offset base = segment.base_offset();
    co_await write_index(path_of(base, offset_index_suffix), offsets.view());
    co_await write_index(path_of(base, time_index_suffix), times.view());
}

Task<Result<Log::Indexes>> Log::read_indexes(
    const SegmentFacts& facts, const std::size_t bytes_max
) {
    const std::string offsets_path = path_of(facts.base_offset, offset_index_suffix);
    LB_CO_TRY(const std::string offsets, co_await env_.fs.read_file(offsets_path, bytes_max));
    Result<OffsetIndex> offset_index = OffsetIndex::decode(as_bytes(offsets), facts.base_offset);
    if (!offset_index && offset_index.code() == ErrorCode::unsupported) {
        report_other_version(env_.log, offsets_path, as_bytes(offsets), OffsetIndex::file_version);
        co_return offset_index.error();
    }
    const std::string times_path = path_of(facts.base_offset, time_index_suffix);
    LB_CO_TRY(const std::string times, co_await env_.fs.read_file(times_path, bytes_max));
    Result<TimeIndex> time_index = TimeIndex::decode(as_bytes(times), facts.base_offset);
    const bool is_as_written = codec::crc32c(as_bytes(offsets)) == facts.offset_index_crc
                            && codec::crc32c(as_bytes(times)) == facts.time_index_crc;
    if (!is_as_written || !offset_index || !time_index) {
        co_return damaged;
    }
    Indexes indexes{std::move(*offset_index), std::move(*time_index)};
    co_return indexes;
}

Task<Result<Log::Indexes>> Log::indexes_of(SegmentPtr segment) {
    LB_ASSERT(!segment->has_indexes());
    const SegmentFacts facts = segment->facts();
    Result<Indexes> found = co_await read_indexes(facts, segment->index_file_bytes_max());
    if (found || found.code() == ErrorCode::unsupported) {
        co_return found;
    }
    if (segment->is_deleted) {
        co_return Error{ErrorCode::out_of_range, 0, "segment that was deleted"};
    }
    env_.log.warn(
        "an index is missing or damaged and is made anew from the log",
        {kv("partition", partition_dir_name(key_)),
         kv("file", quoted(path_of(facts.base_offset, offset_index_suffix))),
         kv("error", to_string(found.error()))}
    );
    co_return co_await rebuild_indexes(std::move(segment));
}

Task<Result<Log::Indexes>> Log::rebuild_indexes(SegmentPtr segment) {
    LB_CO_TRY(const std::shared_ptr<io::File> file, co_await open_for_reading(segment));
    Segment made(segment->base_offset());
    BatchReader reader(env_, *file, 0, segment->size_bytes());
    for (;;) {
        const Result<BatchReader::Found> found = co_await reader.next();
        const bool is_next = found && *found == BatchReader::Found::batch
                          && reader.batch().header().base_offset == made.end_offset();
        if (!is_next && made.size_bytes() == segment->size_bytes()) {
            break;
        }
        if (!is_next) {
            const Error error = found ? damaged : found.error();
            co_return report_unreadable(*segment, reader.position(), made.end_offset(), error);
        }
        made.add(reader.batch());
    }
    made.finish_indexes();
    Indexes indexes{made.offset_index(), made.time_index()};
    if (!segment->is_deleted) {
        co_await write_indexes(made);
        segment->note_index_files(made.facts().offset_index_crc, made.facts().time_index_crc);
    }
    co_return indexes;
}

}  // namespace logboom::storage
