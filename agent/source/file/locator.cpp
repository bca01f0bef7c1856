#include "agent/source/file/locator.h"

#include "agent/source/file/unreadable.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

/// How long a copy of a file that is still whole is left alone: it may be the first half of a
/// copytruncate (T9.5). Then it is a log of its own (T11).
constexpr Nanos copy_wait = 60s;
/// What cannot be read now may be read at once, and is begun by another stream perhaps if it is left.
constexpr int copy_attempts = 3;
/// A copy that is being made grows without a break.
constexpr Nanos begun_copy_wait = 1s;

}  // namespace

Locator::Locator(
    Env& env,
    StreamTable& streams,
    TurnQueue& turns,
    Identifier& identifier,
    Checkpoint& checkpoint,
    batch::BatchRoom& room,
    Tailer& tailer,
    Losses& losses,
    metrics::Registry& registry
)
    : env_(env)
    , streams_(streams)
    , turns_(turns)
    , identifier_(identifier)
    , checkpoint_(checkpoint)
    , room_(room)
    , tailer_(tailer)
    , losses_(losses)
    , finder_(env, streams, identifier)
    , copies_skipped_(registry.counter(
          "logboom_agent_file_copies_skipped_total", "Copies of known files that were left alone."
      ))
    , streams_made_(registry.counter("logboom_agent_streams_created_total", "Files seen first."))
    , rotations_(registry.counter(
          "logboom_agent_rotations_total", "Files that left their path and are read to their end."
      )) {}

// --- Who is the file at this path? ---------------------------------------------------------------

Task<void> Locator::examine(FoundFile found, const Sighting sighting) {
    if (!found.stat) {
        const Result<io::FileStat> asked = co_await env_.fs.stat(found.path);
        if (!asked && !leads_nowhere(asked.error())) {
            put_off(found, asked.error(), std::nullopt);
            co_return;
        }
        found.stat = asked ? std::optional(*asked) : std::nullopt;
    }
    const std::optional<io::FileStat> stat = found.stat;
    Stream* const bound = streams_.find_path(found.path);
    if (!stat || stat->type != io::FileType::regular) {
        unreadable_.forget(found.path);
        likenesses_.erase(found.path);
        if (bound != nullptr && bound->state != StreamState::rotated) {
            co_await missing(*bound);
        }
        co_return;
    }
    const bool is_settled = bound != nullptr && bound->state == StreamState::active
                         && bound->doubt == Doubt::none && bound->identity.ino == stat->ino
                         && bound->identity.btime_ns == stat->btime_ns;
    if (is_settled) {
        unreadable_.forget(found.path);
        const std::uint64_t known = bound->is_compressed ? bound->identity.size_seen
                                                         : bound->read_to;
        if (stat->size != known || stat->mtime != bound->mtime_seen) {
            turns_.tell(*bound);
        }
        co_return;
    }
    if (is_waiting(found.path)) {
        co_return;
    }
    if (bound == nullptr) {
        const bool is_left = co_await is_left_unopened(found, *stat, sighting);
        if (is_left) {
            co_return;
        }
    }
    Result<OpenFile> opened = co_await identifier_.open(found.path);
    if (!opened) {
        put_off(found, opened.error(), stat);
        co_return;
    }
    unreadable_.forget(found.path);
    co_await place(std::move(*opened), std::move(found), sighting);
}

/// What can be told of a file at a new path without opening it.
Task<bool> Locator::is_left_unopened(
    const FoundFile& found, const io::FileStat stat, const Sighting sighting
) {
    const bool is_kernels = co_await identifier_.is_kernel_fs(found.path, stat.dev);
    if (is_kernels && !found.input->paths.names(found.path)) {
        co_return true;
    }
    const std::string fs_id = co_await identifier_.fs_id(found.path, stat.dev);
    const bool is_known = streams_.knows_inode(fs_id, stat.ino);
    if (!is_known && is_ignored(*found.input, stat, sighting.input_started)) {
        ++ignored_;
        co_return true;
    }
    if (!is_known) {
        co_return false;
    }
    co_return co_await is_alias(fs_id, stat);
}

