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

bool FileSource::has_met_all() const {
    const auto is_met = [this](const FileInput& input) {
        return topics_met_.contains(input.topic);
    };
    return std::all_of(options_.inputs.begin(), options_.inputs.end(), is_met);
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
