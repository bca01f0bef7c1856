// What is wrong with a configuration, collected: every problem of one run, with the place in the text,
// so that a person can put all of them right at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::config {

/// One text that was read. `name` is what messages begin with: a path, or "--set".
struct Source {
    enum class Kind : std::uint8_t { file, command_line };
    std::string name;
    std::string text;
    Kind kind = Kind::file;
};

/// A place in a source. Lines and columns count from 1; columns are characters of UTF-8.
struct Place {
    static constexpr std::size_t no_source = SIZE_MAX;

    std::size_t source = no_source;  // index of Problems::sources()
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint32_t width = 1;

    [[nodiscard]] bool is_known() const noexcept { return source != no_source; }
};

class Problems {
public:
    /// Keeps the text for the messages; returns its index for Place.
    [[nodiscard]] std::size_t add_source(Source source);
    [[nodiscard]] const Source& source(std::size_t index) const;

    /// `hint` stands behind the caret: "did you mean 'exclude'?". Problems above
    /// limits::config_problems_max are counted, not kept.
    void add(Place place, std::string message, std::string hint = "");

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    /// All problems in the order of the sources and lines, each as
    ///     FILE:LINE:COLUMN: error: MESSAGE
    ///        7 |   exlude = ["*.gz"]
    ///          |   ^~~~~~ did you mean 'exclude'?
    /// and a last line with their count. Empty if there is none.
    [[nodiscard]] std::string text() const;
    /// "agent.toml:7", for messages that name a second place and for the origins of a dump.
    [[nodiscard]] std::string where(Place place) const;

private:
    struct Problem {
        Place place;
        std::string message;
        std::string hint;
    };
    [[nodiscard]] std::string excerpt(const Problem& problem) const;

    std::vector<Source> sources_;
    std::vector<Problem> problems_;
    std::size_t count_ = 0;
};

}  // namespace logboom::config
