#include "agent/source/file/file_source.h"

#include "shared/record/loss_topic.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

metrics::Gauge& files_gauge(metrics::Registry& registry, const char* const state) {
    return registry.gauge("logboom_agent_files", "Files by state.", {{"state", state}});
}

/// Each before those that it comes after: where a file was cut several times, what it has now is the last
/// one's.
std::vector<const rpc::StreamPosition*> latest_first(
    const std::vector<rpc::StreamPosition>& positions
) {
    std::map<Id128, const rpc::StreamPosition*> by_stream;
    for (const rpc::StreamPosition& position : positions) {
        by_stream[position.stream] = &position;
    }
    const auto predecessors_of = [&by_stream](const rpc::StreamPosition& position) {
        std::size_t count = 0;
        const rpc::StreamPosition* at = &position;
        while (at->identity && at->identity->predecessor && count < by_stream.size()) {
            const auto before = by_stream.find(*at->identity->predecessor);
            if (before == by_stream.end()) {
                break;
            }
            at = before->second;
            ++count;
        }
        return count;
    };
    std::vector<std::pair<std::size_t, const rpc::StreamPosition*>> counted;
    for (const rpc::StreamPosition& position : positions) {
        counted.emplace_back(predecessors_of(position), &position);
    }
    std::ranges::stable_sort(counted, std::greater<>(), [](const auto& entry) {
        return entry.first;
    });
    std::vector<const rpc::StreamPosition*> ordered;
    for (const auto& [count, position] : counted) {
        ordered.push_back(position);
    }
    return ordered;
}

}  // namespace

FileSource::FileSource(
    Env& env,
    FileSourceOptions options,
    const batch::KeyedHash hash,
    Checkpoint& checkpoint,
    batch::BatchRoom& room,
    const ship::Outlet& outlet,
    ship::MemoryBudget& memory,
    metrics::Registry& registry
)
    : env_(env)
    , options_(std::move(options))
    , checkpoint_(checkpoint)
    , room_(room)
    , memory_(memory)
    , meters_(env, options_.inputs, registry)
    , turns_(env)
    , identifier_(env, hash)
    , discovery_(env, options_.inputs, registry)
    , losses_(env, streams_, turns_, checkpoint, room, outlet, meters_, registry)
    , tailer_(
          env,
          options_.tailer,
          streams_,
          turns_,
          identifier_,
          checkpoint,
          outlet,
          memory,
          meters_,
          losses_,
          registry
      )
    , locator_(env, streams_, turns_, identifier_, checkpoint, room, tailer_, losses_, registry)
    , work_(env.scheduler)
    , scope_(env.scheduler)
    , files_unreadable_(files_gauge(registry, "unreadable"))
    , files_ignored_(files_gauge(registry, "ignored")) {
    TailerEvents events;
    events.suspect = [this](const std::string& path) { suspect(path); };
    events.let_go = [this](Stream& stream) { streams_.leave(stream); };
    events.may_read = [this](const Stream& stream) {
        return topics_met_.contains(stream.input.topic);
    };
    tailer_.connect_events(std::move(events));
    memory_.room = [this] { this->room(); };
}

FileSource::~FileSource() {
    memory_.room = nullptr;
}

Task<void> FileSource::start() {
    for (const auto& [uid, entry] : checkpoint_.entries()) {
        recall(entry);
    }
    connect_streams();
    for (const FileInput& input : options_.inputs) {
        const std::optional<WallTime> started = checkpoint_.input_started(input.name);
        inputs_started_[input.name] = started.value_or(env_.clock.wall());
    }
    co_await discovery_.start();
    tailer_.start();
    scope_.spawn(run_discovery());
    listen();
}

