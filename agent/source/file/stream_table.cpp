#include "agent/source/file/stream_table.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

Stream& StreamTable::add(std::unique_ptr<Stream> stream) {
    Stream& added = *stream;
    streams_[added.uid] = std::move(stream);
    index(added);
    return added;
}

void StreamTable::remove(Stream& stream) {
    unindex(stream);
    leave(stream);
    streams_.erase(stream.uid);
}

Stream* StreamTable::find(const Id128& uid) const noexcept {
    const auto found = streams_.find(uid);
    return found == streams_.end() ? nullptr : found->second.get();
}

Stream* StreamTable::find_key(const FileKey& key) const noexcept {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
}

Stream* StreamTable::find_path(const std::string_view path) const noexcept {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : found->second;
}

std::vector<Stream*> StreamTable::find_head(const std::uint32_t size, const std::uint64_t hash)
    const {
    std::vector<Stream*> found;
    const auto [first, last] = by_head_.equal_range(Head(size, hash));
    for (auto at = first; at != last; ++at) {
        found.push_back(at->second);
    }
    return found;
}

std::vector<Stream*> StreamTable::followers_of(const Id128& uid) const {
    std::vector<Stream*> found;
    const auto [first, last] = by_predecessor_.equal_range(uid);
    for (auto at = first; at != last; ++at) {
        found.push_back(at->second);
    }
    return found;
}

std::vector<std::uint32_t> StreamTable::head_sizes() const {
    std::vector<std::uint32_t> sizes;
    for (auto at = by_head_.begin(); at != by_head_.end();) {
        const std::uint32_t size = at->first.first;
        sizes.push_back(size);
        at = by_head_.lower_bound(Head(size + 1, 0));
    }
    return sizes;
}

void StreamTable::claim_key(Stream& stream) {
    by_key_[key_of(stream.identity)] = &stream;
}

void StreamTable::bind_path(Stream& stream, const std::string& path) {
    if (stream.bound_path != path) {
        vacate(stream);
    }
    by_path_[path] = &stream;
    stream.bound_path = path;
    vacated_.erase(path);
}

void StreamTable::vacate(Stream& stream) {
    const auto found = by_path_.find(stream.bound_path);
    if (found != by_path_.end() && found->second == &stream) {
        vacated_[stream.bound_path] = &stream;
        by_path_.erase(found);
    }
    stream.bound_path.clear();
}

void StreamTable::leave(Stream& stream) {
    vacate(stream);
    std::erase_if(vacated_, [&stream](const auto& entry) { return entry.second == &stream; });
}

void StreamTable::inherit_vacated(const Stream& stream, Stream& heir) {
    for (auto& [path, last] : vacated_) {
        last = last == &stream ? &heir : last;
    }
}

Stream* StreamTable::last_at(const std::string_view path) const noexcept {
    if (Stream* const bound = find_path(path)) {
        return bound;
    }
    const auto found = vacated_.find(path);
    return found == vacated_.end() ? nullptr : found->second;
}

bool StreamTable::knows_inode(const std::string& fs_id, const std::uint64_t ino) const {
    FileKey first;
    first.fs_id = fs_id;
    first.ino = ino;
    const auto found = by_key_.lower_bound(first);
    return found != by_key_.end() && found->first.fs_id == fs_id && found->first.ino == ino;
}

Stream* StreamTable::find_inode(
    const std::string& fs_id, const std::uint64_t ino, const std::optional<std::int64_t>& btime_ns
) const {
    FileKey first;
    first.fs_id = fs_id;
    first.ino = ino;
    for (auto at = by_key_.lower_bound(first); at != by_key_.end(); ++at) {
        const FileKey& key = at->first;
        if (key.fs_id != fs_id || key.ino != ino) {
            return nullptr;
        }
        if (key.btime_ns == btime_ns) {
            return at->second;
        }
    }
    return nullptr;
}

void StreamTable::set_identity(Stream& stream, FileIdentity identity) {
    unindex(stream);
    stream.identity = std::move(identity);
    index(stream);
}

void StreamTable::index(Stream& stream) {
    const auto [at, is_new] = by_key_.try_emplace(key_of(stream.identity), &stream);
    if (!is_new && stream.identity.predecessor == at->second->uid) {
        at->second = &stream;  // the other's content has left this inode
    }
    if (stream.identity.head_len != 0) {
        by_head_.emplace(Head(stream.identity.head_len, stream.identity.head_hash), &stream);
    }
    if (stream.identity.predecessor) {
        by_predecessor_.emplace(*stream.identity.predecessor, &stream);
    }
}

void StreamTable::unindex(const Stream& stream) {
    const auto key = by_key_.find(key_of(stream.identity));
    if (key != by_key_.end() && key->second == &stream) {
        by_key_.erase(key);
    }
    const auto [first, last] =
        by_head_.equal_range(Head(stream.identity.head_len, stream.identity.head_hash));
    for (auto at = first; at != last; ++at) {
        if (at->second == &stream) {
            by_head_.erase(at);
            break;
        }
    }
    if (stream.identity.predecessor) {
        const auto [begin, end] = by_predecessor_.equal_range(*stream.identity.predecessor);
        const auto follower = std::find_if(begin, end, [&stream](const auto& entry) {
            return entry.second == &stream;
        });
        if (follower != end) {
            by_predecessor_.erase(follower);
        }
    }
}

std::vector<Stream*> StreamTable::in_state(const StreamState state) const {
    std::vector<Stream*> found;
    for (const auto& [uid, stream] : streams_) {
        if (stream->state == state) {
            found.push_back(stream.get());
        }
    }
    return found;
}

}  // namespace logboom::source