/// T4: another name of a file that is followed by its own.
Task<bool> Locator::is_alias(const std::string fs_id, const io::FileStat stat) {
    Stream* const stream = streams_.find_inode(fs_id, stat.ino, stat.btime_ns);
    if (stream == nullptr || stream->state != StreamState::active || stream->doubt != Doubt::none
        || stream->bound_path.empty()) {
        co_return false;
    }
    const Id128 uid = stream->uid;
    const Result<io::FileStat> own = co_await env_.fs.stat(stream->bound_path);
    Stream* const again = streams_.find(uid);
    if (!own || own->ino != stat.ino || own->btime_ns != stat.btime_ns || again == nullptr) {
        co_return false;
    }
    if (stat.size != again->read_to || stat.mtime != again->mtime_seen) {
        turns_.tell(*again);
    }
    co_return true;
}

/// T9, in its order: the key, then the content.
Task<void> Locator::place(OpenFile opened, FoundFile found, const Sighting sighting) {
    Stream* const known = streams_.find_key(key_of(opened.identity));
    if (known != nullptr && known->doubt == Doubt::cut) {
        co_await settle_cut(*known, std::move(opened), std::move(found));
        co_return;
    }
    if (known != nullptr) {
        co_await adopt(*known, std::move(opened), std::move(found));
        co_return;
    }
    const Result<Kin> kin = co_await finder_.kin_of(opened);
    if (!kin) {
        put_off(found, kin.error(), found.stat);
        co_return;
    }
    if (kin->kinship == Kinship::moved) {
        co_await adopt(*kin->stream, std::move(opened), std::move(found));
        co_return;
    }
    if (is_left_alone(found.path, *kin, opened.identity.size_seen)) {
        co_return;
    }
    Stream* const before = streams_.last_at(found.path);
    co_await create(std::move(opened), std::move(found), sighting, before);
}

bool Locator::is_waiting(const std::string& path) const {
    const auto found = likenesses_.find(path);
    return found != likenesses_.end() && !found->second.is_due;
}

/// Whether a file waits for what it looks like. One that has waited in vain is a log of its own.
bool Locator::is_left_alone(const std::string& path, const Kin& kin, const std::uint64_t size) {
    const bool is_copy = kin.kinship == Kinship::copied;
    const auto before = likenesses_.find(path);
    const bool has_waited = before != likenesses_.end() && before->second.kinship == kin.kinship
                         && (is_copy || before->second.size == size);
    if (kin.stream == nullptr || has_waited) {
        likenesses_.erase(path);
        return false;
    }
    const SteadyTime until = env_.clock.now() + (is_copy ? copy_wait : begun_copy_wait);
    likenesses_[path] = Likeness{kin.kinship, kin.stream->uid, size, until};
    if (is_copy) {
        copies_skipped_.add();
        LB_REACHED(env_, copy_skipped);
        env_.log.info("copy of a known file; looked at again in 60 s", {kv("path", quoted(path))});
    }
    return true;
}

std::vector<std::string> Locator::likenesses_of(const Stream& stream) const {
    std::vector<std::string> paths;
    for (const auto& [path, likeness] : likenesses_) {
        if (likeness.original == stream.uid) {
            paths.push_back(path);
        }
    }
    return paths;
}

/// A known stream's file is at this path.
Task<void> Locator::adopt(Stream& stream, OpenFile opened, FoundFile found) {
    Stream* const bound = streams_.find_path(found.path);
    const bool is_other_inode = key_of(opened.identity) != key_of(stream.identity);
    if (is_other_inode) {
        if (!stream.bound_path.empty() && stream.bound_path != found.path) {
            vacated_.insert(stream.bound_path);
        }
        take_identity(stream, opened.identity);
    }
    likenesses_.erase(found.path);
    missing_.forget(stream.uid);
    streams_.bind_path(stream, found.path);
    stream.state = StreamState::active;
    stream.path_resolved = found.path_resolved;
    stream.doubt = Doubt::none;
    stream.gone_since_ms = 0;
    stream.is_drained = false;
    losses_.found_again(stream);
    if (stream.file == nullptr) {
        attach(stream, std::move(opened.file), found.path);
    } else if (is_other_inode) {
        stream.replacement = std::move(opened.file);
    }
    stream.path_now = found.path;
    turns_.want(stream);
    checkpoint_.put(stream.to_entry());
    if (bound != nullptr && bound != &stream && bound->state != StreamState::gone) {
        co_await missing(*bound);
    }
}

