#include "shared/daemon/machine.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

namespace logboom::daemon {

std::size_t core_count() noexcept {
    return std::max(1u, std::thread::hardware_concurrency());
}

std::uint64_t random_seed() {
    std::random_device entropy;
    return std::uint64_t{entropy()} << 32 | entropy();
}

std::string absolute_path(const std::string& path) {
    return std::filesystem::absolute(path).string();
}

}  // namespace logboom::daemon