void FileSource::begin(const rpc::HelloReply& positions) {
    positions_.push_back(positions);
    work_.set();
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
    stream.is_recalled = true;
    stream.partition = entry.partition;
    stream.acked_to = entry.offset;
    stream.acked_tail = {entry.tail_len, entry.tail_hash};
    stream.cut_at = entry.cut_at;
    const ship::Position position{entry.generation, entry.offset};
    stream.restart_at(position, stream.acked_tail);
    if (entry.passed_to > entry.offset) {
        stream.batcher.pass(entry.passed_to);
        stream.read_to = entry.passed_to;
        stream.tail = Tail();
    }
}

// --- The collectors' positions -------------------------------------------------------------------

bool FileSource::has_met_all() const {
    const auto is_met = [this](const FileInput& input) {
        return topics_met_.contains(input.topic);
    };
    return std::all_of(options_.inputs.begin(), options_.inputs.end(), is_met);
}

/// Called while no look at a file is under way, and while no stream has its turn: streams are removed.
Task<void> FileSource::take_positions() {
    if (positions_.empty()) {
        co_return;
    }
    co_await turns_.hold();
    for (const rpc::HelloReply& positions : std::exchange(positions_, {})) {
        take(positions);
    }
    // Before anything is read: what looks new to us may be what one of them goes on in.
    for (const Id128& uid : std::exchange(displaced_, {})) {
        Stream* const stream = streams_.find(uid);
        if (stream != nullptr && stream->state == StreamState::known) {
            co_await locator_.missing(*stream);
        }
    }
    co_await look_before_reading();
    turns_.release();
    must_scan_ = true;  // what was brought back has to be found
    room();
}

/// What was taken for a new file may be what a known stream's file had before it was cut: once somebody has
/// begun to read it, the lines that it shares with that come twice.
Task<void> FileSource::look_before_reading() {
    const std::set<Id128> corrected = std::exchange(corrected_, {});
    const bool has_fresh = !active_streams(false).empty();
    for (const Id128& uid : active_streams(true)) {
        Stream* const stream = streams_.find(uid);
        if (stream != nullptr && (has_fresh || corrected.contains(uid))) {
            co_await locator_.confirm(*stream);
        }
    }
    for (const Id128& uid : active_streams(false)) {
        if (Stream* const stream = streams_.find(uid)) {
            co_await locator_.reconsider(*stream);
        }
    }
}

void FileSource::take(const rpc::HelloReply& positions) {
    std::set<Id128> known_to_collectors;
    for (const rpc::TopicPositions& topic : positions.topics) {
        for (const rpc::StreamPosition& position : topic.positions) {
            known_to_collectors.insert(position.stream);
            if (position.identity) {
                told_predecessors_[position.stream] = position.identity->predecessor;
            }
        }
    }
    for (const rpc::TopicPositions& topic : positions.topics) {
        LB_ASSERT(!topics_met_.contains(topic.topic));
        for (const rpc::StreamPosition* const position : latest_first(topic.positions)) {
            learn(topic.topic, *position, known_to_collectors);
        }
        topics_met_.insert(topic.topic);
        if (topic.topic == record::loss_topic) {
            losses_.meet();
        }
        for (const FileInput& input : options_.inputs) {
            if (input.topic == topic.topic) {
                moved_at_[&input] = env_.clock.now();
            }
        }
    }
    told_predecessors_.clear();
    order_new_files(known_to_collectors);
    connect_streams();
}

/// Of those whose topics are met and whose files are at their paths.
std::vector<Id128> FileSource::active_streams(const bool has_begun) const {
    std::vector<Id128> found;
    for (const auto& [uid, stream] : streams_.all()) {
        if (stream->state == StreamState::active && stream->has_begun() == has_begun
            && topics_met_.contains(stream->input.topic)) {
            found.push_back(uid);
        }
    }
    return found;
}

