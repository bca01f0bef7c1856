#include "agent/source/file/tailer.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

Tailer::Counters::Counters(metrics::Registry& registry)
    : bytes_read(registry.counter("logboom_agent_source_bytes_read_total", "Bytes read from files."))
    , truncations(
          registry.counter("logboom_agent_truncations_total", "Files that were cut and begun anew.")
      )
    , lost_bytes(registry.counter(
          "logboom_agent_loss_bytes_total",
          "Bytes that were destroyed before they were read.",
          {{"reason", "truncated"}}
      ))
    , long_lines(registry.counter(
          "logboom_agent_lines_cut_total", "Lines that were split, cut or dropped.", {{"why", "long"}}
      ))
    , empty_dropped(
          registry.counter("logboom_agent_empty_lines_dropped_total", "Empty lines dropped by choice.")
      )
    , partial_tails(
          registry.counter("logboom_agent_partial_tails_total", "Last lines sent without a line end.")
      )
    , late_bytes(registry.counter(
          "logboom_agent_late_after_rotation_total",
          "Bytes that came to a rotated file after its successor had begun."
      ))
    , read_errors(registry.counter("logboom_agent_read_errors_total", "Reads of files that failed.")) {}

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
    if (!stream.predecessor) {
        return false;
    }
    const Stream* const before = streams_.find(*stream.predecessor);
    return before != nullptr && before->state != StreamState::gone && !before->is_drained;
}

Task<void> Tailer::turn(Stream& stream) {
    if (stream.state == StreamState::known || stream.state == StreamState::gone) {
        co_return;
    }
    if (const auto rewind = std::exchange(stream.rewind_to, std::nullopt)) {
        // What was not taken of an earlier generation is no longer in the file.
        const bool is_past = rewind->generation < stream.generation;
        const ship::Position start{stream.generation, 0};
        stream.restart_at(is_past ? start : *rewind, Tail());
    }
    if (waits_for_predecessor(stream)) {
        co_return;  // it is called when the predecessor is drained
    }
    if (!outlet_.has_room(stream.uid)) {
        turns_.block(stream);
        co_return;
    }
    Result<Ok> done = co_await ensure_open(stream);
    if (!done || stream.file == nullptr) {
        if (!done) {
            on_error(stream, done.error());
        }
        co_return;
    }
    const Result<io::FileStat> stat = co_await stream.file->stat();
    if (!stat) {
        on_error(stream, stat.error());
        co_return;
    }
    done = co_await check_continuity(stream, *stat);
    if (done && stat->size > stream.read_to) {
        const Result<After> read = co_await read_some(stream, stat->size);
        if (read && *read == After::again) {
            turns_.want(stream);
            co_return;
        }
        done = read ? Result<Ok>(Ok{}) : Result<Ok>(read.error());
    }
    if (done) {
        done = co_await settle_at_end(stream, *stat);
    }
    if (!done) {
        on_error(stream, done.error());
    }
}

void Tailer::on_error(Stream& stream, const Error& error) {
    if (error.code == ErrorCode::cancelled) {
        return;
    }
    counters_.read_errors.add();
    env_.log.warn(
        "file cannot be read; trying again in 1 s",
        {kv("path", quoted(stream.path_now)), kv("error", to_string(error))}
    );
    turns_.want_at(stream, env_.clock.now() + 1s);
}

/// Opens a file that was closed while it was idle. Leaves `file` empty if another file has its name.
Task<Result<Ok>> Tailer::ensure_open(Stream& stream) {
    if (stream.file != nullptr) {
        co_return Ok{};
    }
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    const std::string path = stream.path_now;
    Result<io::File> opened = co_await env_.fs.open(path, flags);
    if (!opened) {
        events_.suspect(path);
        co_return Ok{};
    }
    auto file = std::make_unique<io::File>(std::move(*opened));
    const Result<io::FileStat> stat = co_await file->stat();
    bool is_same = false;
    if (stat && stat->type == io::FileType::regular) {
        const Result<FileKey> key = co_await identifier_.key(*file, path, *stat);
        is_same = key && *key == key_of(stream.identity);
    }
    if (!is_same || stream.file != nullptr) {
        co_await file->close();
        if (!is_same) {
            events_.suspect(path);
        }
        co_return Ok{};
    }
    stream.file = std::move(file);
    ++open_count_;
    co_return Ok{};
}

