#include "agent/source/file/tailer.h"

#include "agent/source/file/retry_list.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

Tailer::Counters::Counters(metrics::Registry& registry)
    : bytes_read(registry.counter("logboom_agent_source_bytes_read_total", "Bytes read from files.")
    )
    , truncations(
          registry.counter("logboom_agent_truncations_total", "Files that were cut and begun anew.")
      )
    , lost_bytes(registry.counter(
          "logboom_agent_loss_bytes_total",
          "Bytes that were destroyed before they were read.",
          {{"reason", "truncated"}}
      ))
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
    metrics::Registry& registry
)
    : env_(env)
    , options_(options)
    , streams_(streams)
    , turns_(turns)
    , identifier_(identifier)
    , checkpoint_(checkpoint)
    , outlet_(outlet)
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
        return stream.state == StreamState::gone
            || (is_at_rest && stream.is_at_end && !stream.has_partial_tail
                && stream.is_all_acknowledged());
    };
    return std::all_of(streams_.all().begin(), streams_.all().end(), is_done);
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

Task<void> Tailer::turn(Stream& stream) {
    const bool is_read = stream.state == StreamState::active
                      || stream.state == StreamState::rotated;
    if (!is_read || stream.doubt != Doubt::none) {
        co_return;
    }
    co_await take_replacement(stream);
    if (waits_for_predecessor(stream)) {
        co_return;  // it is called when the predecessor is drained
    }
    if (!outlet_.has_room(stream.uid)) {
        turns_.block(stream);
        co_return;
    }
    const Result<After> after = co_await go_on(stream);
    if (!after) {
        on_error(stream, after.error());
        co_return;
    }
    stream.failing.reset();
    if (*after == After::cut) {
        on_cut(stream);
    } else if (*after == After::again) {
        turns_.want(stream);
    }
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
    }
    // A file far behind its end is asked for its size once, not for each block.
    const bool must_ask = stream.is_at_end || stream.read_to >= stream.size_asked;
    if (must_ask) {
        LB_CO_TRY(const Continuity seen, co_await ask_file(stream, Proving::by_reading));
        if (seen != Continuity::same) {
            co_return After::cut;
        }
    }
    if (stream.size_asked > stream.read_to) {
        LB_CO_TRY(const After after, co_await read_some(stream));
        if (after != After::at_end || !must_ask) {
            co_return after == After::cut ? After::cut : After::again;
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
    const ship::Position position = asked.generation < stream.generation ? start : asked;
    const auto size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(position.offset, batch::tail_bytes_max));
    LB_CO_TRY(const Tail proof, co_await identifier_.tail(*stream.file, position.offset, size));
    if (stream.rewind_to == asked) {  // else it is asked for the other at the next turn
        stream.rewind_to.reset();
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
        env_.log.warn(
            "file cannot be read; trying again, after 60 s at the most",
            {kv("path", quoted(stream.path_now)),
             kv("error", to_string(error)),
             kv("hint", "CAP_DAC_READ_SEARCH lets the agent read it")}
        );
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
    if (stream.replacement != nullptr && stream.file == nullptr) {
        stream.file = std::move(stream.replacement);
        ++open_count_;
        stream.forget_looks();
        stream.grown_at = env_.clock.now();
    }
}

/// T17: on every wake-up that may follow a change by others. If there is something to be read, it is read
/// together with its proof; else the proof is looked at whenever somebody has written.
Task<Result<Continuity>> Tailer::ask_file(Stream& stream, const Proving proving) {
    LB_CO_TRY(const io::FileStat stat, co_await stream.file->stat());
    const bool has_changed = stat.mtime != std::exchange(stream.mtime_seen, stat.mtime);
    const std::uint64_t seen_before = stream.identity.size_seen;
    stream.size_asked = stat.size;
    if (stat.size < stream.read_to) {
        co_return Continuity::truncated;
    }
    const bool is_proven_by_reading = proving == Proving::by_reading && stat.size > stream.read_to
                                   && stream.tail.size != 0;
    if (has_changed && !is_proven_by_reading) {
        LB_CO_TRY(const Continuity seen, co_await check_proof(stream));
        if (seen != Continuity::same) {
            co_return seen;
        }
    }
    if (stat.size != seen_before) {
        stream.identity.size_seen = stat.size;
        stream.grown_at = env_.clock.now();
    }
    co_return Continuity::same;
}

Task<Result<Continuity>> Tailer::check_proof(Stream& stream) {
    const Proof proof = stream.proof();
    if (proof.tail.size == 0) {
        co_return Continuity::same;
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
    const std::uint64_t seen = stream.identity.size_seen;
    const std::uint64_t lost = seen > stream.read_to ? seen - stream.read_to : 0;
    counters_.truncations.add();
    counters_.lost_bytes.add(lost);
    env_.log.info(
        "file was truncated; reading its new content from the beginning",
        {kv("path", quoted(stream.path_now)),
         kv("read_to", stream.read_to),
         kv("size", stream.size_asked),
         kv("lost_bytes", lost)}
    );
    FileIdentity identity = stream.identity;
    identity.head_len = 0;
    identity.head_hash = 0;
    identity.size_seen = 0;
    streams_.set_identity(stream, std::move(identity));
    stream.doubt = Doubt::none;
    stream.begin_generation();
    checkpoint_.put(stream.to_entry());
}

/// After a restart inside a line: how far behind its beginning (T34, T32). Looked for no further back than
/// a few dozen parts; a line longer than that counts on from there.
Task<Result<Ok>> Tailer::find_line_start(Stream& stream) {
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
    const ByteView fresh = block.fresh();
    stream.batcher.look_at(block.whole(), offset - block.before);
    const std::size_t used = stream.splitter.feed(fresh, offset, stream.batcher);
    stream.batcher.look_away();
    take_counts(stream);
    stream.read_to = offset + used;
    if (used != 0) {
        stream.tail = identifier_.tail_of(block.whole().first(block.before + used));
        if (stream.is_drained) {
            counters_.late_bytes.add(used);
        }
    }
    counters_.bytes_read.add(used);
    const bool is_stuck = used == 0 && fresh.size() == fresh_max;
    stream.block_bytes = is_stuck ? stream.splitter.block_bytes_min() + fresh_max : 0;
    stream.has_partial_tail = used < fresh.size() || stream.splitter.is_skipping();
    stream.is_at_end = offset + fresh.size() >= stream.size_asked || fresh.size() < wanted;
    co_return is_stuck || !stream.is_at_end ? After::again : After::at_end;
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
        if (is_free && quiet_for >= tail_wait) {
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
    if (stream.successor) {
        if (Stream* const next = streams_.find(*stream.successor)) {
            turns_.want(*next);
        }
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
    stream.has_partial_tail = false;
    counters_.partial_tails.add();
    counters_.bytes_read.add(tail.size());
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
    identity.head_len = wanted;
    identity.size_seen = stream.identity.size_seen;
    stream.batcher.tell_identity(identity);
    streams_.set_identity(stream, std::move(identity));
    checkpoint_.put(stream.to_entry());
    co_return Ok{};
}

Task<void> Tailer::close(Stream& stream) {
    if (stream.file == nullptr) {
        co_return;
    }
    const std::unique_ptr<io::File> file = std::move(stream.file);
    --open_count_;
    [[maybe_unused]] const Result<Ok> closed = co_await file->close();
}

}  // namespace logboom::source
