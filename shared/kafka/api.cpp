#include "shared/kafka/api.h"

#include "shared/base/assert.h"

namespace logboom::kafka {

const ApiInfo* find_api(const std::int16_t key) noexcept {
    for (const ApiInfo& info : all_apis()) {
        if (static_cast<std::int16_t>(info.key) == key) {
            return &info;
        }
    }
    return nullptr;
}

const ApiInfo& api_info(const ApiKey key) noexcept {
    const ApiInfo* const info = find_api(static_cast<std::int16_t>(key));
    LB_ASSERT(info != nullptr);
    return *info;
}

}  // namespace logboom::kafka