/// The position of a collector is the truth, but of a generation that it has not seen it can say nothing
/// but that.
void FileSource::learn(
    const std::string& topic,
    const rpc::StreamPosition& position,
    const std::set<Id128>& known_to_collectors
) {
    Stream* stream = streams_.find(position.stream);
    if (stream == nullptr) {
        stream = bring_back(topic, position, known_to_collectors);
    }
    if (stream == nullptr) {
        return;
    }
    // A cut that we saw before we knew whose the file is was not one of this stream's.
    const bool is_behind = position.generation < stream->generation
                        && !displaced_.contains(stream->uid);
    const ship::Position known = is_behind ? ship::Position{stream->generation, 0}
                                           : ship::Position{position.generation, position.to};
    if (stream->partition && *stream->partition != position.partition
        && stream->position() >= known) {
        return;
    }
    stream->partition = position.partition;
    const ship::Position told{position.generation, position.to};
    losses_.learn(*stream, told, Tail{position.tail_len, position.tail_hash});
    const bool is_expected = known.generation == stream->generation
                          && known.offset == stream->acked_to;
    if (is_expected) {
        return;
    }
    // What was read since the checkpoint was written may have told more of the file's head; and what we have
    // seen of it may have come after a cut.
    if (!is_behind && position.identity) {
        FileIdentity identity = stream->identity;
        identity.head_len = position.identity->head_len;
        identity.head_hash = position.identity->head_hash;
        streams_.set_identity(*stream, std::move(identity));
    }
    const Tail proof = is_behind ? Tail() : Tail{position.tail_len, position.tail_hash};
    stream->acked_to = known.offset;
    stream->acked_tail = proof;
    stream->restart_at(known, proof);
    if (stream->doubt == Doubt::cut) {
        stream->doubt = Doubt::none;  // it was one about the position that we knew
    }
    stream->written_at = WallTime();  // what was seen of the file may have come after a cut
    corrected_.insert(stream->uid);
    checkpoint_.put(stream->to_entry());
}

/// A stream that only the collector knows comes back by the identity that its batches carried (T9). If
/// we have taken its file for a new one meanwhile, that was a mistake. Null: no input wants it.
Stream* FileSource::bring_back(
    const std::string& topic,
    const rpc::StreamPosition& position,
    const std::set<Id128>& known_to_collectors
) {
    if (!position.identity) {
        return nullptr;
    }
    const FileIdentity& identity = *position.identity;
    const FileInput* const input = input_for("", topic, identity.path_seen);
    if (input == nullptr) {
        return nullptr;
    }
    LB_REACHED(env_, stream_brought_back);
    auto made = std::make_unique<Stream>(room_, *input, position.stream, identity);
    made->generation = position.generation;
    Stream* const twin = streams_.find_key(key_of(identity));
    const bool was_cut_since = twin != nullptr && comes_after(identity, twin->uid);
    if (twin != nullptr && !known_to_collectors.contains(twin->uid)) {
        locator_.absorb(*twin, *made);
    } else if (was_cut_since) {
        take_file_of(*twin, *made);
    }
    Stream& stream = streams_.add(std::move(made));
    if (stream.state == StreamState::active) {
        streams_.bind_path(stream, stream.path_now);
    }
    if (was_cut_since || streams_.find_key(key_of(identity)) != &stream) {
        displaced_.insert(was_cut_since ? twin->uid : stream.uid);
    }
    if (was_cut_since) {
        streams_.claim_key(stream);
    }
    turns_.want(stream);
    return &stream;
}

/// Whether `uid` is one of those that came before.
bool FileSource::comes_after(const FileIdentity& identity, const Id128& uid) const {
    std::optional<Id128> before = identity.predecessor;
    const std::size_t length_max = streams_.all().size() + told_predecessors_.size();
    for (std::size_t i = 0; before && i <= length_max; ++i) {
        if (*before == uid) {
            return true;
        }
        const Stream* const stream = streams_.find(*before);
        const auto told = told_predecessors_.find(*before);
        if (stream != nullptr) {
            before = stream->identity.predecessor;
        } else {
            before = told == told_predecessors_.end() ? std::nullopt : told->second;
        }
    }
    return false;
}

