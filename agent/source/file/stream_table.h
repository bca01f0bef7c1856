// All streams of the agent, found by id, by the key of their file, by path, and by the head of their
// content. Iterated in the order of ids only.
#pragma once

#include "agent/source/file/stream.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::source {

class StreamTable {
public:
    /// It is found by its key unless another stream is that does not come before it; a path is bound apart.
    Stream& add(std::unique_ptr<Stream> stream);
    void remove(Stream& stream);

    [[nodiscard]] Stream* find(const Id128& uid) const noexcept;
    [[nodiscard]] Stream* find_key(const FileKey& key) const noexcept;
    [[nodiscard]] Stream* find_path(std::string_view path) const noexcept;
    /// Streams whose heads have that length and hash.
    [[nodiscard]] std::vector<Stream*> find_head(std::uint32_t size, std::uint64_t hash) const;
    /// Those whose identity names it as the one before them: after a crash there may be several.
    [[nodiscard]] std::vector<Stream*> followers_of(const Id128& uid) const;
    /// The lengths that occur, rising.
    [[nodiscard]] std::vector<std::uint32_t> head_sizes() const;

    /// It is found by its key from now on: what another one had there is no longer in that file.
    void claim_key(Stream& stream);
    /// The stream's file is at `path`; a stream has one path at most.
    void bind_path(Stream& stream, const std::string& path);
    /// The stream has no path any more. It is remembered as the last one of the path that it had.
    void vacate(Stream& stream);
    /// The same, and its path forgets it.
    void leave(Stream& stream);
    /// `heir` was the last one at the paths that `stream` has left.
    void inherit_vacated(const Stream& stream, Stream& heir);
    /// The stream that had `path` last and is not gone; may have it still.
    [[nodiscard]] Stream* last_at(std::string_view path) const noexcept;
    /// Whether some stream's file has, or had, that inode.
    [[nodiscard]] bool knows_inode(const std::string& fs_id, std::uint64_t ino) const;
    /// The stream whose file has that inode in that life, as far as a look without opening it can tell.
    [[nodiscard]] Stream* find_inode(
        const std::string& fs_id, std::uint64_t ino, const std::optional<std::int64_t>& btime_ns
    ) const;
    /// Replaces the identity and what is found by it.
    void set_identity(Stream& stream, FileIdentity identity);

    [[nodiscard]] const std::map<Id128, std::unique_ptr<Stream>>& all() const noexcept {
        return streams_;
    }
    [[nodiscard]] std::vector<Stream*> in_state(StreamState state) const;
    [[nodiscard]] const std::map<std::string, Stream*, std::less<>>& paths() const noexcept {
        return by_path_;
    }

private:
    using Head = std::pair<std::uint32_t, std::uint64_t>;

    void index(Stream& stream);
    void unindex(const Stream& stream);

    std::map<Id128, std::unique_ptr<Stream>> streams_;
    std::map<FileKey, Stream*> by_key_;
    std::map<std::string, Stream*, std::less<>> by_path_;
    std::multimap<Head, Stream*> by_head_;
    std::multimap<Id128, Stream*> by_predecessor_;
    std::map<std::string, Stream*, std::less<>> vacated_;
};

}  // namespace logboom::source
