// The APIs of the Kafka protocol that we can read and write, and their versions.
#pragma once

#include <cstdint>
#include <span>

namespace logboom::kafka {

/// Kafka's numbers; those of the schemas in messages/.
enum class ApiKey : std::int16_t {
    produce = 0,
    fetch = 1,
    list_offsets = 2,
    metadata = 3,
    find_coordinator = 10,
    api_versions = 18,
    create_topics = 19,
    delete_topics = 20,
    init_producer_id = 22,
    describe_configs = 32,
    create_partitions = 37
};

struct ApiInfo {
    ApiKey key{};
    const char* name = "";  ///< Kafka's name, for logs and metric labels
    /// What ApiVersions says once the API has a handler.
    std::int16_t advertised_min = 0;
    std::int16_t advertised_max = 0;
    /// What `decode` and `encode` take; a smaller range than the advertised one where old clients
    /// look for a version that nobody sends.
    std::int16_t served_min = 0;
    std::int16_t served_max = 0;
    std::int16_t flexible_from = 0;

    [[nodiscard]] bool serves(const std::int16_t version) const noexcept {
        return version >= served_min && version <= served_max;
    }
    [[nodiscard]] bool is_flexible(const std::int16_t version) const noexcept {
        return version >= flexible_from;
    }
};

/// All of them, by ascending key.
[[nodiscard]] std::span<const ApiInfo> all_apis() noexcept;

/// Null for a key we do not know.
[[nodiscard]] const ApiInfo* find_api(std::int16_t key) noexcept;
[[nodiscard]] const ApiInfo& api_info(ApiKey key) noexcept;

}  // namespace logboom::kafka
