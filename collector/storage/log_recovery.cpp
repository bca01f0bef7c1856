// Opening a log: what is damaged and what is only torn.
//
// The newest state snapshot says what is below its offset: what the agents and producers had done, and which
// segments there are. Those were synced before their successors came to be, so they need not be read;
// damage in them shows when somebody does. What lies behind the snapshot is read, and all of the segment that
// was written to last: all below the recovery checkpoint was synced at some time, so damage there means that
// the disk lost or changed what it had promised to keep. The log is not served then. Behind that, the first
// range that is no batch ends the log.
//
//   newest snapshot --damaged, or ahead of the log--> the one before --> ... --> the whole log, if it
//   begins at 0 --> not served: what its agents and producers had done is nowhere else
#include "collector/storage/batch_reader.h"
#include "collector/storage/log.h"
#include "shared/codec/crc32c.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr Error damaged{ErrorCode::corrupt, 0, "synced data of a log"};

/// Blocks in which the end of a segment that was left at a clean stop is read: it is short.
constexpr std::uint32_t tail_block_bytes = 16u << 10;

std::int64_t created_ms(const io::FileStat& stat) noexcept {
    return stat.btime_ns ? *stat.btime_ns / Nanos(Millis(1)).count() : to_unix_ms(stat.mtime);
}

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
    LB_CO_TRY(FilesFound files, co_await list_files());
    LB_CO_CHECK(check_beginning(files));
    if (files.segments.empty()) {
        LB_CO_TRY(SegmentPtr first, co_await create_segment(Offset(0)));
        segments_.push_back(std::move(first));
    } else {
        if (directory_.start().clean_of(key_) == nullptr) {
            // Who made the newest segment may have been killed before its name was on disk.
            LB_CO_CHECK(co_await sync_names_in(path_));
        }
        co_await remove_leftovers(files);
        LB_CO_CHECK(co_await recover(files));
    }
    next_offset_ = written_end_ = synced_end_ = active().end_offset();
    recovery_.segments_count = segments_.size();
    recovery_.log_end = synced_end_;
    choose_roll_age();
    directory_.join(*this);
    const Checkpoint opened{synced_end_, log_start_};
    directory_.note_opened(key_, opened);
    if (good_snapshots_.empty() && (!other_snapshots_.empty() || accepted_lost_state_)) {
        snapshot_soon();  // all that there were are of no use
    }
    co_return Ok{};
}

Task<Result<Ok>> Log::create_directory() {
    LB_CO_CHECK(co_await env_.fs.make_dir(path_));
    co_return co_await sync_names_in(directory_.path());
}

Task<Result<Ok>> Log::sync_names_in(std::string path) {
    LB_CO_TRY(io::File opened, co_await env_.fs.open(path, O_RDONLY | O_DIRECTORY));
    const Result<Ok> synced = co_await opened.fsync();
    if (!synced) {
        directory_.give_up(synced.error(), path);
    }
    [[maybe_unused]] const Result<Ok> closed = co_await opened.close();
    co_return synced;
}

Task<Result<Log::FilesFound>> Log::list_files() {
    LB_CO_TRY(const std::vector<io::DirEntry> entries, co_await env_.fs.list(path_));
    FilesFound files;
    for (const io::DirEntry& entry : entries) {
        if (entry.name.ends_with(temporary_suffix)) {
            LB_CO_CHECK(co_await env_.fs.unlink(path_ + "/" + entry.name));
        } else if (const auto base = parse_segment_file_name(entry.name, log_suffix)) {
            files.segments.push_back(*base);
        } else if (const auto offset = parse_segment_file_name(entry.name, state_suffix)) {
            files.snapshots.push_back(*offset);
        } else if (const auto of = parse_segment_file_name(entry.name, offset_index_suffix)) {
            files.indexes.push_back(*of);
        } else if (const auto of_times = parse_segment_file_name(entry.name, time_index_suffix)) {
            files.indexes.push_back(*of_times);
        } else if (entry.name == accept_lost_state_name) {
            files.accepts_lost_state = true;
        }
    }
    std::sort(files.segments.begin(), files.segments.end());
    std::sort(files.snapshots.begin(), files.snapshots.end());
    co_return files;
}

