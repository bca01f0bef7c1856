// The collector's configuration: one table of keys (collector_config.cpp), and the plain structs that
// it fills. Nobody reads a global: collector.cpp hands each part its own options by value.
#pragma once

#include "shared/base/log.h"
#include "shared/base/strong.h"
#include "shared/base/time.h"
#include "shared/config/config.h"
#include "shared/io/backend_maker.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace logboom::collector {

enum class ListenerProtocol : std::uint8_t { kafka, agents, http };

/// One `[[listener]]`.
struct ListenerConfig {
    ListenerProtocol protocol = ListenerProtocol::kafka;
    config::HostPort listen;
    std::optional<config::HostPort> advertise;  // nothing: what was bound
};

struct CollectorConfig {
    // [node]
    std::optional<BrokerId> id;  // nothing: kept in the data directory, 1 in a new one
    std::string rack;            // empty: none
    std::vector<std::string> data_dirs;
    std::uint32_t shards = 0;  // 0: one per core
    bool pin = false;
    LogLevel log_level = LogLevel::info;
    Nanos shutdown_timeout{};

    // [io]
    io::BackendChoice backend = io::BackendChoice::uring;

    std::vector<ListenerConfig> listeners;  // of a kind at most one

    // [security]
    bool insecure = false;

    // [topic_defaults]
    std::int32_t partitions = 0;
    std::uint64_t segment_bytes = 0;
    Nanos retention_time{};             // 0: for ever
    std::uint64_t retention_bytes = 0;  // of a partition; 0: no bound
    bool auto_create = true;

    // [storage]
    std::uint64_t tail_cache_bytes = 0;
    Nanos retention_interval{};

    // [limits]
    std::uint32_t message_bytes_max = 0;
    std::uint32_t connections_max = 0;
    Nanos producer_expiration{};

    [[nodiscard]] const ListenerConfig* listener(ListenerProtocol protocol) const noexcept;

    /// Turns checked values into the structs; adds what only several keys together can be wrong in.
    [[nodiscard]] static CollectorConfig from(
        const config::Values& values, config::Problems& problems
    );
};

[[nodiscard]] const config::Schema& collector_schema();

/// What `--dev` means, as `--set` texts that stand before the user's own: one shard, one partition,
/// loopback. `data_dir` is where everything is kept.
[[nodiscard]] std::vector<std::string> dev_settings(const std::string& data_dir);

/// Everything the program does with its configuration, the same for `run` and `check`. The config is of
/// use only if `loaded.ok()`.
struct LoadedCollectorConfig {
    CollectorConfig config;
    config::Loaded loaded;
};
[[nodiscard]] LoadedCollectorConfig load_collector_config(const config::LoadRequest& request);

}  // namespace logboom::collector
