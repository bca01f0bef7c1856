// Opening a log: what is damaged and what is only torn.
//
// Closed segments were synced before their successors came to be, and all below the recovery checkpoint
// was synced at some time: damage there means that the disk lost or changed what it had promised to keep.
// The log is not served then. Behind that, the first range that is no batch ends the log.
#include "collector/storage/batch_reader.h"
#include "collector/storage/log.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr Error damaged{ErrorCode::corrupt, 0, "synced data of a log"};

}  // namespace

Task<Result<Ok>> Log::open() {
    if (directory_.has_failed()) {
        co_return Error{ErrorCode::storage_failed, 0, "log directory was given up"};
    }
    const Result<io::FileStat> stat = co_await env_.fs.stat(path_);
    if (!stat && stat.code() != ErrorCode::not_found) {
        co_return stat.error();
    }
    if (!stat) {
        LB_CO_CHECK(co_await create_directory());
    }
    LB_CO_TRY(const std::vector<Offset> bases, co_await list_segments());
    const bool is_new = bases.empty();
    const CleanLog* const clean = directory_.start().clean_of(key_);
    const bool had_records = directory_.start().checkpoint_of(key_) > Offset(0)
                          || (clean != nullptr && clean->log_end > Offset(0));
    if (is_new && had_records) {
        co_return report_damage(Segment(Offset(0)), "all segments are missing");
    }
    if (!is_new && bases.front() != Offset(0)) {
        co_return report_damage(Segment(Offset(0)), "the first segment is missing");
    }
    if (is_new) {
        LB_CO_TRY(std::unique_ptr<Segment> first, co_await create_segment(Offset(0)));
        segments_.push_back(std::move(first));
    } else if (clean == nullptr) {
        // Who made the newest segment may have been killed before its name was on disk.
        LB_CO_CHECK(co_await sync_names_in(path_));
    }
    for (const Offset base : bases) {
        LB_CO_CHECK(co_await recover_segment(base, base == bases.back()));
    }
    next_offset_ = written_end_ = synced_end_ = active().end_offset();
    recovery_.segments_count = segments_.size();
    recovery_.log_end = synced_end_;
    directory_.join(*this);
    directory_.note_synced(key_, synced_end_);
    co_return Ok{};
}

Task<Result<Ok>> Log::create_directory() {
    LB_CO_CHECK(co_await env_.fs.make_dir(path_));
    co_return co_await sync_names_in(directory_.path());
}

Task<Result<Ok>> Log::sync_names_in(std::string path) {
    const Result<Ok> synced = co_await env_.fs.sync_dir(path);
    if (!synced) {
        directory_.give_up(synced.error(), path);
    }
    co_return synced;
}

Task<Result<std::vector<Offset>>> Log::list_segments() {
    LB_CO_TRY(const std::vector<io::DirEntry> entries, co_await env_.fs.list(path_));
    std::vector<Offset> bases;
    for (const io::DirEntry& entry : entries) {
        if (entry.name.ends_with(temporary_suffix)) {
            LB_CO_CHECK(co_await env_.fs.unlink(path_ + "/" + entry.name));
        } else if (const auto base = parse_segment_file_name(entry.name, log_suffix)) {
            bases.push_back(*base);
        }
    }
    std::sort(bases.begin(), bases.end());
    co_return bases;
}

Task<Result<Ok>> Log::recover_segment(const Offset base_offset, const bool is_last) {
    if (!segments_.empty() && base_offset != active().end_offset()) {
        co_return report_damage(active(), "the segment does not reach the next one");
    }
    auto owned = std::make_unique<Segment>(base_offset);
    Segment& segment = *owned;
    const std::string path = path_of(base_offset, log_suffix);
    const int flags = is_last ? O_RDWR | O_NOFOLLOW : O_RDONLY | O_NOFOLLOW;
    LB_CO_TRY(io::File file, co_await env_.fs.open(path, flags));
    segment.file = std::make_shared<io::File>(std::move(file));
    LB_CO_TRY(const io::FileStat stat, co_await segment.file->stat());
    bool ends_well = false;
    LB_CO_CHECK(co_await scan(segment, stat.size, ends_well));
    segments_.push_back(std::move(owned));
    if (is_last) {
        LB_CO_CHECK(co_await finish_last_segment(segment, stat.size, ends_well));
        co_return co_await check_indexes(segment, true);
    }
    if (!ends_well || segment.size_bytes() != stat.size) {
        co_return report_damage(segment, "a closed segment holds something that is no batch");
    }
    segment.finish_indexes();
    LB_CO_CHECK(co_await check_indexes(segment, false));
    segment.forget_indexes();
    [[maybe_unused]] const Result<Ok> closed = co_await segment.file->close();
    segment.file.reset();
    co_return Ok{};
}

Task<Result<Ok>> Log::scan(Segment& segment, const std::uint64_t file_bytes, bool& ends_well) {
    BatchReader reader(env_, *segment.file, 0, file_bytes);
    for (;;) {
        LB_CO_TRY(const BatchReader::Found found, co_await reader.next());
        if (found != BatchReader::Found::batch) {
            ends_well = found == BatchReader::Found::end || found == BatchReader::Found::zeros;
            co_return Ok{};
        }
        if (!continues(segment, reader.batch().header())) {
            ends_well = false;
            co_return Ok{};
        }
        segment.add(reader.batch());
        last_epoch_ = reader.batch().header().leader_epoch;
        observer_.on_recovered_batch(reader.batch());
    }
}

