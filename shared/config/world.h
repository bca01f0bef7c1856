// What a configuration may ask of the world around it, as functions, so that tests and the simulator
// hand in their own. A configuration is read at start-up, before there is a ring to wait on: plain
// blocking reads, here and nowhere else.
#pragma once

#include "shared/base/result.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::config {

struct World {
    std::function<std::optional<std::string>(const std::string& name)> environment;
    /// A whole small file. Errors: `not_found`, `too_large` (limits::config_file_bytes_max), `io`.
    std::function<Result<std::string>(const std::string& path)> load_file;
    /// Names in a directory, any order. Errors: `not_found`, `io`.
    std::function<Result<std::vector<std::string>>(const std::string& path)> list_dir;
    std::string host;  // of ${host}
};

/// The machine's own.
[[nodiscard]] World real_world();

/// Reads a whole file with blocking calls. Errors as World::load_file.
[[nodiscard]] Result<std::string> load_file(const std::string& path);

}  // namespace logboom::config