/// Whether the log has a beginning, and which.
Result<Ok> Log::check_beginning(const FilesFound& files) {
    const Checkpoint* const known = directory_.start().checkpoint_of(key_);
    const CleanLog* const clean = directory_.start().clean_of(key_);
    const bool had_records = (known != nullptr && known->synced_end > Offset(0))
                          || (clean != nullptr && clean->log_end > Offset(0));
    if (files.segments.empty()) {
        return had_records
                 ? Result<Ok>(report_damage(Segment(Offset(0)), "all segments are missing"))
                 : Result<Ok>(Ok{});
    }
    const Offset first = files.segments.front();
    log_start_ = known == nullptr ? first : known->log_start;
    if (first > log_start_) {
        return report_damage(Segment(log_start_), "the first segment is missing");
    }
    if (known == nullptr && first > Offset(0)) {
        env_.log.warn(
            "the recovery checkpoint of a log is lost: it is taken to begin at its first segment",
            {kv("partition", partition_dir_name(key_)), kv("log_start", log_start_)}
        );
    }
    return Ok{};
}

/// What retention was about to delete when the program ended.
Task<void> Log::remove_leftovers(FilesFound& files) {
    std::vector<Offset> gone;
    for (const Offset base : files.indexes) {
        if (base < log_start_
            && !std::binary_search(files.segments.begin(), files.segments.end(), base)) {
            gone.push_back(base);
        }
    }
    while (files.segments.size() > 1 && files.segments[1] <= log_start_) {
        gone.push_back(files.segments.front());
        files.segments.erase(files.segments.begin());
    }
    for (const Offset base : gone) {
        co_await unlink_segment(base);
    }
}

Task<Result<Ok>> Log::recover(const FilesFound& files) {
    bool is_unreadable = false;
    for (std::size_t left = files.snapshots.size(); left != 0; --left) {
        const Offset offset = files.snapshots[left - 1];
        if (offset < files.segments.front() || !good_snapshots_.empty()) {
            other_snapshots_.push_back(offset);
            continue;
        }
        const Result<bool> fits = co_await try_state(offset, files, is_unreadable);
        if (!fits) {
            co_return fits.error();
        }
        if (*fits) {
            LB_REACHED(env_, state_restored);
        }
        std::vector<Offset>& list = *fits ? good_snapshots_ : other_snapshots_;
        list.push_back(offset);
    }
    if (good_snapshots_.empty()) {
        if (is_unreadable && files.segments.front() > Offset(0)) {
            co_return Error{ErrorCode::io, EIO, "read state snapshot"};
        }
        LB_REACHED(env_, state_rebuilt);
        LB_CO_CHECK(co_await recover_without_state(files));
    }
    co_return co_await drop_snapshots_ahead();
}

/// False: the snapshot is of no use; `is_unreadable` is set if that is the disk's fault.
Task<Result<bool>> Log::try_state(
    const Offset offset, const FilesFound& files, bool& is_unreadable
) {
    Result<StateFound> state = co_await load_state(offset);
    bool is_of_use = false;
    if (state) {
        LB_CO_TRY(is_of_use, co_await recover_from(std::move(*state), files));
    } else if (state.code() == ErrorCode::unsupported) {
        co_return state.error();
    } else if (state.error().sys_errno == EIO) {
        is_unreadable = true;
    } else if (state.error().sys_errno != 0) {
        co_return state.error();  // too many open files: it comes right later
    }
    if (!is_of_use) {
        env_.log.error(
            "a state snapshot is of no use; an older one or the log itself is read instead",
            {kv("file", quoted(path_of(offset, state_suffix))),
             kv("error", state ? std::string("it is not of this log") : to_string(state.error()))}
        );
    }
    co_return is_of_use;
}

Task<Result<Ok>> Log::recover_without_state(const FilesFound& files) {
    StateFound nothing;
    nothing.offset = files.segments.front();
    if (nothing.offset > Offset(0)) {
        if (!files.accepts_lost_state) {
            co_return report_lost_state(files);
        }
        env_.log.warn(
            "a partition is served although what its agents and producers had done is lost",
            {kv("partition", partition_dir_name(key_)), kv("log_start", log_start_)}
        );
        accepted_lost_state_ = true;
    }
    const StateSections no_sections;
    LB_CO_CHECK(observer_.restore_state(no_sections));
    LB_CO_CHECK(co_await recover_from(std::move(nothing), files));
    co_return Ok{};
}