/// T17: on every wake-up that may follow a change by others, before anything is read.
Task<Result<Ok>> Tailer::check_continuity(Stream& stream, const io::FileStat stat) {
    const SteadyTime now = env_.clock.now();
    const bool has_changed = stat.mtime != stream.mtime_seen;
    stream.mtime_seen = stat.mtime;
    Continuity seen = stat.size < stream.read_to ? Continuity::truncated : Continuity::same;
    const bool is_due = (stream.is_at_end && has_changed)
                     || now - stream.checked_at >= options_.recheck_interval;
    if (seen == Continuity::same && is_due && stream.tail.size != 0) {
        LB_CO_TRY(
            const Tail tail,
            co_await identifier_.tail(*stream.file, stream.read_to, stream.tail.size)
        );
        seen = continuity(stream.read_to, stream.tail, stat.size, tail);
    }
    stream.checked_at = now;
    if (seen != Continuity::same) {
        cut(stream, stat.size);
    }
    if (stat.size != stream.identity.size_seen) {
        stream.identity.size_seen = stat.size;
        stream.grown_at = now;
    }
    co_return Ok{};
}

void Tailer::cut(Stream& stream, const std::uint64_t size) {
    const std::uint64_t seen = stream.identity.size_seen;
    const std::uint64_t lost = seen > stream.read_to ? seen - stream.read_to : 0;
    counters_.truncations.add();
    counters_.lost_bytes.add(lost);
    env_.log.info(
        "file was truncated; reading its new content from the beginning",
        {kv("path", quoted(stream.path_now)),
         kv("read_to", stream.read_to),
         kv("size", size),
         kv("lost_bytes", lost)}
    );
    FileIdentity identity = stream.identity;
    identity.head_len = 0;
    identity.head_hash = 0;
    identity.size_seen = 0;
    streams_.set_identity(stream, std::move(identity));
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
    }
    stream.splitter.resume_inside_line(before);
    co_return Ok{};
}

Task<Result<Tailer::After>> Tailer::read_some(Stream& stream, const std::uint64_t size) {
    if (stream.must_find_line_start) {
        LB_CO_CHECK(co_await find_line_start(stream));
    }
    const std::size_t block_bytes =
        std::max(stream.block_bytes, std::size_t{limits::agent_read_block_bytes});
    const std::uint64_t offset = stream.read_to;
    const std::uint64_t wanted = std::min<std::uint64_t>(block_bytes, size - offset);
    Slice block = env_.pool.allocate(static_cast<std::uint32_t>(wanted));
    const MutableByteView into = block.mutable_bytes();
    LB_CO_TRY(const std::uint32_t got, co_await stream.file->pread(into, offset));
    if (stream.rewind_to) {  // asked while we were reading
        co_return After::again;
    }
    const ByteView bytes = block.view().first(got);
    stream.batcher.look_at(bytes, offset);
    const std::size_t used = stream.splitter.feed(bytes, offset, stream.batcher);
    stream.batcher.look_away();
    take_counts(stream);
    stream.read_to = offset + used;
    if (used != 0) {
        stream.tail = identifier_.tail_of(bytes.first(used));
        if (stream.is_drained) {
            counters_.late_bytes.add(used);
        }
    }
    counters_.bytes_read.add(used);
    const bool is_stuck = used == 0 && got == block_bytes;
    stream.block_bytes = is_stuck ? stream.splitter.block_bytes_min() + block_bytes : 0;
    stream.has_partial_tail = used < got;
    stream.is_at_end = offset + got >= size;
    co_return is_stuck || !stream.is_at_end ? After::again : After::done;
}

