// Numbers that must not mix are types of their own.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace logboom {

/// A number with a meaning. Comparison, and steps by plain numbers; no mixing of two meanings.
template <typename Tag, typename Rep>
struct Strong {
    using rep = Rep;

    Rep value{};

    constexpr Strong() = default;
    constexpr explicit Strong(const Rep v) noexcept : value(v) {}

    constexpr auto operator<=>(const Strong&) const noexcept = default;

    constexpr Strong operator+(const Rep n) const noexcept {
        return Strong(static_cast<Rep>(value + n));
    }
    constexpr Strong operator-(const Rep n) const noexcept {
        return Strong(static_cast<Rep>(value - n));
    }
    constexpr Rep operator-(const Strong other) const noexcept {
        return static_cast<Rep>(value - other.value);
    }
    constexpr Strong& operator+=(const Rep n) noexcept {
        value = static_cast<Rep>(value + n);
        return *this;
    }
};

/// Position of a record in a partition; `end` and `high_watermark` are exclusive.
using Offset = Strong<struct OffsetTag, std::int64_t>;
using PartitionIndex = Strong<struct PartitionIndexTag, std::int32_t>;
using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;
using BrokerId = Strong<struct BrokerIdTag, std::int32_t>;
using ProducerId = Strong<struct ProducerIdTag, std::int64_t>;

}  // namespace logboom

template <typename Tag, typename Rep>
struct std::hash<logboom::Strong<Tag, Rep>> {
    std::size_t operator()(const logboom::Strong<Tag, Rep> s) const noexcept {
        return std::hash<Rep>{}(s.value);
    }
};
