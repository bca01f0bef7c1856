#include "agent/source/file/tailer.h"

#include "agent/source/file/compressed.h"
#include "agent/source/file/retry_list.h"
#include "agent/source/file/unreadable.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

Tailer::Counters::Counters(metrics::Registry& registry)
    : truncations(
        registry.counter("logboom_agent_truncations_total", "Files that were cut and begun anew.")
    )
    , long_lines(registry.counter(
          "logboom_agent_lines_cut_total",
          "Lines that were split, cut or dropped.",
          {{"why", "long"}}
      ))
    , dropped_bytes(registry.counter(
          "logboom_agent_dropped_bytes_total",
          "Bytes left out by choice.",
          {{"reason", "long_line"}}
      ))
    , empty_dropped(registry.counter(
          "logboom_agent_empty_lines_dropped_total", "Empty lines dropped by choice."
      ))
    , partial_tails(registry.counter(
          "logboom_agent_partial_tails_total", "Last lines sent without a line end."
      ))
    , late_bytes(registry.counter(
          "logboom_agent_late_after_rotation_total",
          "Bytes that came to a rotated file after its successor had begun."
      ))
    , read_errors(registry.counter("logboom_agent_read_errors_total", "Reads of files that failed.")
      ) {}

Tailer::Tailer(
    Env& env,
    const TailerOptions options,
    StreamTable& streams,
    TurnQueue& turns,
    Identifier& identifier,
    Checkpoint& checkpoint,
    const ship::Outlet& outlet,
    ship::MemoryBudget& memory,
    SourceMeters& meters,
    Losses& losses,
    metrics::Registry& registry
)
    : env_(env)
    , options_(options)
    , streams_(streams)
    , turns_(turns)
    , identifier_(identifier)
    , checkpoint_(checkpoint)
    , outlet_(outlet)
    , memory_(memory)
    , meters_(meters)
    , losses_(losses)
    , scope_(env.scheduler)
    , counters_(registry) {}

void Tailer::start() {
    for (std::uint32_t i = 0; i < options_.readers; ++i) {
        scope_.spawn(run());
    }
}

Task<void> Tailer::stop() {
    scope_.cancel();
    co_await scope_.join();
    for (const auto& [uid, stream] : streams_.all()) {
        co_await close(*stream);
    }
}

bool Tailer::is_drained() const {
    const auto is_done = [](const auto& entry) {
        const Stream& stream = *entry.second;
        const bool is_at_rest = !stream.is_queued && !stream.is_in_turn && !stream.is_blocked;
        const bool is_read_to_its_end = is_at_rest && stream.is_at_end && !stream.has_partial_tail
                                     && stream.is_all_acknowledged();
        return stream.losses.empty() && (stream.state == StreamState::gone || is_read_to_its_end);
    };
    return std::all_of(streams_.all().begin(), streams_.all().end(), is_done);
}

void Tailer::forget(Stream& stream) {
    meters_.end_wait(stream);
    turns_.forget(stream);
}

Task<void> Tailer::run() {
    const std::function<Stream*(const Id128&)> find = [this](const Id128& uid) {
        return streams_.find(uid);
    };
    while (true) {
        Stream* const stream = co_await turns_.next(find);
        if (stream == nullptr) {
            co_return;
        }
        co_await turn(*stream);
        turns_.done(*stream);
        co_await io::yield();
    }
}

bool Tailer::waits_for_predecessor(const Stream& stream) const {
    if (!stream.identity.predecessor) {
        return false;
    }
    const Stream* const before = streams_.find(*stream.identity.predecessor);
    return before != nullptr && before->state != StreamState::gone && !before->is_drained;
}

std::optional<ThrottledBy> Tailer::held_up_by(const Stream& stream) {
    if (!stream.losses.empty() || !events_.may_read(stream) || !outlet_.has_room(stream.uid)) {
        return ThrottledBy::collector;
    }
    return memory_.may_read() ? std::nullopt : std::optional(ThrottledBy::memory);
}

