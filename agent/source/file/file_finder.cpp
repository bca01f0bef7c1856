#include "agent/source/file/file_finder.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace logboom::source {

namespace {

/// The file's own directory, that which its link leads to, and those for rotated files, whatever the input
/// includes or excludes.
std::vector<std::string> search_directories(const Stream& stream) {
    const std::string home(parent_of(stream.path_now.empty() ? stream.path : stream.path_now));
    std::vector<std::string> directories{home};
    if (!stream.path_resolved.empty()) {
        directories.emplace_back(parent_of(stream.path_resolved));
    }
    for (const std::string& name : stream.input.rotated_dirs) {
        if (name != ".") {
            directories.push_back(name.starts_with('/') ? name : join_path(home, name));
        }
    }
    return directories;
}

/// Rotation makes longer names: "app.log" becomes "app.log.1", "app.log-20261124", "app-20261124.log".
bool may_be_copys_name(const std::string_view original, const std::string_view name) noexcept {
    const std::string_view stem = original.substr(0, std::max<std::size_t>(original.rfind('.'), 1));
    return name.size() > original.size() && name.starts_with(stem);
}

/// The same, and it is a number or a date that makes it longer, or something behind all of the name: so
/// "app2.log" and "app-worker.log" are others.
bool is_rotations_name(const std::string_view original, const std::string_view name) noexcept {
    if (!may_be_copys_name(original, name)) {
        return false;
    }
    constexpr std::string_view marks = ".-_~";
    if (name.starts_with(original)) {
        return marks.find(name[original.size()]) != std::string_view::npos;
    }
    const std::size_t stem = std::max<std::size_t>(original.rfind('.'), 1);
    return stem + 1 < name.size() && marks.find(name[stem]) != std::string_view::npos
        && name[stem + 1] >= '0' && name[stem + 1] <= '9';
}

/// Whether a file is named like a copy of the stream's and was born when that had all that was seen of it.
/// After a restart nobody knows when that was; then any time after the stream's own file was born will do.
bool is_later_copy(const Stream& stream, const FileIdentity& seen) noexcept {
    const bool had_its_path = stream.state == StreamState::active
                           || stream.state == StreamState::known;
    const bool has_times = seen.btime_ns && stream.identity.btime_ns;
    if (!had_its_path || !has_times
        || !is_rotations_name(base_name(stream.path_now), base_name(seen.path_seen))) {
        return false;
    }
    const bool is_written_known = stream.written_at != WallTime();
    return is_written_known ? *seen.btime_ns >= stream.written_at.time_since_epoch().count()
                            : *seen.btime_ns > *stream.identity.btime_ns;
}

/// It may go away by itself: another attempt is worth its time.
bool is_transient(const Error& error) noexcept {
    return error.sys_errno == EIO || error.sys_errno == EMFILE || error.sys_errno == ENFILE;
}

bool may_be_file(const io::DirEntry& entry) noexcept {
    return entry.type == io::FileType::regular || entry.type == io::FileType::unknown;
}

}  // namespace

// --- Kin -----------------------------------------------------------------------------------------

Task<Result<Kin>> FileFinder::kin_of(OpenFile& opened) {
    LB_CO_TRY(const std::string head, co_await identifier_.head(*opened.file));
    Kin found;
    for (const std::uint32_t size : streams_.head_sizes()) {
        if (size > head.size()) {
            break;
        }
        const std::uint64_t hash = identifier_.hash_of(std::string_view(head).substr(0, size));
        for (Stream* const kin : streams_.find_head(size, hash)) {
            LB_CO_TRY(const Kinship kinship, co_await compare(opened, *kin));
            if (kinship == Kinship::moved) {
                co_return Kin{kin, kinship};
            }
            if (kinship == Kinship::copied
                || (kinship != Kinship::none && found.stream == nullptr)) {
                found = Kin{kin, kinship};
            }
        }
    }
    if (found.stream == nullptr && head.size() < head_bytes_max) {
        co_return co_await begun_copy_of(opened, head);
    }
    co_return found;
}

