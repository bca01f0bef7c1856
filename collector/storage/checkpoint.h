// What a log directory remembers beside its logs: how far each is known to be on disk, where it begins, and
// how each was left at a clean stop.
#pragma once

#include "collector/storage/layout.h"
#include "shared/io/env.h"

#include <cstdint>
#include <map>
#include <vector>

namespace logboom::storage {

struct Checkpoint {
    /// Everything below it was on disk at some time: damage there is no torn tail.
    Offset synced_end;
    /// Segments that end at or below it are deleted, or were about to be.
    Offset log_start;

    bool operator==(const Checkpoint&) const = default;
    /// Neither value ever falls.
    void raise_to(const Checkpoint& other) noexcept;
};
using Checkpoints = std::map<PartitionKey, Checkpoint>;

/// How a log was left at a clean stop.
struct CleanLog {
    PartitionKey key;
    Offset log_end;
    Offset segment_base;              // of the last segment ...
    std::uint64_t segment_bytes = 0;  // ... and its file's size

    bool operator==(const CleanLog&) const = default;
};

/// Version of both files' formats.
inline constexpr std::uint8_t checkpoint_version = 1;

void encode_checkpoints(const Checkpoints& checkpoints, Buffer& out);
[[nodiscard]] Result<Checkpoints> decode_checkpoints(ByteView file);
void encode_clean_marker(const std::vector<CleanLog>& logs, Buffer& out);
[[nodiscard]] Result<std::vector<CleanLog>> decode_clean_marker(ByteView file);

/// What the start of a log directory finds; the same for all shards, unchanged afterwards.
struct DirectoryStart {
    Checkpoints checkpoints;
    std::map<PartitionKey, CleanLog> clean;

    /// Nothing of a log that is new or whose checkpoint was lost.
    [[nodiscard]] const Checkpoint* checkpoint_of(const PartitionKey& key) const noexcept;
    /// Zero where nothing is known.
    [[nodiscard]] Offset synced_end_of(const PartitionKey& key) const noexcept;
    [[nodiscard]] Offset log_start_of(const PartitionKey& key) const noexcept;
    /// Nothing if the log was not closed cleanly, or is new.
    [[nodiscard]] const CleanLog* clean_of(const PartitionKey& key) const noexcept;
};

/// Makes the directory if need be, reads what is remembered, and takes the mark of the clean stop away
/// before anything is written. All names in the directory are on disk when it returns. Errors:
/// `storage_failed` if the directory was given up after an I/O error (logged with what to do);
/// `unsupported` for another version (logged with both); `io`, `no_space`.
///
/// A checkpoint or marker that cannot be decoded is logged and counts as missing: recovery then looks
/// at more, never at less.
Task<Result<DirectoryStart>> start_log_directory(Env& env, std::string path);

/// The last act of a clean stop.
Task<Result<Ok>> write_clean_marker(
    Env& env, std::string directory, const std::vector<CleanLog>& logs
);

}  // namespace logboom::storage