Task<void> Tailer::turn(Stream& stream) {
    meters_.end_wait(stream);
    if (events_.may_read(stream)) {
        losses_.tell(stream);
    }
    const bool has_to_tell = !stream.losses.empty();
    const bool is_read = stream.state == StreamState::active
                      || stream.state == StreamState::rotated;
    if (!is_read || stream.doubt != Doubt::none) {
        if (has_to_tell) {
            turns_.block(stream);
        }
        co_return;
    }
    co_await take_replacement(stream);
    const bool must_wait = waits_for_predecessor(stream);  // it is called when that one is drained
    const std::optional<ThrottledBy> by = must_wait && !has_to_tell ? std::nullopt
                                                                    : held_up_by(stream);
    if (by) {
        turns_.block(stream);
        meters_.begin_wait(stream, *by);
    }
    const bool has_news = std::exchange(stream.has_news, false);
    Result<After> after = After::at_end;
    if (!must_wait && !by) {
        after = co_await go_on(stream);
    } else if (has_news) {
        after = co_await look_on(stream);
    }
    if (!after) {
        on_error(stream, after.error());
        co_return;
    }
    stream.failing.reset();
    switch (*after) {
    case After::at_end: break;
    case After::again: turns_.want(stream); break;
    case After::cut:
        if (stream.replacement != nullptr) {
            turns_.want(stream);  // what was looked at is its file no more
        } else {
            on_cut(stream);
        }
        break;
    case After::no_memory:
        turns_.block(stream);
        meters_.begin_wait(stream, ThrottledBy::memory);
        break;
    }
}

/// A stream that must not be read on may be cut all the same, and the copy that has its bytes go away (T18).
Task<Result<Tailer::After>> Tailer::look_on(Stream& stream) {
    const bool has_proof = stream.identity.head_len != 0 || stream.proof().tail.size != 0;
    if (stream.is_recalled && !has_proof && !may_read(stream)) {
        co_return After::at_end;  // the collector may know it by content that its file has no more
    }
    LB_CO_TRY(const bool is_open, co_await ensure_open(stream));
    if (!is_open) {
        co_return After::at_end;
    }
    LB_CO_TRY(const Continuity seen, co_await ask_file(stream, Proving::now));
    if (seen == Continuity::same) {
        LB_CO_CHECK(co_await grow_head(stream));
    }
    if (open_count_ > options_.open_files_max && stream.state == StreamState::active) {
        co_await close(stream);
    }
    co_return seen == Continuity::same ? After::at_end : After::cut;
}

Task<Result<Tailer::After>> Tailer::go_on(Stream& stream) {
    LB_CO_TRY(const bool is_open, co_await ensure_open(stream));
    if (!is_open) {
        co_return After::at_end;
    }
    if (stream.rewind_to) {
        LB_CO_TRY(const Continuity seen, co_await go_back(stream));
        if (seen != Continuity::same) {
            co_return After::cut;
        }
        if (!stream.losses.empty()) {
            co_return After::again;
        }
    }
    if (stream.splitter.awaited()) {
        co_return co_await finish_cut_line(stream);
    }
    // A file far behind its end is asked for its size once, not for each block.
    const bool must_ask = stream.is_at_end || stream.read_to >= stream.size_asked;
    if (must_ask) {
        LB_CO_TRY(const Continuity seen, co_await ask_file(stream, Proving::by_reading));
        if (seen != Continuity::same) {
            co_return After::cut;
        }
    }
    if (stream.size_asked > stream.read_to && !stream.is_compressed) {
        LB_CO_TRY(const After after, co_await read_some(stream));
        if (after != After::at_end || !must_ask) {
            co_return after == After::at_end ? After::again : after;
        }
    }
    LB_CO_CHECK(co_await settle_at_end(stream));
    co_return After::at_end;
}

/// To where the collector wants to go on, if the file is still the one that was read up to here.
Task<Result<Continuity>> Tailer::go_back(Stream& stream) {
    stream.forget_looks();
    LB_CO_TRY(const Continuity seen, co_await ask_file(stream, Proving::now));
    if (seen != Continuity::same || !stream.rewind_to) {
        co_return seen;
    }
    // What was not taken of an earlier generation is no longer in the file.
    const ship::Position asked = *stream.rewind_to;
    const ship::Position start{stream.generation, 0};
    const bool is_of_before = asked.generation < stream.generation;
    const ship::Position position = is_of_before ? start : asked;
    const auto size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(position.offset, batch::tail_bytes_max));
    LB_CO_TRY(const Tail proof, co_await identifier_.tail(*stream.file, position.offset, size));
    if (stream.rewind_to == asked) {  // else it is asked for the other at the next turn
        stream.rewind_to.reset();
        if (asked.generation + 1 == stream.generation && asked.offset < stream.cut_at) {
            losses_.lose_range(stream, asked.generation, asked.offset, stream.cut_at);
            stream.cut_at = asked.offset;
        }
        stream.restart_at(position, proof);
    }
    co_return Continuity::same;
}

