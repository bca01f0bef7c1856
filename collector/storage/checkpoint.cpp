#include "collector/storage/checkpoint.h"

#include "shared/base/limits.h"

#include <algorithm>

namespace logboom::storage {

namespace {

constexpr std::size_t file_bytes_max = limits::crc_frame_bytes_max + 64;

std::string path_of(const std::string& directory, const std::string_view name) {
    return directory + "/" + std::string(name);
}

Task<Result<Ok>> refuse_failed_directory(Env& env, const std::string& directory) {
    const std::string path = path_of(directory, failed_marker_name);
    const Result<io::FileStat> marker = co_await env.fs.stat(path);
    if (marker) {
        env.log.error(
            "this log directory was given up after an I/O error: check the disk, then remove the "
            "marker to use it again",
            {kv("marker", quoted(path))}
        );
        co_return Error{ErrorCode::storage_failed, 0, "log directory marked as failed"};
    }
    if (marker.code() != ErrorCode::not_found) {
        co_return marker.error();
    }
    co_return Ok{};
}

/// Shards come and go between starts, so there may be files of several; the highest value holds.
Task<Result<Ok>> read_checkpoints(
    Env& env, const std::string& directory, Checkpoints& checkpoints
) {
    LB_CO_TRY(const std::vector<io::DirEntry> entries, co_await env.fs.list(directory));
    for (const io::DirEntry& entry : entries) {
        const std::string_view name = entry.name;
        if (!name.starts_with(checkpoint_prefix) || name.ends_with(temporary_suffix)) {
            continue;
        }
        const std::string path = path_of(directory, name);
        LB_CO_TRY(const std::string file, co_await env.fs.read_file(path, file_bytes_max));
        const Result<Checkpoints> decoded = decode_checkpoints(as_bytes(file));
        if (!decoded && decoded.code() == ErrorCode::unsupported) {
            report_other_version(env.log, path, as_bytes(file), checkpoint_version);
            co_return decoded.error();
        }
        if (!decoded) {
            env.log.warn(
                "a recovery checkpoint cannot be read and counts as missing",
                {kv("file", quoted(path)), kv("error", to_string(decoded.error()))}
            );
            continue;
        }
        for (const auto& [key, checkpoint] : *decoded) {
            checkpoints[key].raise_to(checkpoint);
        }
    }
    co_return Ok{};
}

Task<Result<Ok>> take_clean_marker(Env& env, const std::string& directory, DirectoryStart& start) {
    const std::string path = path_of(directory, clean_marker_name);
    const Result<std::string> file = co_await env.fs.read_file(path, file_bytes_max);
    if (!file && file.code() == ErrorCode::not_found) {
        // Who took it away may have been killed before that was on disk: it must not come back. And
        // who made a partition's directory, before its name was.
        co_return co_await env.fs.sync_dir(directory);
    }
    if (!file) {
        co_return file.error();
    }
    const Result<std::vector<CleanLog>> logs = decode_clean_marker(as_bytes(*file));
    if (!logs && logs.code() == ErrorCode::unsupported) {
        report_other_version(env.log, path, as_bytes(*file), checkpoint_version);
        co_return logs.error();
    }
    if (logs) {
        for (const CleanLog& log : *logs) {
            start.clean[log.key] = log;
        }
    } else {
        env.log.warn(
            "the mark of a clean stop cannot be read and counts as missing",
            {kv("file", quoted(path)), kv("error", to_string(logs.error()))}
        );
    }
    LB_CO_CHECK(co_await env.fs.unlink(path));
    co_return co_await env.fs.sync_dir(directory);
}

}  // namespace

void Checkpoint::raise_to(const Checkpoint& other) noexcept {
    synced_end = std::max(synced_end, other.synced_end);
    log_start = std::max(log_start, other.log_start);
}

const Checkpoint* DirectoryStart::checkpoint_of(const PartitionKey& key) const noexcept {
    const auto found = checkpoints.find(key);
    return found == checkpoints.end() ? nullptr : &found->second;
}

Offset DirectoryStart::synced_end_of(const PartitionKey& key) const noexcept {
    const Checkpoint* const known = checkpoint_of(key);
    return known == nullptr ? Offset(0) : known->synced_end;
}

Offset DirectoryStart::log_start_of(const PartitionKey& key) const noexcept {
    const Checkpoint* const known = checkpoint_of(key);
    return known == nullptr ? Offset(0) : known->log_start;
}

const CleanLog* DirectoryStart::clean_of(const PartitionKey& key) const noexcept {
    const auto found = clean.find(key);
    return found == clean.end() ? nullptr : &found->second;
}

Task<Result<DirectoryStart>> start_log_directory(Env& env, std::string path) {
    LB_CO_CHECK(co_await env.fs.make_dirs(path));
    LB_CO_CHECK(co_await refuse_failed_directory(env, path));
    DirectoryStart start;
    LB_CO_CHECK(co_await read_checkpoints(env, path, start.checkpoints));
    LB_CO_CHECK(co_await take_clean_marker(env, path, start));
    co_return start;
}

Task<Result<Ok>> write_clean_marker(
    Env& env, std::string directory, const std::vector<CleanLog>& logs
) {
    Buffer file;
    encode_clean_marker(logs, file);
    const std::string path = path_of(directory, clean_marker_name);
    co_return co_await env.fs.replace_file(path, file.view());
}

}  // namespace logboom::storage