/// Their heads are the same.
Task<Result<Kinship>> FileFinder::compare(OpenFile& opened, const Stream& kin) {
    const FileIdentity& seen = opened.identity;
    const Proof proof = kin.proof();
    // T9.4: the same inode in another life is another file, however much it looks like the old one.
    const bool is_reused = seen.fs_id == kin.identity.fs_id && seen.ino == kin.identity.ino;
    ContentProofs proofs;
    proofs.is_head_equal = true;
    proofs.are_apart = are_two_proofs(kin.identity.head_len, proof.offset, proof.tail);
    proofs.is_later_copy = is_later_copy(kin, seen);
    if (is_reused || (!proofs.are_apart && !proofs.is_later_copy)) {
        co_return Kinship::none;
    }
    const std::uint64_t size_min = proofs.are_apart
                                     ? proof.offset
                                     : std::max(proof.offset, kin.identity.size_seen);
    if (seen.size_seen < size_min) {
        const bool may_be_made =
            kin.state == StreamState::active
            && may_be_copys_name(base_name(kin.path_now), base_name(seen.path_seen));
        if (!may_be_made) {
            co_return Kinship::none;
        }
        LB_CO_TRY(const bool is_original_whole, co_await is_whole(kin));
        co_return is_original_whole ? Kinship::begun : Kinship::none;
    }
    LB_CO_TRY(proofs.is_tail_equal, co_await has_tail(opened, proof));
    if (!prove_content(proofs)) {
        co_return Kinship::none;
    }
    LB_CO_TRY(const bool is_old_whole, co_await is_whole(kin));
    co_return kinship(proofs, is_old_whole);
}

Task<Result<bool>> FileFinder::has_tail(OpenFile& opened, const Proof proof) {
    if (proof.tail.size == 0) {
        co_return true;
    }
    LB_CO_TRY(
        const Tail tail, co_await identifier_.tail(*opened.file, proof.offset, proof.tail.size)
    );
    co_return tail == proof.tail;
}

/// Whether the stream's own file is where it was, as long as it was, and with what was read of it: else it
/// was cut, and has grown again perhaps.
Task<Result<bool>> FileFinder::is_whole(const Stream& stream) {
    const FileKey key = key_of(stream.identity);
    const std::uint64_t size_min = std::max(stream.read_to, stream.identity.size_seen);
    const Proof proof = stream.proof();
    Result<OpenFile> opened = co_await identifier_.open(stream.path_now);
    if (!opened && is_transient(opened.error())) {
        co_return opened.error();
    }
    if (!opened || key_of(opened->identity) != key || opened->identity.size_seen < size_min) {
        co_return false;
    }
    co_return co_await has_tail(*opened, proof);
}

/// A file that is shorter than any head that it could be known by.
Task<Result<Kin>> FileFinder::begun_copy_of(const OpenFile& opened, std::string head) {
    const std::vector<Stream*> originals = whose_copy_it_may_be(opened.identity.path_seen);
    for (Stream* const kin : originals) {
        LB_CO_TRY(const bool is_alike, co_await begins_like(head, *kin));
        if (is_alike) {
            co_return Kin{kin, Kinship::begun};
        }
    }
    co_return Kin();
}

std::vector<Stream*> FileFinder::whose_copy_it_may_be(const std::string& path) const {
    std::vector<Stream*> found;
    const std::string directory = join_path(parent_of(path), "");
    const std::string_view name = base_name(path);
    const auto& paths = streams_.paths();
    for (auto at = paths.lower_bound(directory); at != paths.end(); ++at) {
        if (!at->first.starts_with(directory)) {
            break;
        }
        Stream* const stream = at->second;
        const std::string_view original = std::string_view(at->first).substr(directory.size());
        if (stream->state == StreamState::active && may_be_copys_name(original, name)) {
            found.push_back(stream);
        }
    }
    return found;
}

Task<Result<bool>> FileFinder::begins_like(std::string head, const Stream& kin) {
    if (head.size() >= kin.identity.head_len) {
        co_return false;  // it would have been found by the hash
    }
    // By a descriptor of our own: the stream's may be closed while we wait.
    Result<OpenFile> original = co_await identifier_.open(kin.path_now);
    if (!original && is_transient(original.error())) {
        co_return original.error();
    }
    if (!original || key_of(original->identity) != key_of(kin.identity)) {
        co_return false;
    }
    const auto size = static_cast<std::uint32_t>(head.size());
    LB_CO_TRY(const std::uint64_t hash, co_await identifier_.head_hash(*original->file, size));
    co_return hash == identifier_.hash_of(head);
}

// --- Files of a stream ---------------------------------------------------------------------------

