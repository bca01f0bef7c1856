// What a user looks for in log lines: text, or a regular expression. This folder is the only one that
// knows RE2, whose time is linear in the line: a pattern cannot stop the program that runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace logboom::lbq {

enum class Case : std::uint8_t { sensitive, folded };

/// Bytes [from, to) of a line.
struct Span {
    std::size_t from = 0;
    std::size_t to = 0;

    bool operator==(const Span&) const = default;
};

class TextPattern {
public:
    /// Finds `text` as it stands. `folded` takes letters of both cases for the same: of all alphabets if it
    /// is UTF-8, else of Latin-1.
    [[nodiscard]] static TextPattern substring(std::string_view text, Case letters);
    /// Finds what an expression in RE2's syntax describes; else what is wrong with it.
    [[nodiscard]] static std::variant<TextPattern, std::string> regex(
        std::string_view expression, Case letters
    );

    TextPattern(TextPattern&&) noexcept;
    TextPattern& operator=(TextPattern&&) noexcept;
    ~TextPattern();

    [[nodiscard]] bool matches(std::string_view line) const;
    /// The first match at or behind `start`, which is at most the line's size.
    [[nodiscard]] std::optional<Span> find(std::string_view line, std::size_t start) const;

private:
    struct Compiled;
    explicit TextPattern(std::unique_ptr<Compiled> compiled);

    std::unique_ptr<Compiled> compiled_;
};

}  // namespace logboom::lbq
