#include "agent/batch/keyed_hash.h"

#include <xxhash.h>

namespace logboom::batch {

std::uint64_t KeyedHash::operator()(const ByteView bytes) const noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_);
}

}  // namespace logboom::batch
