#include "agent/batch/keyed_hash.h"

#include "shared/base/assert.h"

#include <xxhash.h>

#include <cstring>

namespace logboom::batch {

std::uint64_t KeyedHash::operator()(const ByteView bytes) const noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_);
}

ship::Id128 derived_id(const ship::Id128& id, const std::string_view purpose) {
    Buffer bytes;
    bytes.append(ByteView(id));
    bytes.append(purpose);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
    ship::Id128 derived;
    static_assert(sizeof derived == sizeof canonical.digest);
    std::memcpy(derived.data(), canonical.digest, derived.size());
    LB_ASSERT(derived != id);
    return derived;
}

}  // namespace logboom::batch
