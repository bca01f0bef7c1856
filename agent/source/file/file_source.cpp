#include "agent/source/file/file_source.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

metrics::Gauge& files_gauge(metrics::Registry& registry, const char* const state) {
    return registry.gauge("logboom_agent_files", "Files by state.", {{"state", state}});
}

}  // namespace

FileSource::FileSource(
    Env& env,
    FileSourceOptions options,
    const batch::KeyedHash hash,
    Checkpoint& checkpoint,
    batch::BatchRoom& room,
    const ship::Outlet& outlet,
    metrics::Registry& registry
)
    : env_(env)
    , options_(std::move(options))
    , checkpoint_(checkpoint)
    , room_(room)
    , turns_(env)
    , identifier_(env, hash)
    , discovery_(env, options_.inputs, registry)
    , tailer_(env, options_.tailer, streams_, turns_, identifier_, checkpoint, outlet, registry)
    , locator_(env, streams_, turns_, identifier_, checkpoint, room, tailer_, registry)
    , work_(env.scheduler)
    , scope_(env.scheduler)
    , files_open_(files_gauge(registry, "open"))
    , files_idle_(files_gauge(registry, "idle"))
    , files_rotated_(files_gauge(registry, "rotated"))
    , files_gone_(files_gauge(registry, "deleted"))
    , bytes_behind_(
          registry.gauge("logboom_agent_source_bytes_behind", "Bytes of known files not yet read.")
      ) {
    TailerEvents events;
    events.suspect = [this](const std::string& path) { suspect(path); };
    events.let_go = [this](Stream& stream) { streams_.leave(stream); };
    tailer_.connect_events(std::move(events));
}

Task<void> FileSource::start() {
    for (const auto& [uid, entry] : checkpoint_.entries()) {
        recall(entry);
    }
    co_await discovery_.start();
}

void FileSource::begin(const rpc::HelloReply& positions) {
    LB_ASSERT(!has_begun_);
    has_begun_ = true;
    for (const rpc::TopicPositions& topic : positions.topics) {
        for (const rpc::StreamPosition& position : topic.positions) {
            learn(topic.topic, position);
        }
    }
    // The newest of several streams of one path is the one that no other stream comes after.
    for (const auto& [uid, stream] : streams_.all()) {
        if (stream->predecessor) {
            if (Stream* const before = streams_.find(*stream->predecessor)) {
                before->successor = uid;
            }
        }
    }
    for (const auto& [uid, stream] : streams_.all()) {
        const bool is_last = !stream->successor;
        if (stream->state == StreamState::known
            && (is_last || streams_.find_path(stream->path) == nullptr)) {
            streams_.bind_path(*stream, stream->path);
        }
    }
    scope_.spawn(run_discovery());
    if (discovery_.has_watcher()) {
        scope_.spawn(run_notifications());
    }
    tailer_.start();
}

Task<void> FileSource::stop() {
    scope_.cancel();
    co_await scope_.join();
    co_await tailer_.stop();
    co_await discovery_.stop();
}

const FileInput* FileSource::input_for(
    const std::string& name, const std::string& topic, const std::string& path
) const {
    const FileInput* fitting = nullptr;
    for (const FileInput& input : options_.inputs) {
        if (input.topic != topic) {
            continue;
        }
        if (input.name == name || (name.empty() && input.paths.matches(path))) {
            return &input;
        }
        fitting = fitting == nullptr && name.empty() ? &input : fitting;
    }
    return fitting;
}

void FileSource::recall(const CheckpointEntry& entry) {
    const FileInput* const input = input_for(entry.input, entry.topic, entry.identity.path_seen);
    if (input == nullptr) {
        return;  // its input left the configuration; it is remembered for when it comes back
    }
    auto made = std::make_unique<Stream>(room_, *input, entry.stream, entry.identity);
    Stream& stream = streams_.add(std::move(made));
    stream.state = entry.gone_since_ms == 0 ? StreamState::known : StreamState::gone;
    stream.gone_since_ms = entry.gone_since_ms;
    stream.partition = entry.partition;
    stream.predecessor = entry.predecessor;
    stream.acked_to = entry.offset;
    stream.acked_tail = {entry.tail_len, entry.tail_hash};
    const ship::Position position{entry.generation, entry.offset};
    stream.restart_at(position, stream.acked_tail);
    if (entry.passed_to > entry.offset) {
        stream.batcher.pass(entry.passed_to);
        stream.read_to = entry.passed_to;
        stream.tail = Tail();
    }
}

