// What is said of a file that cannot be read (T6): once, with what would help.
#pragma once

#include "shared/base/log.h"
#include "shared/io/fs.h"

#include <optional>
#include <string_view>

namespace logboom::source {

/// We are not allowed to, as opposed to: it fails.
[[nodiscard]] bool is_forbidden(const Error& error) noexcept;

/// `stat` is the file's, if it is known.
void warn_unreadable(
    const Logger& log,
    std::string_view path,
    const Error& error,
    const std::optional<io::FileStat>& stat
);

}  // namespace logboom::source
