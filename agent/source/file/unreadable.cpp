#include "agent/source/file/unreadable.h"

#include "shared/base/bytes.h"

#include <fmt/format.h>

#include <cerrno>

namespace logboom::source {

namespace {

std::string owner_of(const io::FileStat& stat) {
    constexpr std::uint32_t permission_bits = 07777;
    return fmt::format(
        "uid {} gid {} mode {:04o}", stat.uid, stat.gid, stat.mode & permission_bits
    );
}

}  // namespace

bool is_forbidden(const Error& error) noexcept {
    return error.sys_errno == EACCES || error.sys_errno == EPERM;
}

void warn_unreadable(
    const Logger& log,
    const std::string_view path,
    const Error& error,
    const std::optional<io::FileStat>& stat
) {
    const char* const sentence = "file cannot be read; trying again, after 60 s at the most";
    const std::string owner = stat ? owner_of(*stat) : "unknown";
    if (is_forbidden(error)) {
        log.warn(
            sentence,
            {kv("path", quoted(path)),
             kv("error", to_string(error)),
             kv("file", owner),
             kv("hint", "CAP_DAC_READ_SEARCH, or a group that may read it, lets the agent read it")}
        );
    } else {
        log.warn(
            sentence, {kv("path", quoted(path)), kv("error", to_string(error)), kv("file", owner)}
        );
    }
}

}  // namespace logboom::source
