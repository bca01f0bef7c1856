// Where reading begins in a file that is seen first (T22).
#pragma once

#include "agent/source/file/file_input.h"
#include "shared/io/env.h"

namespace logboom::source {

/// How a file came to be seen. One that was there at the very first start of its input is read by
/// `read_from` and `ignore_older`, any other from its beginning, however old it looks.
struct Sighting {
    bool is_first_start = false;
    WallTime input_started{};  // when the input was started for the very first time
};

/// Whether a file that no stream is known of is left alone for its age. It was ignored at the first start
/// already, so the same file is ignored at every later one, until it is written to (T23).
[[nodiscard]] bool is_ignored(
    const FileInput& input, const io::FileStat& stat, WallTime input_started
) noexcept;

/// Offset of the first byte that is read: 0 or behind a line end, so that the first record is no half of
/// a line. `size` is the file's. Errors: those of reading.
Task<Result<std::uint64_t>> start_offset(
    Env& env, io::File& file, const FileInput& input, bool is_first_start, std::uint64_t size
);

}  // namespace logboom::source