/// T6. What comes after a file that cannot be read does not wait for ever (T40).
void Tailer::on_error(Stream& stream, const Error& error) {
    if (error.code == ErrorCode::cancelled) {
        return;
    }
    counters_.read_errors.add();
    const SteadyTime now = env_.clock.now();
    if (!stream.failing) {
        stream.failing = Failing{now};
        warn_unreadable(env_.log, stream.path_now, error, std::nullopt);
    }
    stream.failing->pause = next_retry_pause(stream.failing->pause);
    turns_.want_at(stream, now + stream.failing->pause);
    if (stream.needs_draining() && now - stream.failing->since >= stream.input.rotate_quiet) {
        release_successor(stream);
    }
}

/// Opens a file that was closed while it was idle. False if another file has its name, or none has.
Task<Result<bool>> Tailer::ensure_open(Stream& stream) {
    if (stream.file != nullptr) {
        co_return true;
    }
    const std::string path = stream.path_now;
    Result<io::File> opened = co_await identifier_.open_to_read(path);
    if (!opened && !is_absent(opened.error())) {
        co_return opened.error();
    }
    std::optional<FileKey> key;
    if (opened) {
        LB_CO_TRY(const io::FileStat stat, co_await opened->stat());
        if (stat.type == io::FileType::regular) {
            LB_CO_TRY(key, co_await identifier_.key(*opened, path, stat));
        }
    }
    if (stream.file != nullptr) {  // the locator was faster
        co_return true;
    }
    if (key != key_of(stream.identity)) {
        stream.doubt = Doubt::replaced;
        events_.suspect(path);
        co_return false;
    }
    stream.file = std::make_unique<io::File>(std::move(*opened));
    ++open_count_;
    co_return true;
}

Task<void> Tailer::take_replacement(Stream& stream) {
    if (stream.replacement == nullptr) {
        co_return;
    }
    co_await close(stream);
    std::unique_ptr<io::File> replacement = std::move(stream.replacement);
    if (stream.file == nullptr && replacement != nullptr) {  // else the locator was faster
        stream.file = std::move(replacement);
        ++open_count_;
    }
    stream.forget_looks();
    stream.grown_at = env_.clock.now();
}

/// A file that was written to a moment ago may be written to again without another time stamp.
bool Tailer::is_recent(const WallTime mtime) const noexcept {
    return env_.clock.wall() - mtime < 1s;
}

/// T17: on every wake-up that may follow a change by others. If there is something to be read, it is read
/// together with its proof; else the proof is looked at whenever somebody has written.
Task<Result<Continuity>> Tailer::ask_file(Stream& stream, const Proving proving) {
    LB_CO_TRY(const io::FileStat stat, co_await stream.file->stat());
    const bool has_changed = stat.mtime != std::exchange(stream.mtime_seen, stat.mtime)
                          || is_recent(stat.mtime);
    stream.size_asked = stat.size;
    stream.is_unlinked = stat.link_count == 0;
    if (stat.size < stream.read_to) {
        co_return Continuity::truncated;
    }
    const bool is_proven_by_reading = proving == Proving::by_reading && stat.size > stream.read_to
                                   && stream.tail.size != 0;
    if (is_proven_by_reading) {
        co_return Continuity::same;
    }
    if (has_changed) {
        LB_CO_TRY(const Continuity seen, co_await check_proof(stream));
        if (seen != Continuity::same) {
            co_return seen;
        }
    }
    note_content(stream);
    co_return Continuity::same;
}

