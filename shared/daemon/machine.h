// What a program asks the machine once, at its start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace logboom::daemon {

/// Cores that this process may run on, at least 1.
[[nodiscard]] std::size_t core_count() noexcept;
/// 64 random bits for the seed of the program's Rng.
[[nodiscard]] std::uint64_t random_seed();
/// `path` as seen from the root; an absolute one is given back.
[[nodiscard]] std::string absolute_path(const std::string& path);

}  // namespace logboom::daemon
