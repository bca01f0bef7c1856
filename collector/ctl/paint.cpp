#include "collector/ctl/paint.h"

#include <array>

namespace logboom::ctl {

namespace {

/// FNV-1a: the same stream has the same hue in every run and on every machine.
std::uint32_t hash_of(const std::uint32_t before, const std::string_view text) noexcept {
    constexpr std::uint32_t prime = 16'777'619;
    std::uint32_t hash = before;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * prime;
    }
    return hash * prime;  // a separator: "ab", "c" is not "a", "bc"
}

}  // namespace

bool wants_color(const ColorWish wish, const Terminal& terminal) {
    if (wish != ColorWish::automatic) {
        return wish == ColorWish::always;
    }
    if (!terminal.no_color.empty()) {
        return false;
    }
    if (!terminal.clicolor_force.empty() && terminal.clicolor_force != "0") {
        return true;
    }
    return terminal.term != "dumb" && terminal.is_terminal;
}

std::string Paint::wrapped(const std::string_view code, const std::string_view text) const {
    if (!is_on_ || text.empty()) {
        return std::string(text);
    }
    std::string out = "\x1b[";
    out += code;
    out += 'm';
    out += text;
    out += "\x1b[0m";
    return out;
}

std::string Paint::level(const std::int64_t severity, const std::string_view text) const {
    // emerg, alert, crit: bold red; error: red; warning: yellow; notice: cyan; info: green; debug: dim.
    constexpr std::array<std::string_view, 8> codes = {
        "1;31", "1;31", "1;31", "31", "33", "36", "32", "2"};
    const bool is_known = severity >= 0 && severity < static_cast<std::int64_t>(codes.size());
    return is_known ? wrapped(codes[static_cast<std::size_t>(severity)], text) : std::string(text);
}

std::string Paint::stream(const RecordRow& row, const std::string_view text) const {
    constexpr std::array<std::string_view, 12> hues = {
        "38;5;31",
        "38;5;37",
        "38;5;64",
        "38;5;70",
        "38;5;97",
        "38;5;99",
        "38;5;33",
        "38;5;130",
        "38;5;133",
        "38;5;136",
        "38;5;161",
        "38;5;166"};
    constexpr std::uint32_t offset_basis = 2'166'136'261;
    std::uint32_t hash = offset_basis;
    for (const char* const part : {"lb.host", "lb.src", "lb.path", "lb.unit"}) {
        hash = hash_of(hash, row.header(part).value_or(std::string_view{}));
    }
    return wrapped(hues[hash % hues.size()], text);
}

std::string Paint::match(const std::string_view text) const {
    return wrapped("7", text);
}

std::string Paint::dim(const std::string_view text) const {
    return wrapped("2", text);
}

}  // namespace logboom::ctl
