#include "agent/source/file/locator.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

/// How long a copy of a file that is still whole is left alone: it may be the first half of a
/// copytruncate (T9.5). Then it is a log of its own (T11).
constexpr Nanos copy_wait = 60s;

}  // namespace

Locator::Locator(
    Env& env,
    StreamTable& streams,
    TurnQueue& turns,
    Identifier& identifier,
    Checkpoint& checkpoint,
    batch::BatchRoom& room,
    Tailer& tailer,
    metrics::Registry& registry
)
    : env_(env)
    , streams_(streams)
    , turns_(turns)
    , identifier_(identifier)
    , checkpoint_(checkpoint)
    , room_(room)
    , tailer_(tailer)
    , copies_skipped_(registry.counter(
          "logboom_agent_file_copies_skipped_total", "Copies of known files that were left alone."
      ))
    , vanished_bytes_(registry.counter(
          "logboom_agent_loss_bytes_total",
          "Bytes that were destroyed before they were read.",
          {{"reason", "vanished"}}
      ))
    , streams_made_(registry.counter("logboom_agent_streams_created_total", "Files seen first."))
    , rotations_(registry.counter(
          "logboom_agent_rotations_total", "Files that left their path and are read to their end."
      ))
    , unreadable_gauge_(
          registry.gauge("logboom_agent_files", "Files by state.", {{"state", "unreadable"}})
      ) {}

Task<Result<Locator::OpenFile>> Locator::open(std::string path) {
    // Not blocking: a FIFO may have taken the file's name since it was listed (T5).
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    LB_CO_TRY(io::File file, co_await env_.fs.open(path, flags));
    OpenFile opened;
    opened.file = std::make_unique<io::File>(std::move(file));
    Result<FileIdentity> identity = co_await identifier_.identify(*opened.file, path);
    if (!identity) {
        co_await opened.file->close();
        co_return identity.error();
    }
    opened.identity = std::move(*identity);
    co_return std::move(opened);
}

Task<void> Locator::examine(FoundFile found, const Sighting sighting) {
    Stream* const bound = streams_.find_path(found.path);
    const Result<io::FileStat> stat = co_await env_.fs.stat(found.path);
    if (!stat || stat->type != io::FileType::regular) {
        if (bound != nullptr && bound->state != StreamState::rotated) {
            co_await missing(*bound);
        }
        co_return;
    }
    const bool is_settled = bound != nullptr && bound->state == StreamState::active
                         && bound->identity.ino == stat->ino
                         && bound->identity.btime_ns == stat->btime_ns;
    if (is_settled) {
        if (stat->size != bound->read_to || stat->mtime != bound->mtime_seen) {
            turns_.want(*bound);
        }
        co_return;
    }
    if (const auto copy = copies_.find(found.path);
        copy != copies_.end() && copy->second > env_.clock.now()) {
        co_return;
    }
    if (bound == nullptr && is_ignored(found, *stat, sighting)) {
        // A known stream may be in it all the same; its inode tells without opening it.
        const std::string fs_id = co_await identifier_.fs_id(found.path, stat->dev);
        if (!streams_.knows_inode(fs_id, stat->ino)) {
            co_return;
        }
    }
    Result<OpenFile> opened = co_await open(found.path);
    if (!opened) {
        report_unreadable(found.path, opened.error());
        co_return;
    }
    unreadable_.erase(found.path);
    unreadable_gauge_.set(static_cast<double>(unreadable_.size()));
    Stream* known = streams_.find_key(key_of(opened->identity));
    bool is_copy = false;
    if (known == nullptr) {
        known = co_await find_kin(*opened, is_copy);
    }
    if (is_copy && !copies_.contains(found.path)) {
        copies_skipped_.add();
        copies_[found.path] = env_.clock.now() + copy_wait;
        env_.log.info("copy of a known file; looked at again in 60 s", {kv("path", quoted(found.path))});
        co_await opened->file->close();
        co_return;
    }
    copies_.erase(found.path);
    if (known != nullptr && !is_copy) {
        co_await adopt(*known, std::move(*opened), found);
        co_return;
    }
    Stream* const before = streams_.last_at(found.path);
    co_await create(std::move(*opened), found, sighting, before);
}

bool Locator::is_ignored(
    const FoundFile& found, const io::FileStat& stat, const Sighting sighting
) const {
    const Nanos age = env_.clock.wall() - stat.mtime;
    const FileInput& input = *found.input;
    if (input.ignore_older > Nanos::zero() && age > input.ignore_older) {
        return true;
    }
    return sighting == Sighting::first_start && input.read_from == StartPoint::since
        && age > input.since;
}

void Locator::report_unreadable(const std::string& path, const Error& error) {
    if (error.code == ErrorCode::cancelled || error.sys_errno == ENOENT
        || error.code == ErrorCode::not_found || !unreadable_.insert(path).second) {
        return;
    }
    unreadable_gauge_.set(static_cast<double>(unreadable_.size()));
    env_.log.warn(
        "file cannot be read; trying again at each rescan",
        {kv("path", quoted(path)),
         kv("error", to_string(error)),
         kv("hint", "CAP_DAC_READ_SEARCH lets the agent read it")}
    );
}