/// T9.5: the content goes on in another inode.
void Locator::take_identity(Stream& stream, FileIdentity other_inode) {
    other_inode.head_len = stream.identity.head_len;
    other_inode.head_hash = stream.identity.head_hash;
    other_inode.predecessor = stream.identity.predecessor;
    other_inode.path_seen = stream.identity.path_seen;
    streams_.set_identity(stream, std::move(other_inode));
    stream.batcher.tell_identity();
}

/// Above the limit of open files a stream is opened at its turn; until then its inode finds it.
void Locator::attach(Stream& stream, std::unique_ptr<io::File> file, std::string path) {
    stream.path_now = std::move(path);
    stream.grown_at = env_.clock.now();
    stream.forget_looks();  // those were at another descriptor
    stream.note_lag(stream.grown_at);
    if (stream.state == StreamState::rotated || !tailer_.is_crowded()) {
        stream.file = std::move(file);
        tailer_.opened();
    }
    turns_.want(stream);
}

void Locator::put_in_order(Stream& before, Stream& after) {
    const bool is_circle = &before == &after || before.identity.predecessor == after.uid;
    if (is_circle || before.state == StreamState::gone) {
        return;
    }
    FileIdentity identity = after.identity;
    identity.predecessor = before.uid;
    streams_.set_identity(after, std::move(identity));
    after.batcher.tell_identity();
    before.successor = after.uid;
    before.is_drained = false;
    turns_.want(before);  // it may be at its end, and `after` waits for its word
}

void Locator::absorb(Stream& twin, Stream& stream) {
    stream.state = twin.state;
    stream.path_resolved = twin.path_resolved;
    stream.file = std::move(twin.file);
    stream.replacement = std::move(twin.replacement);
    stream.path_now = twin.path_now;
    stream.grown_at = twin.grown_at;
    if (twin.successor) {
        stream.successor = twin.successor;
    }
    for (Stream* const next : streams_.followers_of(twin.uid)) {
        FileIdentity identity = next->identity;
        identity.predecessor = stream.uid;
        streams_.set_identity(*next, std::move(identity));
        next->batcher.tell_identity();
    }
    tailer_.forget(twin);
    checkpoint_.forget(twin.uid);
    streams_.inherit_vacated(twin, stream);
    streams_.remove(twin);
}

Task<void> Locator::look_at_head(Stream& fresh) {
    if (fresh.identity.head_len != 0) {
        co_return;
    }
    const Result<OpenFile> opened = co_await identifier_.open(fresh.path_now);
    if (!opened || key_of(opened->identity) != key_of(fresh.identity)) {
        co_return;
    }
    FileIdentity identity = fresh.identity;
    identity.head_len = opened->identity.head_len;
    identity.head_hash = opened->identity.head_hash;
    identity.size_seen = opened->identity.size_seen;
    streams_.set_identity(fresh, std::move(identity));
}

Task<void> Locator::reconsider(Stream& fresh) {
    Result<Ok> looked = co_await reconsider_once(fresh);
    for (int attempt = 1; !looked && attempt < copy_attempts; ++attempt) {
        looked = co_await reconsider_once(fresh);
    }
}

Task<Result<Ok>> Locator::reconsider_once(Stream& fresh) {
    LB_CO_TRY(OpenFile opened, co_await identifier_.open(fresh.path_now));
    if (key_of(opened.identity) != key_of(fresh.identity)) {
        co_return Ok{};
    }
    LB_CO_TRY(const Kin kin, co_await finder_.kin_of(opened));
    if (kin.stream == nullptr || kin.stream->is_in_turn || fresh.has_begun()) {
        co_return Ok{};
    }
    if (kin.kinship == Kinship::moved) {
        co_await absorb_copy(fresh, *kin.stream, std::move(opened));
        co_return Ok{};
    }
    const bool is_copy = kin.kinship == Kinship::copied;
    if (is_copy && is_left_alone(fresh.path_now, kin, opened.identity.size_seen)) {
        if (fresh.file != nullptr) {
            co_await tailer_.close(fresh);
        }
        tailer_.forget(fresh);
        checkpoint_.forget(fresh.uid);
        streams_.remove(fresh);
    }
    co_return Ok{};
}

