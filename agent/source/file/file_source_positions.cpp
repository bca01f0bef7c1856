// What the collectors know of our files, and what follows from it before anything is read.
//
// The position of a collector is the truth; the checkpoint is a cache, which may be lost, torn or old. So a
// stream may be further than we knew, known to the collector alone, or have lost its file to one that came
// after it, and what we took for a new file may be a copy of what it had:
//
//   learn, bring_back    each position: the stream goes on there; one that we do not know comes back
//   order_new_files      what is new to us and to the collectors comes after what they know
//   connect_streams      who is the last one of each path and of each inode
//   Locator::missing     where the file of a stream went whose inode is another one's by now
//   look_before_reading  whose file was cut since, and which new file is a copy
#include "agent/source/file/file_source.h"
#include "shared/record/loss_topic.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

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
            co_await locator_.look_at_head(*stream);
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

}  // namespace logboom::source