/// The file was cut, and what it has by now is `stream`'s, which is not in the table yet: what it had, if
/// `before` was not done with it, lives on in a copy at best.
void FileSource::take_file_of(Stream& before, Stream& stream) {
    stream.state = before.state;
    stream.path_resolved = before.path_resolved;
    stream.file = std::move(before.file);
    stream.replacement = std::move(before.replacement);
    stream.path_now = before.path_now;
    stream.grown_at = before.grown_at;
    streams_.vacate(before);
    before.state = StreamState::known;
    before.doubt = Doubt::none;
    before.forget_looks();
}

/// Files that we have met before the collectors told of their path's earlier ones come after the last of
/// them.
void FileSource::order_new_files(const std::set<Id128>& known_to_collectors) {
    const auto is_new = [&known_to_collectors](const Stream* const stream) {
        return stream != nullptr && !stream->has_begun()
            && !known_to_collectors.contains(stream->uid);
    };
    std::map<Id128, Stream*> last_before;  // by the stream of the first new file
    for (const Id128& uid : known_to_collectors) {
        Stream* const earlier = streams_.find(uid);
        Stream* file = earlier == nullptr ? nullptr : streams_.find_path(earlier->path);
        const std::vector<Stream*> followers = streams_.followers_of(uid);
        const bool has_known_follower = !std::ranges::all_of(followers, is_new);
        if (file == earlier || !is_new(file) || has_known_follower) {
            continue;
        }
        // It was rotated perhaps since we met it, and what has its path now is ordered behind it.
        for (std::size_t i = 0; i < streams_.all().size() && file->identity.predecessor; ++i) {
            Stream* const before = streams_.find(*file->identity.predecessor);
            file = is_new(before) && before->state != StreamState::gone ? before : file;
        }
        Stream*& last = last_before[file->uid];
        if (last == nullptr || last->identity.btime_ns < earlier->identity.btime_ns) {
            last = earlier;
        }
    }
    for (const auto& [uid, before] : last_before) {
        Stream& file = *streams_.find(uid);
        file.partition = before->partition;  // a path keeps its order over rotations (D1)
        if (file.identity.predecessor != before->uid) {
            locator_.put_in_order(*before, file);
        }
    }
}

/// The newest of several streams of one path is the one that no other stream comes after. What comes to that
/// path is ordered behind it.
void FileSource::connect_streams() {
    for (const auto& [uid, stream] : streams_.all()) {
        if (stream->identity.predecessor) {
            if (Stream* const before = streams_.find(*stream->identity.predecessor)) {
                before->successor = uid;
            }
        }
    }
    for (const auto& [uid, stream] : streams_.all()) {
        const Stream* const owner = streams_.find_key(key_of(stream->identity));
        if (owner != nullptr && owner != stream.get()
            && comes_after(stream->identity, owner->uid)) {
            streams_.claim_key(*stream);  // the other's content has left this inode
        }
        if (stream->state != StreamState::known) {
            continue;
        }
        const Stream* const last = streams_.last_at(stream->path);
        const bool is_last_there = last != nullptr && last->state == StreamState::active
                                && last->bound_path == stream->path;
        const bool is_newer = last != nullptr && !stream->successor && !is_last_there
                           && (last->state == StreamState::known
                               || comes_after(stream->identity, last->uid));
        if (last == nullptr || is_newer) {
            streams_.bind_path(*stream, stream->path);
        }
    }
}

// --- What the shipper tells and asks -------------------------------------------------------------

ship::Route FileSource::route(const Id128& uid) const {
    const Stream* const stream = streams_.find(uid);
    return stream == nullptr ? Losses::route()
                             : ship::Route{stream->input.topic, stream->path, stream->partition};
}

void FileSource::pinned(const Id128& uid, const PartitionIndex partition) {
    if (Stream* const stream = streams_.find(uid)) {
        stream->partition = partition;
        checkpoint_.put(stream->to_entry());
    }
}