Task<void> Locator::confirm(Stream& stream) {
    Result<Ok> looked = co_await confirm_once(stream);
    for (int attempt = 1; !looked && attempt < copy_attempts; ++attempt) {
        looked = co_await confirm_once(stream);
    }
}

Task<Result<Ok>> Locator::confirm_once(Stream& stream) {
    const Proof proof = stream.proof();
    if (stream.state != StreamState::active || stream.doubt != Doubt::none
        || proof.tail.size == 0) {
        co_return Ok{};
    }
    LB_CO_TRY(OpenFile opened, co_await identifier_.open(stream.path_now));
    if (key_of(opened.identity) != key_of(stream.identity)) {
        co_return Ok{};
    }
    const std::uint64_t size = opened.identity.size_seen;
    LB_CO_TRY(
        const Tail tail, co_await identifier_.tail(*opened.file, proof.offset, proof.tail.size)
    );
    if (continuity(proof.offset, proof.tail, size, tail) == Continuity::same) {
        co_return Ok{};
    }
    stream.doubt = Doubt::cut;
    stream.size_asked = size;
    FoundFile found{stream.bound_path, &stream.input, stream.path_resolved, std::nullopt};
    co_await settle_cut(stream, std::move(opened), std::move(found));
    co_return Ok{};
}

/// Of a file that was found a moment ago: nobody has begun to read it as his own since.
bool Locator::may_take(const Stream& stream, const OpenFile& found) const {
    const Stream* const owner = streams_.find_key(key_of(found.identity));
    return owner == nullptr || owner == &stream || (!owner->has_begun() && !owner->is_in_turn);
}

/// The copy was taken for a new file. No wait before `twin` is gone: it may get its turn.
Task<void> Locator::absorb_copy(Stream& twin, Stream& stream, OpenFile copy) {
    std::unique_ptr<io::File> file = std::move(stream.file);
    std::unique_ptr<io::File> twins_file = std::move(twin.file);
    if (!stream.bound_path.empty()) {
        vacated_.insert(stream.bound_path);  // whose file is there now?
        streams_.vacate(stream);
    }
    absorb(twin, stream);
    take_identity(stream, std::move(copy.identity));
    if (file != nullptr) {
        // Only its turn closes the file that it has.
        stream.file = std::move(file);
        stream.replacement = std::move(copy.file);
    } else {
        stream.file = std::move(copy.file);
        stream.replacement.reset();
        tailer_.opened();
    }
    missing_.forget(stream.uid);
    stream.doubt = Doubt::none;
    stream.is_drained = false;
    stream.forget_looks();
    if (stream.state == StreamState::active) {
        streams_.bind_path(stream, stream.path_now);
    }
    checkpoint_.put(stream.to_entry());
    turns_.want(stream);
    co_await tailer_.close(std::move(twins_file));
}

Task<void> Locator::create(
    OpenFile opened, FoundFile found, const Sighting sighting, Stream* const before
) {
    const std::uint64_t size = opened.identity.size_seen;
    const Result<std::uint64_t> start =
        co_await start_offset(env_, *opened.file, *found.input, sighting.is_first_start, size);
    if (!start) {
        put_off(found, start.error(), found.stat);
        co_return;
    }
    const auto proof_bytes =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(*start, batch::tail_bytes_max));
    const Result<Tail> tail = co_await identifier_.tail(*opened.file, *start, proof_bytes);
    if (!tail) {
        put_off(found, tail.error(), found.stat);
        co_return;
    }
    auto made = std::make_unique<Stream>(room_, *found.input, env_.rng.id128(), opened.identity);
    Stream& stream = streams_.add(std::move(made));
    stream.state = StreamState::active;
    stream.path_resolved = found.path_resolved;
    stream.written_at = opened.mtime;
    stream.acked_to = *start;
    stream.acked_tail = *tail;
    const ship::Position position{0, *start};
    stream.restart_at(position, *tail);
    stream.must_find_line_start = false;
    if (before != nullptr) {
        stream.partition = before->partition;  // a path keeps its order over rotations (D1)
        put_in_order(*before, stream);
    }
    streams_.bind_path(stream, found.path);
    attach(stream, std::move(opened.file), found.path);
    streams_made_.add();
    checkpoint_.put_new(stream.to_entry());
    env_.log.info(
        "new file",
        {kv("path", quoted(found.path)),
         kv("input", found.input->name),
         kv("size", size),
         kv("from", *start),
         kv("stream", to_hex(stream.uid))}
    );
    const bool is_elsewhere = before != nullptr && !before->bound_path.empty()
                           && before->bound_path != found.path;
    if (before != nullptr && before->state != StreamState::rotated && !is_elsewhere) {
        co_await missing(*before);
    }
}