/// The file has what it was known to have, and what was found when it was asked last. It may have been cut
/// behind the position: what was there is lost, and what is there now comes behind what was read.
void Tailer::note_content(Stream& stream) {
    const SteadyTime now = env_.clock.now();
    std::uint64_t& size_seen = stream.identity.size_seen;
    const bool is_same_inode = stream.replacement == nullptr;
    if (stream.size_asked < size_seen && !stream.is_compressed && is_same_inode) {
        losses_.lose_range(stream, stream.generation, stream.size_asked, size_seen);
        env_.log.info(
            "file was shortened behind the position",
            {kv("path", quoted(stream.path_now)),
             kv("read_to", stream.read_to),
             kv("size", stream.size_asked),
             kv("lost_bytes", size_seen - stream.size_asked)}
        );
    }
    if (stream.size_asked != size_seen) {
        size_seen = stream.size_asked;
        stream.grown_at = now;
        checkpoint_.put(stream.to_entry()
        );  // what is cut or vanishes while we are down was this long
    }
    stream.written_at = stream.mtime_seen;
    stream.note_lag(now);
}

/// By the bytes before the position; where nothing was read, by the first ones.
Task<Result<Continuity>> Tailer::check_proof(Stream& stream) {
    const Proof proof = stream.proof();
    if (proof.tail.size == 0) {
        const std::uint32_t head_len = stream.identity.head_len;
        if (stream.size_asked < head_len || head_len == 0) {
            co_return head_len == 0 ? Continuity::same : Continuity::truncated;
        }
        LB_CO_TRY(const std::uint64_t head, co_await identifier_.head_hash(*stream.file, head_len));
        const FileIdentity& known = stream.identity;  // as it is by now
        const bool is_other = head_len == known.head_len && head != known.head_hash;
        co_return is_other ? Continuity::rewritten : Continuity::same;
    }
    LB_CO_TRY(
        const Tail tail, co_await identifier_.tail(*stream.file, proof.offset, proof.tail.size)
    );
    co_return continuity(proof.offset, proof.tail, stream.size_asked, tail);
}

/// Whether a copy has what the file had is the locator's to find out; the file of a path that was taken
/// away has none.
void Tailer::on_cut(Stream& stream) {
    if (stream.state == StreamState::active) {
        stream.doubt = Doubt::cut;
        events_.suspect(stream.bound_path);
    } else {
        begin_anew(stream);
        turns_.want(stream);
    }
}

void Tailer::begin_anew(Stream& stream) {
    counters_.truncations.add();
    LB_REACHED(env_, file_truncated);
    env_.log.info(
        "file was truncated; reading its new content from the beginning",
        {kv("path", quoted(stream.path_now)),
         kv("read_to", stream.read_to),
         kv("size", stream.size_asked),
         kv("lost_bytes", stream.unread_bytes())}
    );
    losses_.lose_rest(stream, LossReason::truncated_unread);
    FileIdentity identity = stream.identity;
    identity.head_len = 0;
    identity.head_hash = 0;
    identity.size_seen = 0;
    streams_.set_identity(stream, std::move(identity));
    stream.doubt = Doubt::none;
    stream.has_news = true;  // though it may not be read: it may be cut again
    stream.begin_generation();
    checkpoint_.put(stream.to_entry());
}

/// After a restart inside a line: how far behind its beginning (T34, T32). Looked for no further back than
/// a few dozen parts; a line longer than that counts on from there.
Task<Result<Ok>> Tailer::find_line_start(Stream& stream) {
    LB_REACHED(env_, line_start_searched);
    constexpr std::uint64_t look_back_max = 64u << 20;
    constexpr std::uint64_t step = 64u << 10;
    stream.must_find_line_start = false;
    Slice block = env_.pool.allocate(step);
    std::uint64_t before = 0;
    while (before < std::min(stream.read_to, look_back_max)) {
        const std::uint64_t size = std::min(step, stream.read_to - before);
        const std::uint64_t from = stream.read_to - before - size;
        const MutableByteView into = block.mutable_bytes().first(size);
        LB_CO_TRY(const std::uint32_t got, co_await stream.file->pread(into, from));
        const std::string_view text = as_text(block.view().first(got));
        const std::size_t newline = text.rfind('\n');
        if (newline != std::string_view::npos) {
            before += got - newline - 1;
            break;
        }
        before += size;
        if (from == 0) {
            before -= parse::bom_bytes(block.view().first(got));  // no part of the first line
            break;
        }
    }
    if (before == stream.read_to) {  // the file's first line; a byte order mark is no part of it
        LB_CO_TRY(const std::string head, co_await identifier_.head(*stream.file));
        before -= std::min<std::uint64_t>(before, parse::bom_bytes(as_bytes(head)));
    }
    stream.splitter.resume_inside_line(before);
    co_return Ok{};
}