void FileSource::acknowledged(const Id128& uid, const ship::Position position, const Tail tail) {
    Stream* const stream = streams_.find(uid);
    if (stream == nullptr) {
        losses_.acknowledged(uid, position);
        return;
    }
    losses_.handed_over(*stream, position, tail);
    if (position.generation != stream->generation) {
        return;
    }
    stream->acked_to = position.offset;
    stream->acked_tail = tail;
    const SteadyTime now = env_.clock.now();
    moved_at_[&stream->input] = now;
    stream->note_lag(now);
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
        LB_REACHED(env_, position_rejected);
        // Sealed later, it would come behind batches that are not on their way any more.
        stream->batcher.discard();
        if (losses_.take_back(*stream, position)) {
            return;
        }
        stream->rewind_to = position;
        stream->acked_to = position.generation == stream->generation ? position.offset : 0;
        stream->acked_tail = Tail();
        turns_.want(*stream);
    } else {
        losses_.rewind(uid, position);
    }
}

void FileSource::room() {
    const std::function<Stream*(const Id128&)> find = [this](const Id128& uid) {
        return streams_.find(uid);
    };
    turns_.unblock_all(find);
}

bool FileSource::is_drained() const {
    const bool has_looked = has_scanned_ && suspects_.empty() && !must_scan_ && !is_looking_;
    return has_met_all() && has_looked && !locator_.has_undecided() && tailer_.is_drained();
}

// --- Looking at files ----------------------------------------------------------------------------

void FileSource::suspect(const std::string& path) {
    suspects_.insert(path);
    work_.set();
}

void FileSource::listen() {
    if (discovery_.has_watcher() && !std::exchange(is_listening_, true)) {
        scope_.spawn(run_notifications());
    }
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
        note_changes(*changes);
    }
}

void FileSource::note_changes(const Changes& changes) {
    for (const std::string& path : changes.written) {
        Stream* const stream = streams_.find_path(path);
        if (stream != nullptr && stream->state == StreamState::active) {
            turns_.tell(*stream);
        } else if (!locator_.is_put_off(path) && discovery_.input_of(path) != nullptr) {
            suspect(path);
        }
    }
    for (const std::string& path : changes.renamed) {
        if (streams_.find_path(path) != nullptr || discovery_.input_of(path) != nullptr) {
            suspect(path);
        }
    }
    if (changes.must_rescan) {
        must_scan_ = true;
        work_.set();
    }
}

Nanos FileSource::rescan_pause() {
    Nanos pause = 24h;
    for (const FileInput& input : options_.inputs) {
        pause = std::min(pause, input.rescan_interval);
    }
    // Hosts that started together do not walk together: 20 % to both sides.
    return Nanos(
        static_cast<Nanos::rep>(static_cast<double>(pause.count()) * (0.8 + 0.4 * env_.rng.unit()))
    );
}

SteadyTime FileSource::next_look() const noexcept {
    return std::min({scan_at_, locator_.next_due(), discovery_.next_poll()});
}

Task<void> FileSource::run_discovery() {
    while (!scope_.is_cancelled()) {
        co_await take_positions();
        is_looking_ = true;
        co_await look_at_due();
        if (must_scan_ || env_.clock.now() >= scan_at_) {
            must_scan_ = false;
            co_await full_scan();
            scan_at_ = env_.clock.now() + rescan_pause();
        } else if (!suspects_.empty()) {
            // Suspected once more while it is looked at, it is looked at again.
            std::string path = std::move(suspects_.extract(suspects_.begin()).value());
            co_await examine_path(std::move(path));
        }
        is_looking_ = false;
        if (positions_.empty() && !must_scan_ && suspects_.empty()) {
            work_.reset();
            [[maybe_unused]] const Result<Ok> woken = co_await work_.wait(next_look());
        }
    }
}

