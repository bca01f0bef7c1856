// Which records are shown, and what in them was looked for.
#pragma once

#include "collector/ctl/failure.h"
#include "collector/ctl/record_row.h"
#include "shared/lbq/text_pattern.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::ctl {

/// Severities that are shown, the worst first: numbers fall as things get worse.
struct LevelRange {
    std::int64_t worst = 0;
    std::int64_t mildest = 7;

    bool operator==(const LevelRange&) const = default;
};

/// `warning`: that or worse. `=info`: exactly. `error..warning`: from one to the other. Nothing: no level.
[[nodiscard]] std::optional<LevelRange> parse_levels(std::string_view text);

struct FilterOptions {
    std::vector<std::string>
        substrings;  ///< `--grep`: all must occur; letters of both cases are the same
    std::vector<std::string> expressions;  ///< `--regex`: all must match; letters are as they stand
    bool is_folded = false;                ///< `-i`, for both
    bool is_case_sensitive = false;        ///< `-s`, for both
    bool is_inverted = false;              ///< `-v`: those that text and expressions do not match
    std::optional<LevelRange> levels;      ///< a record without a level is none of them
    std::string host;                      ///< globs over the header of that name; empty: all
    std::string unit;
    std::string app;
    std::string path;
};

class RecordFilter {
public:
    /// Shows everything.
    RecordFilter() = default;
    /// The filter, or a usage failure for an expression that is wrong.
    [[nodiscard]] static Outcome<RecordFilter> make(const FilterOptions& options);

    [[nodiscard]] bool matches(const RecordRow& row) const;
    /// What to highlight in a line: ascending, without overlaps. Empty if the filter is inverted.
    [[nodiscard]] std::vector<lbq::Span> matches_in(std::string_view line) const;

private:
    struct HeaderGlob {
        std::string header;
        std::string pattern;
    };

    [[nodiscard]] bool matches_text(std::string_view line) const;

    std::vector<lbq::TextPattern> patterns_;
    std::vector<HeaderGlob> globs_;
    std::optional<LevelRange> levels_;
    bool is_inverted_ = false;
};

/// Whether `text` is what `glob` (`*`, `?`, `[...]`) describes, as a whole.
[[nodiscard]] bool matches_glob(const std::string& glob, std::string_view text);

}  // namespace logboom::ctl