/// The position of a collector is the truth; a stream that only the collector knows comes back by the
/// identity that its batches carried (T9).
void FileSource::learn(const std::string& topic, const rpc::StreamPosition& position) {
    Stream* stream = streams_.find(position.stream);
    if (stream == nullptr) {
        if (!position.identity) {
            return;
        }
        const FileInput* const input = input_for("", topic, position.identity->path_seen);
        if (input == nullptr) {
            return;
        }
        stream = &streams_.add(
            std::make_unique<Stream>(room_, *input, position.stream, *position.identity)
        );
    }
    const ship::Position known{position.generation, position.to};
    if (stream->partition && *stream->partition != position.partition
        && stream->position() >= known) {
        return;
    }
    stream->partition = position.partition;
    const bool is_expected = known.generation == stream->generation && known.offset == stream->acked_to;
    if (is_expected) {
        return;
    }
    const Tail proof{position.tail_len, position.tail_hash};
    stream->acked_to = known.offset;
    stream->acked_tail = proof;
    stream->restart_at(known, proof);
    checkpoint_.put(stream->to_entry());
}

const Stream& FileSource::stream(const Id128& uid) const {
    const Stream* const found = streams_.find(uid);
    LB_ASSERT(found != nullptr);
    return *found;
}

void FileSource::pinned(const Id128& uid, const PartitionIndex partition) {
    if (Stream* const stream = streams_.find(uid)) {
        stream->partition = partition;
        checkpoint_.put(stream->to_entry());
    }
}

void FileSource::acknowledged(const Id128& uid, const ship::Position position, const Tail tail) {
    Stream* const stream = streams_.find(uid);
    if (stream == nullptr || position.generation != stream->generation) {
        return;
    }
    stream->acked_to = position.offset;
    stream->acked_tail = tail;
    checkpoint_.put(stream->to_entry());
    if (stream->is_at_end && stream->is_all_acknowledged()) {
        turns_.want(*stream);  // it may be let go, or its successor begin
    }
}

void FileSource::rewind(const Id128& uid, const ship::Position position) {
    if (Stream* const stream = streams_.find(uid)) {
        env_.log.info(
            "collector knows another position; reading again from there",
            {kv("path", quoted(stream->path)),
             kv("generation", position.generation),
             kv("position", position.offset),
             kv("read_to", stream->read_to)}
        );
        stream->rewind_to = position;
        stream->acked_to = position.generation == stream->generation ? position.offset : 0;
        stream->acked_tail = Tail();
        turns_.want(*stream);
    }
}

void FileSource::room() {
    const std::function<Stream*(const Id128&)> find = [this](const Id128& uid) {
        return streams_.find(uid);
    };
    turns_.unblock_all(find);
}

bool FileSource::is_drained() const {
    return has_scanned_ && suspects_.empty() && !must_scan_ && tailer_.is_drained();
}

void FileSource::suspect(const std::string& path) {
    suspects_.insert(path);
    work_.set();
}

Task<void> FileSource::run_notifications() {
    while (!scope_.is_cancelled()) {
        const Result<Changes> changes = co_await discovery_.next();
        if (!changes) {
            if (changes.code() != ErrorCode::cancelled) {
                env_.log.error(
                    "notification of file changes ended; rescans go on",
                    {kv("error", to_string(changes.error()))}
                );
            }
            co_return;
        }
        for (const std::string& path : changes->written) {
            Stream* const stream = streams_.find_path(path);
            if (stream != nullptr && stream->state == StreamState::active) {
                turns_.want(*stream);
            } else if (discovery_.input_of(path) != nullptr) {
                suspect(path);
            }
        }
        for (const std::string& path : changes->renamed) {
            if (streams_.find_path(path) != nullptr || discovery_.input_of(path) != nullptr) {
                suspect(path);
            }
        }
        if (changes->must_rescan) {
            must_scan_ = true;
            work_.set();
        }
    }
}