void Tailer::take_counts(Stream& stream) {
    const parse::SplitCounts counts = stream.splitter.take_counts();
    counters_.long_lines.add(counts.long_lines);
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

Task<Result<Ok>> Tailer::settle_at_end(Stream& stream, const io::FileStat stat) {
    stream.is_at_end = true;
    const SteadyTime now = env_.clock.now();
    const FileInput& input = stream.input;
    const Nanos quiet_for = now - stream.grown_at;
    LB_CO_CHECK(co_await grow_head(stream, stat.size));
    const bool is_draining = stream.needs_draining();
    if (is_draining || stream.has_partial_tail) {
        const Nanos tail_wait = is_draining ? Nanos::zero() : input.partial_flush;
        LB_CO_TRY(const bool is_free, co_await is_unwritten(stream));
        LB_CO_TRY(const io::FileStat again, co_await stream.file->stat());
        if (again.size != stat.size) {  // the last words of a writer that has just left
            turns_.want(stream);
            co_return Ok{};
        }
        const bool may_flush = is_draining || input.partial_flush > Nanos::zero();
        if (stream.has_partial_tail && may_flush && is_free && quiet_for >= tail_wait) {
            LB_CO_CHECK(co_await flush_tail(stream, stat.size));
        } else if (stream.has_partial_tail && may_flush) {
            turns_.want_at(stream, std::max(now + 1s, stream.grown_at + tail_wait));
        }
        if (is_draining && stream.is_all_acknowledged() && !stream.has_partial_tail) {
            finish_drained(stream, quiet_for >= input.rotate_quiet, is_free);
        }
        if (stream.state == StreamState::gone) {
            co_await close(stream);
            co_return Ok{};
        }
        if (is_draining) {
            turns_.want_at(stream, now + options_.rotated_poll);
        }
    }
    const bool is_done = stream.is_all_acknowledged() && !stream.has_partial_tail;
    const bool is_crowded = open_count_ > options_.open_files_max;
    if (stream.state == StreamState::active && is_done) {
        if (quiet_for >= input.close_idle || is_crowded) {
            co_await close(stream);
        } else {
            turns_.want_at(stream, stream.grown_at + input.close_idle);
        }
    }
    co_return Ok{};
}

/// T40 and T14: a file at its end, all acknowledged.
void Tailer::finish_drained(Stream& stream, const bool is_quiet, const bool is_unwritten) {
    if (!stream.is_drained && (is_unwritten || is_quiet)) {
        stream.is_drained = true;
        if (stream.successor) {
            if (Stream* const next = streams_.find(*stream.successor)) {
                turns_.want(*next);
            }
        }
    }
    if (stream.state == StreamState::rotated && is_quiet && is_unwritten) {
        stream.state = StreamState::gone;
        stream.gone_since_ms = to_unix_ms(env_.clock.wall());
        checkpoint_.put(stream.to_entry());
        events_.let_go(stream);
    }
}

Task<Result<Ok>> Tailer::flush_tail(Stream& stream, const std::uint64_t size) {
    const std::uint64_t offset = stream.read_to;
    if (size <= offset) {
        stream.has_partial_tail = false;
        co_return Ok{};
    }
    Slice block = env_.pool.allocate(static_cast<std::uint32_t>(size - offset));
    const MutableByteView into = block.mutable_bytes();
    LB_CO_TRY(const std::uint32_t got, co_await stream.file->pread(into, offset));
    const ByteView bytes = block.view().first(got);
    if (stream.rewind_to || as_text(bytes).find('\n') != std::string_view::npos) {
        turns_.want(stream);
        co_return Ok{};
    }
    stream.batcher.look_at(bytes, offset);
    stream.splitter.flush_partial(bytes, offset, stream.batcher);
    stream.batcher.look_away();
    stream.read_to = offset + got;
    stream.tail = identifier_.tail_of(bytes);
    stream.has_partial_tail = false;
    counters_.partial_tails.add();
    counters_.bytes_read.add(got);
    co_return Ok{};
}

/// T10: the head grows with a small file.
Task<Result<Ok>> Tailer::grow_head(Stream& stream, const std::uint64_t size) {
    const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, head_bytes_max));
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
    co_await file->close();
}

}  // namespace logboom::source