/// One that is ahead of the log must not be there when the log has grown behind its offset.
Task<Result<Ok>> Log::drop_snapshots_ahead() {
    bool has_dropped = false;
    for (const Offset offset : other_snapshots_) {
        if (offset > active().end_offset()) {
            LB_CO_CHECK(co_await env_.fs.unlink(path_of(offset, state_suffix)));
            has_dropped = true;
        }
    }
    if (has_dropped) {
        LB_CO_CHECK(co_await sync_names_in(path_));
    }
    co_return Ok{};
}

/// False: the log does not agree with the snapshot.
Task<Result<bool>> Log::recover_from(StateFound from, const FilesFound& files) {
    segments_.clear();
    last_epoch_ = LeaderEpoch(-1);
    recovery_ = RecoveryReport();
    Recovery recovery;
    recovery.from = std::move(from);
    for (const Offset base : files.segments) {
        LB_CO_CHECK(co_await recover_segment(base, base == files.segments.back(), recovery));
    }
    if (!recovery.fits || active().end_offset() < recovery.from.offset) {
        co_return false;
    }
    LB_CO_CHECK(check_last_segment(recovery));
    LB_CO_CHECK(co_await finish_last_segment(recovery));
    co_return true;
}

Task<Result<Ok>> Log::recover_segment(
    const Offset base_offset, const bool is_last, Recovery& recovery
) {
    if (!segments_.empty() && base_offset != active().end_offset()) {
        co_return report_damage(active(), "the segment does not reach the next one");
    }
    const SegmentFacts* const facts = recovery.from.facts_of(base_offset);
    if (!is_last && facts != nullptr) {
        LB_CO_TRY(const bool is_known, co_await take_as_known(*facts));
        if (is_known) {
            co_return Ok{};
        }
    }
    const std::string path = path_of(base_offset, log_suffix);
    const int flags = is_last ? O_RDWR | O_NOFOLLOW : O_RDONLY | O_NOFOLLOW;
    LB_CO_TRY(io::File opened, co_await env_.fs.open(path, flags));
    auto file = std::make_shared<io::File>(std::move(opened));
    LB_CO_TRY(const io::FileStat stat, co_await file->stat());
    recovery.file_bytes = stat.size;
    const bool is_clean = directory_.start().clean_of(key_) != nullptr;
    if (is_last && is_clean && facts != nullptr && facts->size_bytes == stat.size) {
        LB_CO_TRY(SegmentPtr resumed, co_await resume(*facts, file));
        if (resumed != nullptr) {
            recovery.is_resumed = true;
            segments_.push_back(std::move(resumed));
            co_return Ok{};
        }
    }
    auto segment = std::make_shared<Segment>(base_offset);
    segment->file = file;
    LB_CO_CHECK(co_await scan(*segment, recovery));
    segment->set_append_times(created_ms(stat), to_unix_ms(stat.mtime));
    segments_.push_back(segment);
    if (is_last) {
        co_return co_await check_indexes(*segment, true);
    }
    if (!recovery.ends_well || segment->size_bytes() != stat.size) {
        co_return report_damage(*segment, "a closed segment holds something that is no batch");
    }
    segment->finish_indexes();
    LB_CO_CHECK(co_await check_indexes(*segment, false));
    segment->forget_indexes();
    [[maybe_unused]] const Result<Ok> closed = co_await file->close();
    segment->file.reset();
    co_return Ok{};
}

/// False: the file is not the one that is described, and has to be read.
Task<Result<bool>> Log::take_as_known(const SegmentFacts& facts) {
    const std::string path = path_of(facts.base_offset, log_suffix);
    LB_CO_TRY(const io::FileStat stat, co_await env_.fs.stat(path, false));
    if (stat.type != io::FileType::regular || stat.size != facts.size_bytes) {
        co_return false;
    }
    segments_.push_back(std::make_shared<Segment>(facts));
    last_epoch_ = facts.last_epoch;
    co_return true;
}

