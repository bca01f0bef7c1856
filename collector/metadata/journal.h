// An append-only file of records in CRC frames: what is known is what was synced. LAYOUT.md of this folder
// has its bytes.
#pragma once

#include "collector/metadata/journal_record.h"
#include "shared/io/env.h"

#include <string>
#include <vector>

namespace logboom::metadata {

/// Version of the file's format.
inline constexpr std::uint8_t journal_version = 2;

/// Logs that a framed file is of another version than the one that is supported; names both.
void report_other_version(
    const Logger& log, const std::string& path, ByteView file, std::uint8_t supported
);

/// Shard: that of `env`. One call at a time.
class Journal {
public:
    Journal(Env& env, std::string path) : env_(env), path_(std::move(path)) {}

    /// Opens the journal, or makes an empty one, cuts off a torn last frame, and returns all records.
    /// Errors: `corrupt` if a frame inside is damaged (a whole one follows it); `unsupported` for another
    /// version (logged with both); `malformed` for what is no journal; `io`, `no_space`.
    Task<Result<std::vector<JournalRecord>>> open();
    /// Appends one record and syncs. Errors: `too_large`; `no_space` (nothing was appended; retriable);
    /// `storage_failed`: nothing is appended any more, since nobody knows what the disk holds.
    Task<Result<Ok>> append(const JournalRecord& record);
    /// Replaces the whole journal by this one record. A crash leaves the old or the new one. Errors:
    /// `too_large`, `no_space`, `io`: the journal is as before and takes further records;
    /// `storage_failed`: it takes none any more.
    Task<Result<Ok>> compact(const JournalRecord& record);
    Task<void> close();

    /// Bytes of a torn frame that `open` cut off.
    [[nodiscard]] std::uint64_t dropped_bytes() const noexcept { return dropped_bytes_; }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

private:
    Task<Result<Ok>> open_file();
    Task<Result<Ok>> cut_to(std::uint64_t size);
    Task<Result<Ok>> after_failed_replacement(Error error);
    Error give_up(const Error& error);

    Env& env_;
    std::string path_;
    io::File file_;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t dropped_bytes_ = 0;
    bool has_failed_ = false;
};

}  // namespace logboom::metadata