/// What was put off until now.
Task<void> FileSource::look_at_due() {
    for (std::string& path : locator_.take_due_paths()) {
        suspects_.insert(std::move(path));
    }
    const std::vector<Id128> streams = locator_.take_due_streams();
    for (const Id128& uid : streams) {
        if (Stream* const stream = streams_.find(uid)) {
            co_await locator_.missing(*stream);
        }
    }
    co_await check_links();
    co_await poll_directories();
}

/// T4. What is not as it was is looked at with all that has to be asked.
Task<void> FileSource::check_links() {
    Looked looked = co_await discovery_.check_links();
    for (FoundFile& file : looked.files) {
        co_await look_at(std::move(file));
    }
    must_scan_ = must_scan_ || looked.must_rescan;
}

Task<void> FileSource::look_at(FoundFile found) {
    const Stream* const bound = streams_.find_path(found.path);
    const bool is_known = bound != nullptr && found.stat && found.stat->ino == bound->identity.ino
                       && found.stat->btime_ns == bound->identity.btime_ns;
    if (!is_known) {
        suspects_.insert(std::move(found.path));
        co_return;
    }
    Sighting sighting = sighting_of(*found.input);
    sighting.is_first_start = false;
    co_await locator_.examine(std::move(found), sighting);
}

/// T28. Files of directories that are not watched; one that was just written to is likely to be again.
Task<void> FileSource::poll_directories() {
    constexpr Nanos hot_window = 60s;
    const std::vector<std::string> directories = discovery_.take_due_directories();
    for (const std::string& directory : directories) {
        const std::string prefix = join_path(directory, "");
        std::set<std::string> bound;
        bool is_hot = false;
        const auto& paths = streams_.paths();
        for (auto at = paths.lower_bound(prefix); at != paths.end(); ++at) {
            if (!at->first.starts_with(prefix)) {
                break;
            }
            if (parent_of(at->first) == directory) {
                bound.insert(at->first);
                is_hot = is_hot || env_.clock.now() - at->second->grown_at < hot_window;
            }
        }
        Looked looked = co_await discovery_.poll(directory, is_hot);
        for (FoundFile& file : looked.files) {
            bound.erase(file.path);
            co_await look_at(std::move(file));
        }
        suspects_.merge(bound);  // those are not there any more
        must_scan_ = must_scan_ || looked.must_rescan;
    }
}

Sighting FileSource::sighting_of(const FileInput& input) const {
    Sighting sighting;
    sighting.is_first_start = !has_scanned_ && !checkpoint_.knows_input(input.name);
    sighting.input_started = inputs_started_.at(input.name);
    return sighting;
}

Task<void> FileSource::examine_path(std::string path) {
    FoundFile found;
    found.path = std::move(path);
    found.input = discovery_.input_of(found.path);
    found.path_resolved = co_await discovery_.resolve(found.path);
    const bool is_link = found.path_resolved != found.path;
    if (!is_link) {
        found.path_resolved.clear();
    }
    const Stream* const bound = streams_.find_path(found.path);
    if (found.input == nullptr && bound != nullptr) {
        found.input = &bound->input;
    }
    if (found.input != nullptr
        && !discovery_.is_left_out(*found.input, found.path, found.path_resolved)) {
        if (is_link) {
            co_await discovery_.follow_link(*found.input, found.path, found.path_resolved);
        }
        Sighting sighting = sighting_of(*found.input);
        sighting.is_first_start = false;
        co_await locator_.examine(std::move(found), sighting);
    }
}