/// One read brings the next bytes and those before them, whose proof is known (T17).
Task<Result<Tailer::Block>> Tailer::read_block(Stream& stream, const std::uint64_t fresh_bytes) {
    const std::uint64_t offset = stream.read_to;
    Block block;
    block.before = static_cast<std::uint32_t>(std::min<std::uint64_t>(offset, batch::tail_bytes_max)
    );
    block.slice = env_.pool.allocate(static_cast<std::uint32_t>(block.before + fresh_bytes));
    block.held = ship::MemoryHold(memory_, ship::MemoryPool::blocks, block.slice.capacity());
    const MutableByteView into = block.slice.mutable_bytes();
    LB_CO_TRY(block.got, co_await stream.file->pread(into, offset - block.before));
    if (block.got < block.before) {
        block.continuity = Continuity::truncated;
    } else if (stream.tail.size != 0) {
        const ByteView known = block.whole().first(block.before).last(stream.tail.size);
        const bool is_same = identifier_.tail_of(known) == stream.tail;
        block.continuity = is_same ? Continuity::same : Continuity::rewritten;
    }
    co_return std::move(block);
}

Task<Result<Tailer::After>> Tailer::read_some(Stream& stream) {
    if (stream.must_find_line_start) {
        LB_CO_CHECK(co_await find_line_start(stream));
    }
    const std::size_t fresh_max =
        std::max(stream.block_bytes, std::size_t{limits::agent_read_block_bytes})
        - batch::tail_bytes_max;
    const std::uint64_t offset = stream.read_to;
    const std::uint64_t wanted = std::min<std::uint64_t>(fresh_max, stream.size_asked - offset);
    LB_CO_TRY(const Block block, co_await read_block(stream, wanted));
    if (stream.rewind_to) {  // asked while we were reading
        co_return After::again;
    }
    if (block.continuity != Continuity::same) {
        co_return After::cut;
    }
    note_content(stream);
    const ByteView fresh = block.fresh();
    if (offset == 0 && is_compressed(fresh)) {
        leave_out(stream);
        co_return After::at_end;
    }
    stream.batcher.look_at(block.whole(), offset - block.before);
    const Fed fed = feed(stream, fresh);
    stream.batcher.look_away();
    take_counts(stream);
    stream.read_to = offset + fed.used;
    if (fed.used != 0) {
        stream.tail = identifier_.tail_of(block.whole().first(block.before + fed.used));
        if (stream.is_drained) {
            counters_.late_bytes.add(fed.used);
        }
    }
    meters_.read(stream.input, fed.used);
    const bool is_all = fed.used == fresh.size();
    const bool is_awaiting = stream.splitter.awaited().has_value();
    stream.has_partial_tail = !is_all || stream.splitter.is_skipping() || is_awaiting;
    if (fed.is_stopped) {
        stream.block_bytes = 0;
        co_return After::no_memory;
    }
    const bool is_stuck = fed.used == 0 && fresh.size() == fresh_max;
    stream.block_bytes = is_stuck ? stream.splitter.block_bytes_min() + fresh_max : 0;
    const bool is_last = offset + fresh.size() >= stream.size_asked || fresh.size() < wanted;
    stream.is_at_end = is_last && !is_awaiting;
    co_return is_stuck || !stream.is_at_end ? After::again : After::at_end;
}