/// A known stream's file is at this path.
Task<void> Locator::adopt(Stream& stream, OpenFile opened, const FoundFile& found) {
    Stream* const bound = streams_.find_path(found.path);
    const bool is_moved_content = key_of(opened.identity) != key_of(stream.identity);
    if (is_moved_content) {  // T9.5: another inode, the same content
        if (stream.file != nullptr) {
            co_await opened.file->close();
            co_return;  // it is read by the descriptor that we have
        }
        opened.identity.head_len = stream.identity.head_len;
        opened.identity.head_hash = stream.identity.head_hash;
        streams_.set_identity(stream, opened.identity);
        stream.batcher.tell_identity(stream.identity);
    }
    if (bound != nullptr && bound != &stream && bound->state != StreamState::gone) {
        co_await missing(*bound);
    }
    streams_.bind_path(stream, found.path);
    stream.state = StreamState::active;
    stream.gone_since_ms = 0;
    stream.is_drained = false;
    if (stream.file != nullptr) {
        co_await opened.file->close();
        stream.path_now = found.path;
        turns_.want(stream);
    } else {
        attach(stream, std::move(opened), found.path);
    }
    checkpoint_.put(stream.to_entry());
}

void Locator::attach(Stream& stream, OpenFile opened, std::string path) {
    stream.file = std::move(opened.file);
    stream.path_now = std::move(path);
    stream.grown_at = env_.clock.now();
    tailer_.opened();
    turns_.want(stream);
}

/// `after` begins where `before` ended: its first line waits for the other's last (T13, T40).
void Locator::replace(Stream& before, Stream& after) {
    if (&before == &after || before.state == StreamState::gone || before.predecessor == after.uid) {
        return;
    }
    after.predecessor = before.uid;
    before.successor = after.uid;
    before.is_drained = false;
}

/// T9.5. The stream whose content this file has, if its own file is gone or cut; `is_copy` if it is whole.
Task<Stream*> Locator::find_kin(OpenFile& opened, bool& is_copy) {
    for (const std::uint32_t size : streams_.head_sizes()) {
        if (size > opened.identity.size_seen) {
            break;
        }
        const Result<std::uint64_t> head = co_await identifier_.head_hash(*opened.file, size);
        if (!head) {
            co_return nullptr;
        }
        for (Stream* const kin : streams_.find_head(size, *head)) {
            const Tail known = kin->tail.size != 0 ? kin->tail : kin->acked_tail;
            const std::uint64_t offset = kin->tail.size != 0 ? kin->read_to : kin->acked_to;
            if (known.size == 0 || offset > opened.identity.size_seen) {
                continue;
            }
            const Result<Tail> tail = co_await identifier_.tail(*opened.file, offset, known.size);
            const bool is_tail_equal = tail && *tail == known;
            const bool is_old_intact = co_await is_intact(*kin);
            const Kinship found = kinship(offset, true, is_tail_equal, is_old_intact);
            if (found == Kinship::moved) {
                co_return kin;
            }
            is_copy = is_copy || found == Kinship::copied;
        }
    }
    co_return nullptr;
}

/// Whether the stream's own file is where it was, and as long as it was.
Task<bool> Locator::is_intact(const Stream& stream) {
    if (stream.file != nullptr) {
        co_return true;
    }
    const FileKey key = key_of(stream.identity);
    const std::uint64_t size_min = stream.read_to;
    const Result<io::FileStat> stat = co_await env_.fs.stat(stream.path_now);
    co_return stat && stat->ino == key.ino && stat->btime_ns == key.btime_ns && stat->size >= size_min;
}

Task<void> Locator::create(
    OpenFile opened, const FoundFile& found, const Sighting sighting, Stream* const before
) {
    const std::uint64_t size = opened.identity.size_seen;
    const Result<std::uint64_t> start = co_await start_offset(*opened.file, found, size, sighting);
    if (!start) {
        report_unreadable(found.path, start.error());
        co_await opened.file->close();
        co_return;
    }
    auto made = std::make_unique<Stream>(room_, *found.input, env_.rng.id128(), opened.identity);
    Stream& stream = streams_.add(std::move(made));
    stream.state = StreamState::active;
    stream.acked_to = *start;
    const ship::Position position{0, *start};
    stream.restart_at(position, Tail());
    stream.must_find_line_start = false;
    if (before != nullptr) {
        stream.partition = before->partition;  // a path keeps its order over rotations (D1)
        replace(*before, stream);
    }
    streams_.bind_path(stream, found.path);
    attach(stream, std::move(opened), found.path);
    streams_made_.add();
    checkpoint_.put(stream.to_entry());
    env_.log.info(
        "new file",
        {kv("path", quoted(found.path)),
         kv("input", found.input->name),
         kv("size", size),
         kv("from", *start),
         kv("stream", to_hex(stream.uid))}
    );
    if (before != nullptr && before->state != StreamState::rotated) {
        co_await missing(*before);
    }
}

