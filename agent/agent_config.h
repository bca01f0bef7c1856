// The agent's configuration: one table of keys (agent_config.cpp), and the plain structs that it fills.
// Nobody reads a global: agent.cpp hands each part its own options by value.
#pragma once

#include "shared/base/log.h"
#include "shared/base/time.h"
#include "shared/config/config.h"
#include "shared/io/backend_maker.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace logboom::agent {

enum class Compression : std::uint8_t { none, lz4 };
/// Where reading begins in files that were there when an input was started for the very first time
/// (T22); files that appear later are always read from their beginning.
enum class ReadFrom : std::uint8_t { beginning, end, since };
enum class OnLongLine : std::uint8_t { split, truncate, drop };
enum class Notify : std::uint8_t { automatic, poll };

/// One `[[input.file]]`.
struct FileInputConfig {
    std::string name;
    std::vector<std::string> include;  // key `paths`: globs
    std::vector<std::string> exclude;  // globs; without a slash they look at the name alone
    std::string topic;                 // `[output] topic` unless given
    ReadFrom read_from = ReadFrom::beginning;
    Nanos since{};         // of ReadFrom::since: files changed longer ago are passed over
    Nanos ignore_older{};  // by mtime; zero: never
    std::uint32_t line_bytes_max = 0;
    OnLongLine on_long_line = OnLongLine::split;
    Nanos partial_flush{};  // zero: never
    Nanos close_idle{};
    Nanos rotate_quiet{};
    std::vector<std::string> rotated_dirs;  // beside the file; "." is its own directory
    Nanos rescan_interval{};
    Notify notify = Notify::automatic;
    bool drop_empty = false;
};

struct AgentConfig {
    // [agent]
    std::string host;  // put on every record
    std::string state_dir;
    LogLevel log_level = LogLevel::info;
    std::optional<config::HostPort> http;  // nothing: no HTTP
    Nanos shutdown_timeout{};
    std::uint64_t memory_max = 0;      // of data on its way
    std::uint32_t open_files_max = 0;  // the program makes less of it if the process may open less

    // [io]
    io::BackendChoice backend = io::BackendChoice::automatic;

    // [output]
    std::vector<config::HostPort> collectors;
    std::string topic;
    Compression compression = Compression::lz4;
    std::uint32_t batch_bytes_max = 0;
    Nanos batch_age_max{};
    std::vector<std::string> headers;  // record headers besides the source's cursor, "lb.host" ...

    // [output.limits]
    std::uint64_t in_flight_bytes_max = 0;

    std::vector<FileInputConfig> file_inputs;  // at least one

    /// Turns checked values into the structs; adds what only several keys together can be wrong in.
    [[nodiscard]] static AgentConfig from(const config::Values& values, config::Problems& problems);
};

[[nodiscard]] const config::Schema& agent_schema();

/// Everything the program does with its configuration, the same for `run` and `check`. The config is of
/// use only if `loaded.ok()`.
struct LoadedAgentConfig {
    AgentConfig config;
    config::Loaded loaded;
};
[[nodiscard]] LoadedAgentConfig load_agent_config(const config::LoadRequest& request);

}  // namespace logboom::agent