Task<void> FileSource::full_scan() {
    const std::vector<FoundFile> files = co_await discovery_.scan();
    listen();
    locator_.begin_scan();
    std::set<std::string_view> seen;
    for (const FoundFile& file : files) {
        if (scope_.is_cancelled()) {
            co_return;
        }
        co_await take_positions();
        seen.insert(file.path);
        co_await locator_.examine(file, sighting_of(*file.input));
    }
    // T16: what is remembered and was not seen was rotated, deleted, or is not meant any more.
    const std::vector<Stream*> known = streams_.in_state(StreamState::known);
    for (Stream* const stream : known) {
        co_await locator_.missing(*stream);
    }
    const std::vector<Stream*> active = streams_.in_state(StreamState::active);
    for (Stream* const stream : active) {
        if (!seen.contains(stream->bound_path)) {
            co_await examine_path(stream->bound_path);
        }
    }
    co_await remember_inputs();
    has_scanned_ = true;
    forget_old();
}

/// T22. Where reading begins in the files of an input is remembered before the input is: else a crash
/// between the two would move the beginning.
Task<void> FileSource::remember_inputs() {
    const auto is_known = [this](const FileInput& input) {
        return checkpoint_.knows_input(input.name);
    };
    if (std::all_of(options_.inputs.begin(), options_.inputs.end(), is_known)) {
        co_return;
    }
    const Result<Ok> flushed = co_await checkpoint_.flush();
    if (!flushed) {
        co_return;  // the checkpoint has said so, and the next scan tries again
    }
    for (const auto& [name, started] : inputs_started_) {
        checkpoint_.put_input(name, started);
    }
}

void FileSource::forget_old() {
    const std::int64_t now_ms = to_unix_ms(env_.clock.wall());
    const std::int64_t age_ms = std::chrono::duration_cast<Millis>(options_.forget_after).count();
    for (Stream* const stream : streams_.in_state(StreamState::gone)) {
        const bool is_busy = stream->is_in_turn || stream->is_queued || stream->is_blocked
                          || !stream->losses.empty();
        if (!is_busy && now_ms - stream->gone_since_ms > age_ms) {
            checkpoint_.forget(stream->uid);
            turns_.forget(*stream);
            streams_.remove(*stream);
        }
    }
}

// --- For those who ask ---------------------------------------------------------------------------

std::vector<InputHealth> FileSource::health() const {
    const SteadyTime now = env_.clock.now();
    std::map<const FileInput*, std::size_t> readable;
    std::map<const FileInput*, Nanos> waiting;
    for (const auto& [uid, stream] : streams_.all()) {
        const bool is_open_to_us = stream->state == StreamState::active
                                || stream->state == StreamState::rotated;
        if (!is_open_to_us || stream->failing) {
            continue;  // of one that is only known from an earlier run nobody can tell yet
        }
        ++readable[&stream->input];
        // A last line that its writer has not finished waits for nobody but him.
        const bool is_unfinished = stream->is_at_end && stream->is_all_acknowledged();
        if (!is_unfinished) {
            Nanos& longest = waiting[&stream->input];
            longest = std::max(longest, stream->lag.age(now));
        }
    }
    std::vector<InputHealth> all;
    for (const FileInput& input : options_.inputs) {
        InputHealth& one = all.emplace_back();
        one.name = input.name;
        const bool has_unreadable = locator_.unreadable_count(input) != 0;
        one.is_failing = discovery_.is_shut_out(input) || (has_unreadable && readable[&input] == 0);
        const auto moved = moved_at_.find(&input);
        const Nanos since_moved = moved == moved_at_.end() ? Nanos::max() : now - moved->second;
        one.stuck_for = std::min(waiting[&input], since_moved);
    }
    return all;
}

void FileSource::refresh_metrics() {
    meters_.refresh(streams_);
    std::size_t unreadable = locator_.unreadable_count() + discovery_.unlistable_count();
    std::size_t ignored = locator_.ignored_count();
    for (const auto& [uid, stream] : streams_.all()) {
        unreadable += stream->failing ? 1U : 0U;
        ignored += stream->is_compressed && stream->state == StreamState::active ? 1U : 0U;
    }
    files_unreadable_.set(static_cast<double>(unreadable));
    files_ignored_.set(static_cast<double>(ignored));
}

}  // namespace logboom::source