// --- Where did the stream's file go? -------------------------------------------------------------

Task<void> Locator::missing(Stream& stream) {
    if (stream.state == StreamState::gone || stream.state == StreamState::rotated) {
        co_return;
    }
    Result<std::optional<OpenFile>> found = co_await finder_.own_file(stream);
    if (found && found->has_value() && !may_take(stream, **found)) {
        found = std::optional<OpenFile>();
    }
    const bool is_found = found && found->has_value();
    if (is_found && stream.state == StreamState::known) {
        LB_REACHED(env_, rotated_while_away);
    }
    if (stream.file == nullptr && !is_found) {
        if (found) {
            lose(stream);
        } else {
            put_off_missing(stream, found.error());
        }
        co_return;
    }
    std::string path = is_found ? (*found)->identity.path_seen : std::string();
    const bool is_copy = is_found && key_of((*found)->identity) != key_of(stream.identity);
    Stream* const twin = is_copy ? streams_.find_key(key_of((*found)->identity)) : nullptr;
    if (is_copy) {
        stream.doubt = Doubt::none;  // if its file was cut: the copy has what that had
    }
    if (twin != nullptr) {
        co_await absorb_copy(*twin, stream, std::move(**found));
        co_return;
    }
    if (is_copy) {
        take_identity(stream, (*found)->identity);
        checkpoint_.put(stream.to_entry());
    }
    become_rotated(stream, path);
    if (stream.file == nullptr) {
        attach(stream, std::move((*found)->file), std::move(path));
    } else if (is_copy) {
        stream.replacement = std::move((*found)->file);
    }
    env_.log.info(
        "file was rotated; reading it to its end",
        {kv("path", quoted(stream.path)),
         kv("now", quoted(stream.path_now)),
         kv("read_to", stream.read_to),
         kv("stream", to_hex(stream.uid))}
    );
}

void Locator::become_rotated(Stream& stream, std::string path_now) {
    missing_.forget(stream.uid);
    stream.state = StreamState::rotated;
    stream.path_now = std::move(path_now);
    stream.is_drained = false;
    rotations_.add();
    if (std::exchange(stream.doubt, Doubt::none) == Doubt::cut) {
        tailer_.begin_anew(stream
        );  // a copy is looked for only beside a path that is still its own
    }
    turns_.want(stream);
}

/// Nobody can tell where it is: it is known still, and what comes after it does not wait for ever (T40).
void Locator::put_off_missing(Stream& stream, const Error& error) {
    if (error.code == ErrorCode::cancelled) {
        return;
    }
    const SteadyTime now = env_.clock.now();
    const bool is_first = !missing_.contains(stream.uid);
    const SteadyTime since = missing_.put_off(stream.uid, now).since;
    stream.state = StreamState::known;
    if (is_first) {
        env_.log.warn(
            "cannot tell where a file went; trying again, after 60 s at the most",
            {kv("path", quoted(stream.path)), kv("error", to_string(error))}
        );
    }
    if (now - since >= stream.input.rotate_quiet) {
        tailer_.release_successor(stream);
    }
}

