#include "shared/config/world.h"

#include "shared/base/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace logboom::config {
namespace {

Error failed(const char* const step) noexcept {
    const int number = errno;
    const bool is_absent = number == ENOENT || number == ENOTDIR;
    return {is_absent ? ErrorCode::not_found : ErrorCode::io, number, step};
}

Result<std::string> read_all(const int fd) {
    std::string text;
    std::array<char, 64u << 10> block;
    while (true) {
        const ssize_t n = ::read(fd, block.data(), block.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return failed("read configuration");
        }
        if (n == 0) {
            return text;
        }
        text.append(block.data(), static_cast<std::size_t>(n));
        if (text.size() > limits::config_file_bytes_max) {
            return Error{ErrorCode::too_large, 0, "read configuration"};
        }
    }
}

Result<std::vector<std::string>> list_dir(const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
    if (dir == nullptr) {
        return failed("open configuration directory");
    }
    std::vector<std::string> names;
    while (const dirent* const entry = ::readdir(dir.get())) {
        names.emplace_back(entry->d_name);
    }
    return names;
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
        return "localhost";
    }
    return name.data();
}

}  // namespace

Result<std::string> load_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return failed("open configuration");
    }
    Result<std::string> text = read_all(fd);
    ::close(fd);
    return text;
}

World real_world() {
    World world;
    world.environment = [](const std::string& name) -> std::optional<std::string> {
        const char* const value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    world.load_file = load_file;
    world.list_dir = list_dir;
    world.host = host_name();
    return world;
}

}  // namespace logboom::config