/// Hands a block's lines to the batcher, in pieces if what they may come to, each with its headers, has no
/// room in the memory at once (D18).
Tailer::Fed Tailer::feed(Stream& stream, const ByteView fresh) {
    constexpr std::size_t piece_bytes_min = 512;
    const std::size_t record_bytes = 1 + stream.batcher.record_overhead_bytes();
    Fed fed;
    std::size_t line_bytes =
        0;  // of a line that is longer than a piece, as far as it was looked at
    while (fed.used < fresh.size()) {
        if (!memory_.may_read()) {
            fed.is_stopped = true;
            return fed;
        }
        const std::size_t left = fresh.size() - fed.used;
        const std::size_t fitting = memory_.room_bytes() / record_bytes;
        const std::size_t size =
            std::min(left, std::max({fitting, piece_bytes_min, 2 * line_bytes}));
        const std::uint64_t offset = stream.read_to + fed.used;
        const std::size_t used =
            stream.splitter.feed(fresh.subspan(fed.used, size), offset, stream.batcher);
        fed.used += used;
        stream.batcher.note_memory();
        line_bytes = used == 0 ? size : 0;
        if (stream.splitter.awaited() || (size == left && used < size)) {
            return fed;
        }
    }
    return fed;
}

/// The end of a line was found that is cut: its beginning is read once more, for nothing of it was kept
/// (T34). Blocks behind its end were not looked at.
Task<Result<Tailer::After>> Tailer::finish_cut_line(Stream& stream) {
    const parse::CutLine line = *stream.splitter.awaited();
    Slice head = env_.pool.allocate(line.head_bytes);
    const ship::MemoryHold held(memory_, ship::MemoryPool::blocks, head.capacity());
    const MutableByteView into = head.mutable_bytes();
    LB_CO_TRY(const std::uint32_t got, co_await stream.file->pread(into, line.begin));
    // The proof of the record's end.
    LB_CO_TRY(const Block end, co_await read_block(stream, 0));
    if (stream.rewind_to) {
        co_return After::again;
    }
    if (got < line.head_bytes || end.continuity != Continuity::same) {
        co_return After::cut;
    }
    stream.batcher.look_at(end.whole(), line.end - end.before);
    stream.splitter.finish_cut(head.view(), stream.batcher);
    stream.batcher.look_away();
    take_counts(stream);
    stream.has_partial_tail = false;
    co_return After::again;
}

/// T20.
void Tailer::leave_out(Stream& stream) {
    stream.is_compressed = true;
    stream.is_at_end = true;
    stream.has_partial_tail = false;
    stream.note_lag(env_.clock.now());
    env_.log.info("compressed file; it is left out", {kv("path", quoted(stream.path_now))});
}

void Tailer::take_counts(Stream& stream) {
    const parse::SplitCounts counts = stream.splitter.take_counts();
    counters_.long_lines.add(counts.long_lines);
    counters_.dropped_bytes.add(counts.dropped_long_bytes);
    counters_.empty_dropped.add(counts.empty_dropped);
}

/// Nobody writes to it, as far as anybody can tell.
Task<Result<bool>> Tailer::is_unwritten(Stream& stream) {
    const std::optional<bool> has_writer = co_await stream.file->has_writer();
    if (has_writer) {
        co_return !*has_writer;
    }
    co_return env_.clock.now() - stream.grown_at >= options_.quiet_without_lease;
}

Task<Result<Ok>> Tailer::settle_at_end(Stream& stream) {
    stream.is_at_end = true;
    LB_CO_CHECK(co_await grow_head(stream));
    if (stream.needs_draining() || stream.has_partial_tail) {
        LB_CO_CHECK(co_await settle_last_words(stream));
    }
    if (stream.state == StreamState::gone) {
        co_await close(stream);
        co_return Ok{};
    }
    stream.note_lag(env_.clock.now());
    const bool is_done = stream.is_all_acknowledged() && !stream.has_partial_tail;
    if (stream.state == StreamState::active && is_done) {
        const SteadyTime idle_at = stream.grown_at + stream.input.close_idle;
        if (env_.clock.now() >= idle_at || open_count_ > options_.open_files_max) {
            co_await close(stream);
        } else {
            turns_.want_at(stream, idle_at);
        }
    }
    co_return Ok{};
}

