// The keyed 64-bit hash of heads and tails of files (T12). The key is the installation's: a program that
// writes a log cannot make its file look like another's.
#pragma once

#include "agent/ship/outlet.h"
#include "shared/base/bytes.h"

#include <cstdint>
#include <string_view>

namespace logboom::batch {

using ship::Tail;

class KeyedHash {
public:
    explicit KeyedHash(const std::uint64_t seed) noexcept : seed_(seed) {}
    [[nodiscard]] std::uint64_t operator()(ByteView bytes) const noexcept;

private:
    std::uint64_t seed_;
};

/// The id of what belongs to `id` for one purpose. The same for ever, and never `id` itself.
[[nodiscard]] ship::Id128 derived_id(const ship::Id128& id, std::string_view purpose);

/// Bytes before a position that prove it.
inline constexpr std::uint32_t tail_bytes_max = 64;

/// Proof of the position behind the last byte of `bytes`.
[[nodiscard]] inline Tail tail_of(const KeyedHash& hash, const ByteView bytes) noexcept {
    const std::size_t size = bytes.size() < tail_bytes_max ? bytes.size() : tail_bytes_max;
    return {static_cast<std::uint32_t>(size), hash(bytes.last(size))};
}

}  // namespace logboom::batch
