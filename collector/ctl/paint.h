// Colours of a terminal, and whether there are any.
#pragma once

#include "collector/ctl/record_row.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace logboom::ctl {

/// What `--color` says.
enum class ColorWish : std::uint8_t { automatic, always, never };

/// What the environment says about colours; variables that are not set are empty.
struct Terminal {
    bool is_terminal = false;
    std::string no_color;        ///< NO_COLOR
    std::string clicolor_force;  ///< CLICOLOR_FORCE
    std::string term;            ///< TERM
};

/// The flag decides, then NO_COLOR, then CLICOLOR_FORCE, then a TERM that is dumb, then whether a terminal
/// is there.
[[nodiscard]] bool wants_color(ColorWish wish, const Terminal& terminal);

/// Puts text into colours, or leaves it alone. Colour never tells anything that the text does not.
class Paint {
public:
    explicit Paint(const bool is_on) noexcept : is_on_(is_on) {}

    [[nodiscard]] bool is_on() const noexcept { return is_on_; }
    /// By severity, 0 to 7.
    [[nodiscard]] std::string level(std::int64_t severity, std::string_view text) const;
    /// One of twelve hues that are readable on dark and on light, always the same for the record's stream.
    [[nodiscard]] std::string stream(const RecordRow& row, std::string_view text) const;
    /// What was looked for.
    [[nodiscard]] std::string match(std::string_view text) const;
    [[nodiscard]] std::string dim(std::string_view text) const;

private:
    [[nodiscard]] std::string wrapped(std::string_view code, std::string_view text) const;

    bool is_on_;
};

}  // namespace logboom::ctl