Nanos FileSource::rescan_pause() {
    Nanos pause = 24h;
    for (const FileInput& input : options_.inputs) {
        pause = std::min(pause, input.rescan_interval);
    }
    if (discovery_.is_polling()) {
        pause = std::min<Nanos>(pause, 1s);
    }
    // Hosts that started together do not walk together: 20 % to both sides.
    return Nanos(static_cast<Nanos::rep>(static_cast<double>(pause.count()) * (0.8 + 0.4 * env_.rng.unit())));
}

Task<void> FileSource::run_discovery() {
    while (!scope_.is_cancelled()) {
        for (const std::string& path : locator_.take_due()) {
            suspects_.insert(path);
        }
        if (must_scan_ || env_.clock.now() >= scan_at_) {
            must_scan_ = false;
            co_await full_scan();
            scan_at_ = env_.clock.now() + rescan_pause();
            continue;
        }
        if (!suspects_.empty()) {
            const std::string path = *suspects_.begin();
            co_await examine_path(path);
            suspects_.erase(path);
            continue;
        }
        work_.reset();
        co_await work_.wait(std::min(scan_at_, locator_.next_due()));
    }
}

Task<void> FileSource::examine_path(std::string path) {
    FoundFile found;
    found.path = path;
    found.input = discovery_.input_of(path);
    Stream* const bound = streams_.find_path(path);
    if (found.input == nullptr && bound != nullptr) {
        found.input = &bound->input;
    }
    if (found.input != nullptr) {
        co_await locator_.examine(std::move(found), Sighting::later);
    }
}

Task<void> FileSource::full_scan() {
    const std::vector<FoundFile> files = co_await discovery_.scan();
    std::set<std::string_view> seen;
    for (const FoundFile& file : files) {
        if (scope_.is_cancelled()) {
            co_return;
        }
        seen.insert(file.path);
        const bool is_first = !checkpoint_.knows_input(file.input->name);
        const Sighting sighting = is_first ? Sighting::first_start : Sighting::later;
        co_await locator_.examine(file, sighting);
    }
    // T16: what is remembered and was not seen was rotated, deleted, or is not meant any more.
    for (Stream* const stream : streams_.in_state(StreamState::known)) {
        co_await locator_.missing(*stream);
    }
    for (Stream* const stream : streams_.in_state(StreamState::active)) {
        if (!seen.contains(stream->bound_path)) {
            co_await examine_path(stream->bound_path);
        }
    }
    for (const FileInput& input : options_.inputs) {
        checkpoint_.put_input(input.name);
    }
    has_scanned_ = true;
    forget_old();
}

void FileSource::forget_old() {
    const std::int64_t now_ms = to_unix_ms(env_.clock.wall());
    const std::int64_t age_ms = std::chrono::duration_cast<Millis>(options_.forget_after).count();
    for (Stream* const stream : streams_.in_state(StreamState::gone)) {
        const bool is_busy = stream->is_in_turn || stream->is_queued || stream->is_blocked;
        if (!is_busy && now_ms - stream->gone_since_ms > age_ms) {
            checkpoint_.forget(stream->uid);
            turns_.forget(*stream);
            streams_.remove(*stream);
        }
    }
}

void FileSource::refresh_metrics() {
    std::size_t open = 0;
    std::size_t idle = 0;
    std::size_t rotated = 0;
    std::size_t gone = 0;
    std::uint64_t behind = 0;
    for (const auto& [uid, stream] : streams_.all()) {
        open += stream->file != nullptr ? 1U : 0U;
        idle += stream->state == StreamState::active && stream->file == nullptr ? 1U : 0U;
        rotated += stream->state == StreamState::rotated ? 1U : 0U;
        gone += stream->state == StreamState::gone ? 1U : 0U;
        const std::uint64_t size = stream->identity.size_seen;
        const bool is_live = stream->state != StreamState::gone;
        behind += is_live && size > stream->read_to ? size - stream->read_to : 0;
    }
    files_open_.set(static_cast<double>(open));
    files_idle_.set(static_cast<double>(idle));
    files_rotated_.set(static_cast<double>(rotated));
    files_gone_.set(static_cast<double>(gone));
    bytes_behind_.set(static_cast<double>(behind));
}

}  // namespace logboom::source