/// T18, T9.2, T9.3. The file at the stream's path was cut. If what it had lives on in a copy, the stream
/// goes on in the copy and the path begins with another stream, as in a rotation by name.
Task<void> Locator::settle_cut(Stream& stream, OpenFile opened, FoundFile found) {
    Result<std::optional<OpenFile>> copy = co_await finder_.copy_of(stream, likenesses_of(stream));
    for (int attempt = 1; !copy && attempt < copy_attempts; ++attempt) {
        copy = co_await finder_.copy_of(stream, likenesses_of(stream));
    }
    if (!copy) {
        // What cannot be read now may be the copy: begun anew, the stream would lose what that has.
        put_off(found, copy.error(), found.stat);
        co_return;
    }
    if (copy->has_value() && !may_take(stream, **copy)) {
        copy = std::optional<OpenFile>();
    }
    Stream* const twin = copy->has_value() ? streams_.find_key(key_of((*copy)->identity)) : nullptr;
    if (twin != nullptr) {
        co_await absorb_copy(*twin, stream, std::move(**copy));
        co_await create(std::move(opened), std::move(found), Sighting(), &stream);
        co_return;
    }
    if (copy->has_value()) {
        follow_copy(stream, std::move(**copy));
        co_await create(std::move(opened), std::move(found), Sighting(), &stream);
        co_return;
    }
    if (!tailer_.may_read(stream)) {
        co_return;  // the collector may know another position, by which it is not cut, or has a copy
    }
    tailer_.begin_anew(stream);
    co_await adopt(stream, std::move(opened), std::move(found));
}

void Locator::follow_copy(Stream& stream, OpenFile copy) {
    LB_REACHED(env_, copy_followed);
    std::string path = copy.identity.path_seen;
    likenesses_.erase(path);
    take_identity(stream, copy.identity);
    stream.doubt = Doubt::none;
    become_rotated(stream, path);
    if (stream.file == nullptr) {
        attach(stream, std::move(copy.file), path);
    } else {
        stream.replacement = std::move(copy.file);
    }
    checkpoint_.put(stream.to_entry());
    env_.log.info(
        "file was copied and truncated; reading the copy to its end",
        {kv("path", quoted(stream.path)),
         kv("copy", quoted(path)),
         kv("read_to", stream.read_to),
         kv("stream", to_hex(stream.uid))}
    );
}

void Locator::lose(Stream& stream) {
    LB_REACHED(env_, file_vanished);
    const std::uint64_t lost = stream.unread_bytes();
    if (lost != 0) {
        env_.log.error(
            "file vanished before it was read to its end",
            {kv("path", quoted(stream.path)),
             kv("from", stream.read_to),
             kv("lost_bytes", lost),
             kv("stream", to_hex(stream.uid))}
        );
    }
    losses_.lose_rest(stream, LossReason::vanished_unread);
    missing_.forget(stream.uid);
    streams_.leave(stream);
    if (streams_.find_key(key_of(stream.identity)) != &stream) {
        // After a restart it would claim the inode that another stream goes on in.
        FileIdentity nowhere = stream.identity;
        nowhere.ino = 0;
        streams_.set_identity(stream, std::move(nowhere));
    }
    stream.state = StreamState::gone;
    stream.gone_since_ms = to_unix_ms(env_.clock.wall());
    checkpoint_.put(stream.to_entry());
    tailer_.release_successor(stream);
}

// --- Later ---------------------------------------------------------------------------------------

void Locator::put_off(
    const FoundFile& found, const Error& error, const std::optional<io::FileStat>& stat
) {
    if (error.code == ErrorCode::cancelled) {
        return;
    }
    const bool is_first = !unreadable_.contains(found.path);
    unreadable_.put_off(found.path, env_.clock.now());
    if (is_first && !is_absent(error)) {
        warn_unreadable(env_.log, found.path, error, stat);
    }
}

std::size_t Locator::unreadable_count(const FileInput& input) const {
    const auto& all = unreadable_.all();
    return static_cast<std::size_t>(std::ranges::count_if(all, [&input](const auto& entry) {
        return input.paths.matches(entry.first);
    }));
}

std::vector<std::string> Locator::take_due_paths() {
    const SteadyTime now = env_.clock.now();
    std::vector<std::string> due = unreadable_.take_due(now);
    for (auto& [path, likeness] : likenesses_) {
        if (!likeness.is_due && likeness.until <= now) {
            likeness.is_due = true;
            due.push_back(path);
        }
    }
    const std::set<std::string> vacated = std::exchange(vacated_, {});
    due.insert(due.end(), vacated.begin(), vacated.end());
    return due;
}

std::vector<Id128> Locator::take_due_streams() {
    return missing_.take_due(env_.clock.now());
}

SteadyTime Locator::next_due() const noexcept {
    SteadyTime next = std::min(unreadable_.next_due(), missing_.next_due());
    for (const auto& [path, likeness] : likenesses_) {
        next = likeness.is_due ? next : std::min(next, likeness.until);
    }
    return next;
}

}  // namespace logboom::source