/// A file that others stopped writing to, or a last line without its end.
Task<Result<Ok>> Tailer::settle_last_words(Stream& stream) {
    LB_CO_TRY(const bool is_free, co_await is_unwritten(stream));
    LB_CO_TRY(const io::FileStat again, co_await stream.file->stat());
    if (again.size != stream.size_asked) {  // the last words of a writer that has just left
        turns_.want(stream);
        co_return Ok{};
    }
    const SteadyTime now = env_.clock.now();
    const Nanos quiet_for = now - stream.grown_at;
    const bool is_draining = stream.needs_draining();
    const Nanos tail_wait = is_draining ? Nanos::zero() : stream.input.partial_flush;
    if (stream.has_partial_tail && (is_draining || tail_wait > Nanos::zero())) {
        if (is_free && quiet_for >= tail_wait && memory_.may_read()) {
            LB_CO_CHECK(co_await flush_tail(stream));
        } else {
            turns_.want_at(stream, std::max(now + 1s, stream.grown_at + tail_wait));
        }
    }
    if (is_draining) {
        finish_drained(stream, quiet_for >= stream.input.rotate_quiet, is_free);
        if (stream.state != StreamState::gone) {
            turns_.want_at(stream, now + options_.rotated_poll);
        }
    }
    co_return Ok{};
}

/// T40 and T14: a file at its end. Its successor waits for what was read of it, not for the end of a line
/// that somebody may still be writing.
void Tailer::finish_drained(Stream& stream, const bool is_quiet, const bool is_unwritten) {
    if (!stream.is_all_acknowledged() || (!is_quiet && !is_unwritten)) {
        return;
    }
    if (!stream.is_drained) {
        release_successor(stream);
    }
    const bool is_finished = is_quiet && is_unwritten && !stream.has_partial_tail;
    if (stream.state == StreamState::rotated && is_finished) {
        stream.state = StreamState::gone;
        stream.gone_since_ms = to_unix_ms(env_.clock.wall());
        checkpoint_.put(stream.to_entry());
        events_.let_go(stream);
    }
}

void Tailer::release_successor(Stream& stream) {
    stream.is_drained = true;
    for (Stream* const next : streams_.followers_of(stream.uid)) {
        turns_.want(*next);
    }
}

Task<Result<Ok>> Tailer::flush_tail(Stream& stream) {
    const std::uint64_t offset = stream.read_to;
    LB_CO_TRY(const Block block, co_await read_block(stream, stream.size_asked - offset));
    const ByteView tail = block.fresh();
    const bool has_line_end = as_text(tail).find('\n') != std::string_view::npos;
    if (stream.rewind_to || block.continuity != Continuity::same || has_line_end) {
        turns_.want(stream);
        co_return Ok{};
    }
    // Of a long line that is passed over nothing may be left to read, but its beginning is held.
    stream.batcher.look_at(block.whole(), offset - block.before);
    stream.splitter.flush_partial(tail, offset, stream.batcher);
    stream.batcher.look_away();
    take_counts(stream);
    stream.read_to = offset + tail.size();
    stream.tail = identifier_.tail_of(block.whole());
    stream.has_partial_tail = stream.splitter.awaited().has_value();
    if (stream.has_partial_tail) {
        turns_.want(stream);
    }
    counters_.partial_tails.add();
    meters_.read(stream.input, tail.size());
    co_return Ok{};
}

/// T10: the head grows with a small file.
Task<Result<Ok>> Tailer::grow_head(Stream& stream) {
    const auto wanted =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(stream.size_asked, head_bytes_max));
    if (wanted <= stream.identity.head_len) {
        co_return Ok{};
    }
    FileIdentity identity = stream.identity;
    LB_CO_TRY(identity.head_hash, co_await identifier_.head_hash(*stream.file, wanted));
    const bool is_first = identity.head_len == 0;
    identity.head_len = wanted;
    identity.size_seen = stream.identity.size_seen;
    streams_.set_identity(stream, std::move(identity));
    stream.batcher.tell_identity();
    if (is_first) {
        checkpoint_.put_new(stream.to_entry());  // without a head no copy of it is known as one
    } else {
        checkpoint_.put(stream.to_entry());
    }
    co_return Ok{};
}

Task<void> Tailer::close(Stream& stream) {
    co_await close(std::move(stream.file));
}

Task<void> Tailer::close(std::unique_ptr<io::File> file) {
    if (file != nullptr) {
        --open_count_;
        [[maybe_unused]] const Result<Ok> closed = co_await file->close();
    }
}

}  // namespace logboom::source