/// T22. Behind the last line end, so that the first record is no half of a line.
Task<Result<std::uint64_t>> Locator::start_offset(
    io::File& file, const FoundFile& found, const std::uint64_t size, const Sighting sighting
) {
    if (sighting == Sighting::later || found.input->read_from != StartPoint::end) {
        co_return std::uint64_t{0};
    }
    constexpr std::uint32_t step = 64u << 10;
    Slice block = env_.pool.allocate(step);
    std::uint64_t end = size;
    while (end > 0) {
        const std::uint64_t from = end > step ? end - step : 0;
        const MutableByteView into = block.mutable_bytes().first(end - from);
        LB_CO_TRY(const std::uint32_t got, co_await file.pread(into, from));
        const std::size_t newline = as_text(block.view().first(got)).rfind('\n');
        if (newline != std::string_view::npos) {
            co_return from + newline + 1;
        }
        end = from;
    }
    co_return std::uint64_t{0};
}

/// T13 and T16: the file's own directory and those for rotated files are searched by inode, whatever the
/// input includes or excludes.
Task<std::optional<std::string>> Locator::find_elsewhere(const Stream& stream) {
    const FileKey key = key_of(stream.identity);
    const std::string home(parent_of(stream.path_now.empty() ? stream.path : stream.path_now));
    std::vector<std::string> directories{home};
    for (const std::string& name : stream.input.rotated_dirs) {
        if (name != ".") {
            directories.push_back(name.starts_with('/') ? name : join_path(home, name));
        }
    }
    for (const std::string& directory : directories) {
        const Result<std::vector<io::DirEntry>> entries = co_await env_.fs.list(directory);
        if (!entries) {
            continue;
        }
        for (const io::DirEntry& entry : *entries) {
            if (entry.ino != key.ino) {
                continue;
            }
            const std::string path = join_path(directory, entry.name);
            const Result<io::FileStat> stat = co_await env_.fs.stat(path, false);
            if (stat && stat->type == io::FileType::regular && stat->btime_ns == key.btime_ns) {
                co_return path;
            }
        }
    }
    co_return std::nullopt;
}

Task<void> Locator::missing(Stream& stream) {
    if (stream.state == StreamState::gone || stream.state == StreamState::rotated) {
        co_return;
    }
    const std::optional<std::string> path = co_await find_elsewhere(stream);
    if (stream.state == StreamState::gone || stream.state == StreamState::rotated) {
        co_return;
    }
    if (stream.file == nullptr && !path) {
        lose(stream);
        co_return;
    }
    if (stream.file == nullptr) {
        Result<OpenFile> opened = co_await open(*path);
        if (!opened || key_of(opened->identity) != key_of(stream.identity)) {
            if (opened) {
                co_await opened->file->close();
            }
            lose(stream);
            co_return;
        }
        if (stream.file == nullptr) {
            attach(stream, std::move(*opened), *path);
        } else {
            co_await opened->file->close();
        }
    }
    stream.state = StreamState::rotated;
    stream.is_drained = false;
    stream.path_now = path.value_or(std::string());
    rotations_.add();
    turns_.want(stream);
    env_.log.info(
        "file was rotated; reading it to its end",
        {kv("path", quoted(stream.path)),
         kv("now", quoted(stream.path_now)),
         kv("read_to", stream.read_to),
         kv("stream", to_hex(stream.uid))}
    );
}

void Locator::lose(Stream& stream) {
    const std::uint64_t seen = stream.identity.size_seen;
    const std::uint64_t lost = seen > stream.read_to ? seen - stream.read_to : 0;
    if (lost != 0) {
        vanished_bytes_.add(lost);
        env_.log.error(
            "file vanished before it was read to its end",
            {kv("path", quoted(stream.path)),
             kv("from", stream.read_to),
             kv("lost_bytes", lost),
             kv("stream", to_hex(stream.uid))}
        );
    }
    streams_.leave(stream);
    stream.state = StreamState::gone;
    stream.gone_since_ms = to_unix_ms(env_.clock.wall());
    checkpoint_.put(stream.to_entry());
    if (stream.successor) {
        if (Stream* const next = streams_.find(*stream.successor)) {
            turns_.want(*next);
        }
    }
}

std::vector<std::string> Locator::take_due() {
    std::vector<std::string> due;
    for (const auto& [path, until] : copies_) {
        if (until <= env_.clock.now()) {
            due.push_back(path);
        }
    }
    return due;
}

SteadyTime Locator::next_due() const noexcept {
    SteadyTime next = no_deadline;
    for (const auto& [path, until] : copies_) {
        next = std::min(next, until);
    }
    return next;
}

}  // namespace logboom::source