Task<Result<std::optional<OpenFile>>> FileFinder::own_file(const Stream& stream) {
    const FileKey key = key_of(stream.identity);
    const Stream* const owner = streams_.find_key(key);
    if (owner != nullptr && owner != &stream) {
        // Its file was cut, and is its successor's now: what it had may live on in a copy only.
        std::vector<std::string> none_waiting;
        co_return co_await copy_of(stream, std::move(none_waiting));
    }
    const std::vector<std::string> directories = search_directories(stream);
    std::optional<Error> failed;
    for (const std::string& directory : directories) {
        const Result<std::vector<io::DirEntry>> entries = co_await env_.fs.list(directory);
        if (!entries) {
            failed = is_absent(entries.error()) ? failed : entries.error();
            continue;
        }
        for (const io::DirEntry& entry : *entries) {
            if (entry.ino != key.ino || !may_be_file(entry)) {
                continue;
            }
            Result<OpenFile> opened = co_await identifier_.open(join_path(directory, entry.name));
            if (!opened) {
                failed = opened.error();  // also if it went away meanwhile: it has another name now
            } else if (key_of(opened->identity) == key) {
                co_return std::optional<OpenFile>(std::move(*opened));
            }
        }
    }
    if (failed) {
        co_return *failed;
    }
    co_return std::optional<OpenFile>();
}

Task<Result<std::optional<OpenFile>>> FileFinder::copy_of(
    const Stream& stream, std::vector<std::string> waiting
) {
    const std::string original(base_name(stream.path_now));
    const std::vector<std::string> directories = search_directories(stream);
    for (const std::string& directory : directories) {
        const Result<std::vector<io::DirEntry>> entries = co_await env_.fs.list(directory);
        if (!entries) {
            continue;
        }
        for (const io::DirEntry& entry : *entries) {
            if (may_be_file(entry) && may_be_copys_name(original, entry.name)) {
                waiting.push_back(join_path(directory, entry.name));
            }
        }
    }
    // A file that was cut several times has several copies that begin alike: the first of them goes on.
    std::optional<OpenFile> found;
    std::optional<Error> failed;
    for (const std::string& path : waiting) {
        Result<std::optional<OpenFile>> copy = co_await open_copy(stream, path);
        if (!copy) {
            failed = is_transient(copy.error()) ? copy.error() : failed;
        } else if (*copy && (!found || (*copy)->identity.btime_ns < found->identity.btime_ns)) {
            found = std::move(*copy);
        }
    }
    if (failed && !found) {
        co_return *failed;  // it may be the one
    }
    co_return std::move(found);
}

Task<Result<std::optional<OpenFile>>> FileFinder::open_copy(
    const Stream& stream, std::string path
) {
    const Proof proof = stream.proof();
    const FileIdentity& known = stream.identity;
    Result<OpenFile> opened = co_await identifier_.open(std::move(path));
    const bool has_proof = known.head_len != 0 || proof.tail.size != 0;
    if (!opened) {
        co_return opened.error();
    }
    if (!has_proof) {
        co_return std::optional<OpenFile>();
    }
    // One that was taken for a new file, and of which nothing was read, is nobody's yet.
    const Stream* const owner = streams_.find_key(key_of(opened->identity));
    if (owner != nullptr && (owner->has_begun() || owner->is_in_turn)) {
        co_return std::optional<OpenFile>();
    }
    ContentProofs proofs;
    proofs.are_apart = are_two_proofs(known.head_len, proof.offset, proof.tail);
    proofs.is_later_copy = is_later_copy(stream, opened->identity);
    const std::uint64_t size_min = proofs.are_apart ? proof.offset
                                                    : std::max(proof.offset, known.size_seen);
    if (opened->identity.size_seen < size_min) {
        co_return std::optional<OpenFile>();
    }
    LB_CO_TRY(
        const std::uint64_t head, co_await identifier_.head_hash(*opened->file, known.head_len)
    );
    LB_CO_TRY(
        const Tail tail, co_await identifier_.tail(*opened->file, proof.offset, proof.tail.size)
    );
    proofs.is_head_equal = head == known.head_hash || known.head_len == 0;
    proofs.is_tail_equal = proof.tail.size == 0 || tail == proof.tail;
    if (!prove_content(proofs)) {
        co_return std::optional<OpenFile>();
    }
    co_return std::optional<OpenFile>(std::move(*opened));
}

}  // namespace logboom::source