bool Log::continues(const Segment& segment, const record::BatchHeader& header) const {
    // These fields lie outside the batch's checksum; their order is what proves them.
    return header.base_offset == segment.end_offset() && header.leader_epoch >= last_epoch_
        && header.last_offset() - segment.base_offset() <= INT32_MAX
        && segment.size_bytes() <= INT32_MAX;
}

Task<Result<Ok>> Log::finish_last_segment(
    Segment& segment, const std::uint64_t file_bytes, const bool ends_well
) {
    const CleanLog* const clean = directory_.start().clean_of(key_);
    if (clean != nullptr) {
        const bool is_as_left = clean->log_end == segment.end_offset()
                             && clean->segment_base == segment.base_offset()
                             && clean->segment_bytes == file_bytes
                             && clean->segment_bytes == segment.size_bytes();
        if (!is_as_left) {
            co_return report_damage(segment, "the log is not as it was left at the clean stop");
        }
        recovery_.was_clean = true;
    }
    if (segment.end_offset() < directory_.start().checkpoint_of(key_)) {
        co_return report_damage(segment, "the log ends below its recovery checkpoint");
    }
    const std::uint64_t valid_bytes = segment.size_bytes();
    LB_CO_TRY(
        const std::uint64_t data_end,
        co_await find_data_end(env_, *segment.file, valid_bytes, file_bytes)
    );
    recovery_.dropped_bytes = data_end - valid_bytes;
    if (recovery_.dropped_bytes != 0 || !ends_well) {
        env_.log.warn(
            "torn tail of a log cut off: what was being written when the node went down",
            {kv("partition", partition_dir_name(key_)),
             kv("log_end", segment.end_offset()),
             kv("valid_bytes", valid_bytes),
             kv("dropped_bytes", recovery_.dropped_bytes)}
        );
    }
    if (file_bytes > valid_bytes) {
        LB_CO_CHECK(co_await segment.file->truncate(valid_bytes));
    }
    // What we read may be in the page cache only.
    const Result<Ok> synced = co_await segment.file->fsync();
    if (!synced) {
        give_up(synced.error(), segment);
    }
    allocated_bytes_ = valid_bytes;
    co_return synced;
}

Task<Result<Ok>> Log::check_indexes(Segment& segment, const bool is_last) {
    const std::string offsets_path = path_of(segment.base_offset(), offset_index_suffix);
    const Result<std::string> offsets =
        co_await env_.fs.read_file(offsets_path, segment.index_file_bytes_max());
    bool is_good = false;
    if (offsets) {
        const Result<OffsetIndex> kept =
            OffsetIndex::decode(as_bytes(*offsets), segment.base_offset());
        if (kept) {
            const std::optional<std::size_t> other =
                OffsetIndex::first_contradiction(*kept, segment.offset_index());
            if (other) {
                co_return report_other_heads(segment, *other);
            }
        }
        if (!kept && kept.code() == ErrorCode::unsupported) {
            report_other_version(
                env_.log, offsets_path, as_bytes(*offsets), OffsetIndex::file_version
            );
            co_return kept.error();
        }
        is_good = kept && kept->entries() == segment.offset_index().entries();
    }
    const std::string times_path = path_of(segment.base_offset(), time_index_suffix);
    const Result<std::string> times =
        co_await env_.fs.read_file(times_path, segment.index_file_bytes_max());
    if (times && is_good) {
        const Result<TimeIndex> kept = TimeIndex::decode(as_bytes(*times), segment.base_offset());
        is_good = kept && kept->entries() == segment.time_index().entries();
    } else {
        is_good = false;
    }
    if (is_good || is_last) {  // the last one's are written when it is closed
        co_return Ok{};
    }
    ++recovery_.indexes_rebuilt;
    co_await write_indexes(segment);
    co_return Ok{};
}

Error Log::report_damage(const Segment& segment, const char* const what) const {
    return report_damage_at(segment, what, segment.size_bytes(), segment.end_offset());
}

Error Log::report_other_heads(const Segment& segment, const std::size_t entry) const {
    // The damage lies behind the batch of the entry before.
    std::uint64_t position = 0;
    Offset offset = segment.base_offset();
    if (entry != 0) {
        const OffsetIndex::Entry& before = segment.offset_index().entries()[entry - 1];
        position = static_cast<std::uint64_t>(before.position);
        offset += before.last_offset_delta;
    }
    return report_damage_at(
        segment, "an intact index entry contradicts the log behind this place", position, offset
    );
}

Error Log::report_damage_at(
    const Segment& segment,
    const char* const what,
    const std::uint64_t position,
    const Offset offset
) const {
    env_.log.error(
        "partition is not served: synced data of its log is damaged",
        {kv("partition", partition_dir_name(key_)),
         kv("what", what),
         kv("file", quoted(path_of(segment.base_offset(), log_suffix))),
         kv("position", position),
         kv("offset", offset),
         kv("checkpoint", directory_.start().checkpoint_of(key_))}
    );
    return damaged;
}

}  // namespace logboom::storage