/// The last segment as a clean stop left it: its indexes are in their files, and only what lies behind
/// their last entry is read. Null: they are not, and all of it has to be.
Task<Result<SegmentPtr>> Log::resume(const SegmentFacts& facts, std::shared_ptr<io::File> file) {
    const std::size_t bytes_max = Segment(facts).index_file_bytes_max();
    Result<Indexes> indexes = co_await read_indexes(facts, bytes_max);
    if (!indexes && indexes.code() == ErrorCode::unsupported) {
        co_return indexes.error();
    }
    if (!indexes) {
        co_return SegmentPtr();
    }
    auto segment = std::make_shared<Segment>(facts.base_offset);
    segment->file = file;
    segment->resume(facts, std::move(indexes->offset_index), std::move(indexes->time_index));
    OffsetIndex::Entry last;
    last.last_offset_delta = -1;
    if (!segment->offset_index().entries().empty()) {
        last = segment->offset_index().entries().back();
    }
    const auto position = static_cast<std::uint64_t>(last.position);
    BatchReader reader(env_, *file, position, facts.size_bytes, tail_block_bytes);
    for (;;) {
        LB_CO_TRY(const BatchReader::Found found, co_await reader.next());
        if (found == BatchReader::Found::end) {
            break;
        }
        if (found != BatchReader::Found::batch) {
            co_return SegmentPtr();
        }
        const record::BatchView& batch = reader.batch();
        const bool is_last_entry = reader.position() == position && last.last_offset_delta >= 0;
        if (is_last_entry
            && batch.header().last_offset() - facts.base_offset == last.last_offset_delta) {
            segment->skip_to(batch, position);
        } else if (!is_last_entry && continues(*segment, batch.header())) {
            segment->add(batch);
        } else {
            co_return SegmentPtr();
        }
    }
    if (segment->facts() != facts) {
        co_return SegmentPtr();
    }
    last_epoch_ = std::max(last_epoch_, facts.last_epoch);
    co_return segment;
}

Task<Result<Ok>> Log::scan(Segment& segment, Recovery& recovery) {
    const Offset state_end = recovery.from.offset;
    ++recovery_.segments_read;
    BatchReader reader(env_, *segment.file, 0, recovery.file_bytes);
    for (;;) {
        LB_CO_TRY(const BatchReader::Found found, co_await reader.next());
        if (found != BatchReader::Found::batch) {
            recovery.ends_well = found == BatchReader::Found::end
                              || found == BatchReader::Found::zeros;
            co_return Ok{};
        }
        const record::BatchHeader& header = reader.batch().header();
        if (!continues(segment, header)) {
            recovery.ends_well = false;
            co_return Ok{};
        }
        segment.add(reader.batch());
        last_epoch_ = header.leader_epoch;
        if (header.base_offset >= state_end) {
            observer_.on_recovered_batch(reader.batch());
        } else if (header.end_offset() > state_end) {
            recovery.fits = false;  // no state ends inside a batch
        }
    }
}

bool Log::continues(const Segment& segment, const record::BatchHeader& header) const {
    // These fields lie outside the batch's checksum; their order is what proves them.
    return header.base_offset == segment.end_offset() && header.leader_epoch >= last_epoch_
        && header.last_offset() - segment.base_offset() <= INT32_MAX
        && segment.size_bytes() <= INT32_MAX;
}

Result<Ok> Log::check_last_segment(const Recovery& recovery) {
    const Segment& segment = active();
    const CleanLog* const clean = directory_.start().clean_of(key_);
    if (clean != nullptr) {
        const bool is_as_left = clean->log_end == segment.end_offset()
                             && clean->segment_base == segment.base_offset()
                             && clean->segment_bytes == recovery.file_bytes
                             && clean->segment_bytes == segment.size_bytes();
        if (!is_as_left) {
            return report_damage(segment, "the log is not as it was left at the clean stop");
        }
        recovery_.was_clean = true;
    }
    if (segment.end_offset() < directory_.start().synced_end_of(key_)) {
        return report_damage(segment, "the log ends below its recovery checkpoint");
    }
    return Ok{};
}

