#include "shared/config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace logboom::config {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

// From large to small: formatting takes the first that divides.
constexpr std::array<Unit, 7> duration_units{{
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};

constexpr std::array<Unit, 9> size_units{{
    {"TiB", std::int64_t{1} << 40},
    {"GiB", std::int64_t{1} << 30},
    {"MiB", std::int64_t{1} << 20},
    {"KiB", std::int64_t{1} << 10},
    {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"kB", 1'000},
    {"B", 1},
}};

template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(
    const std::string_view text, const std::array<Unit, N>& units
) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || number < 0 || text.starts_with('-')) {
        return std::nullopt;
    }
    const std::string_view name(rest, static_cast<std::size_t>(end - rest));
    for (const Unit& unit : units) {
        if (unit.name == name) {
            if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) {
                return std::nullopt;
            }
            return number * unit.factor;
        }
    }
    return std::nullopt;
}

bool is_digits(const std::string_view text) noexcept {
    return !text.empty()
        && std::all_of(text.begin(), text.end(), [](const char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<Nanos> parse_duration(const std::string_view text) {
    if (text == "0") {
        return Nanos::zero();
    }
    const std::optional<std::int64_t> nanos = parse_with_unit(text, duration_units);
    return nanos.has_value() ? std::optional<Nanos>(Nanos(*nanos)) : std::nullopt;
}

std::string format_duration(const Nanos duration) {
    const std::int64_t nanos = duration.count();
    for (const Unit& unit : duration_units) {
        if (nanos != 0 && nanos % unit.factor == 0) {
            return fmt::format("{}{}", nanos / unit.factor, unit.name);
        }
    }
    return "0";
}

std::optional<std::int64_t> parse_size(const std::string_view text) {
    return parse_with_unit(
        is_digits(text) ? std::string(text) + "B" : std::string(text), size_units
    );
}

std::string format_size(const std::int64_t bytes) {
    for (const Unit& unit : size_units) {
        const bool is_binary = unit.name.size() == 3;
        if (is_binary && bytes != 0 && bytes % unit.factor == 0) {
            return fmt::format("{}{}", bytes / unit.factor, unit.name);
        }
    }
    return fmt::format("{}", bytes);
}

std::optional<HostPort> parse_host_port(const std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !is_digits(text.substr(colon + 1))) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const bool has_colon = host.find(':') != std::string_view::npos;
    if (host.empty() || has_colon != is_bracketed
        || host.find_first_of("[]/ \t\r\n") != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc()) {
        return std::nullopt;
    }
    return HostPort{std::string(host), port};
}

std::string to_string(const HostPort& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", address.host, address.port)
                 : fmt::format("{}:{}", address.host, address.port);
}

}  // namespace logboom::config