Task<Result<Ok>> Log::finish_last_segment(const Recovery& recovery) {
    const SegmentPtr segment = segments_.back();
    const std::uint64_t valid_bytes = segment->size_bytes();
    const std::shared_ptr<io::File> file = segment->file;
    allocated_bytes_ = valid_bytes;
    if (recovery.is_resumed) {
        described_end_ = recovery.from.offset;
        co_return Ok{};
    }
    LB_CO_TRY(
        const std::uint64_t data_end,
        co_await find_data_end(env_, *file, valid_bytes, recovery.file_bytes)
    );
    recovery_.dropped_bytes = data_end - valid_bytes;
    if (recovery_.dropped_bytes != 0 || !recovery.ends_well) {
        LB_REACHED(env_, torn_tail_cut);
        env_.log.warn(
            "torn tail of a log cut off: what was being written when the node went down",
            {kv("partition", partition_dir_name(key_)),
             kv("log_end", segment->end_offset()),
             kv("valid_bytes", valid_bytes),
             kv("dropped_bytes", recovery_.dropped_bytes)}
        );
    }
    if (recovery.file_bytes > valid_bytes) {
        LB_CO_CHECK(co_await file->truncate(valid_bytes));
    }
    Result<Ok> synced = co_await write_back(*segment);
    // As on file systems that copy what is overwritten.
    const bool has_no_room = !synced && synced.code() == ErrorCode::no_space;
    if (has_no_room) {
        env_.log.warn(
            "no room to write the end of a log once more: it counts as durable when its sync succeeds",
            {kv("partition", partition_dir_name(key_)), kv("error", to_string(synced.error()))}
        );
        synced = Ok{};
    }
    if (synced) {
        synced = co_await file->fsync();
    }
    if (!synced) {
        give_up(synced.error(), *segment);
    }
    co_return synced;
}

/// What was read behind the checkpoint may be in the page cache only, and a sync that has failed leaves it
/// there as if it were on disk ("fsyncgate"): the next sync would pass over it. So it is written once more.
Task<Result<Ok>> Log::write_back(const Segment& segment) {
    const std::shared_ptr<io::File> file = segment.file;
    const Offset synced_end = directory_.start().synced_end_of(key_);
    Slice block = env_.pool.allocate(limits::log_read_bytes);
    for (std::uint64_t at = segment.offset_index().position_of(synced_end);
         at < segment.size_bytes();) {
        const auto wanted = std::min<std::uint64_t>(block.size(), segment.size_bytes() - at);
        const MutableByteView into = block.mutable_bytes().first(static_cast<std::size_t>(wanted));
        LB_CO_TRY(const std::uint32_t got, co_await file->pread(into, at));
        if (got == 0) {
            co_return Error{ErrorCode::corrupt, 0, "size of a segment"};
        }
        LB_CO_CHECK(co_await file->pwrite(into.first(got), at));
        at += got;
    }
    co_return Ok{};
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
    if (is_last) {  // its index files are written when it is closed
        co_return Ok{};
    }
    if (is_good) {
        segment.note_index_files(
            codec::crc32c(as_bytes(*offsets)), codec::crc32c(as_bytes(*times))
        );
        co_return Ok{};
    }
    ++recovery_.indexes_rebuilt;
    co_await write_indexes(segment);
    co_return Ok{};
}

Error Log::report_lost_state(const FilesFound& files) const {
    env_.log.error(
        "partition is not served: what its agents and producers had done is in no state snapshot that can "
        "be read, and the segments that could tell it are deleted. Restore a snapshot, or make an empty "
        "file accept-lost-state in its directory: it is served then, and what they send again is stored "
        "twice",
        {kv("partition", partition_dir_name(key_)),
         kv("directory", quoted(path_)),
         kv("snapshots", files.snapshots.size()),
         kv("log_start", log_start_)}
    );
    return Error{ErrorCode::corrupt, 0, "state of a log"};
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
         kv("checkpoint", directory_.start().synced_end_of(key_))}
    );
    return damaged;
}

}  // namespace logboom::storage
