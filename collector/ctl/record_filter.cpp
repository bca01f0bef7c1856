#include "collector/ctl/record_filter.h"

#include "collector/ctl/printable.h"

#include <fnmatch.h>

#include <algorithm>

namespace logboom::ctl {

namespace {

using lbq::Case;
using lbq::Span;
using lbq::TextPattern;

std::optional<std::int64_t> severity_of(const std::string_view name) {
    for (std::int64_t severity = 0; level_name(severity) != nullptr; ++severity) {
        if (name == level_name(severity)) {
            return severity;
        }
    }
    return std::nullopt;
}

Case letters_of(const FilterOptions& options, const Case usual) noexcept {
    if (options.is_folded) {
        return Case::folded;
    }
    return options.is_case_sensitive ? Case::sensitive : usual;
}

/// Ascending and apart from each other: what overlaps becomes one.
std::vector<Span> joined(std::vector<Span> spans) {
    std::ranges::sort(spans, {}, &Span::from);
    std::vector<Span> apart;
    for (const Span& span : spans) {
        if (!apart.empty() && span.from <= apart.back().to) {
            apart.back().to = std::max(apart.back().to, span.to);
        } else {
            apart.push_back(span);
        }
    }
    return apart;
}

}  // namespace

bool matches_glob(const std::string& glob, const std::string_view text) {
    return ::fnmatch(glob.c_str(), std::string(text).c_str(), 0) == 0;
}

std::optional<LevelRange> parse_levels(const std::string_view text) {
    const std::size_t dots = text.find("..");
    if (dots != std::string_view::npos) {
        const auto first = severity_of(text.substr(0, dots));
        const auto second = severity_of(text.substr(dots + 2));
        if (!first.has_value() || !second.has_value()) {
            return std::nullopt;
        }
        return LevelRange{std::min(*first, *second), std::max(*first, *second)};
    }
    const bool is_exact = text.starts_with('=');
    const auto severity = severity_of(is_exact ? text.substr(1) : text);
    if (!severity.has_value()) {
        return std::nullopt;
    }
    return LevelRange{is_exact ? *severity : 0, *severity};
}

Outcome<RecordFilter> RecordFilter::make(const FilterOptions& options) {
    RecordFilter filter;
    filter.levels_ = options.levels;
    filter.is_inverted_ = options.is_inverted;
    for (const std::string& text : options.substrings) {
        filter.patterns_.push_back(TextPattern::substring(text, letters_of(options, Case::folded)));
    }
    for (const std::string& expression : options.expressions) {
        auto made = TextPattern::regex(expression, letters_of(options, Case::sensitive));
        if (const auto* const problem = std::get_if<std::string>(&made)) {
            return Failure{
                .exit_code = ExitCode::usage,
                .what = "'" + printable(expression)
                      + "' is no regular expression: " + printable(*problem),
                .hint = "--grep TEXT looks for text as it stands"};
        }
        filter.patterns_.push_back(std::get<TextPattern>(std::move(made)));
    }
    const std::pair<const char*, const std::string*> globs[] = {
        {"lb.host", &options.host},
        {"lb.unit", &options.unit},
        {"lb.app", &options.app},
        {"lb.path", &options.path}};
    for (const auto& [header, pattern] : globs) {
        if (!pattern->empty()) {
            filter.globs_.push_back(HeaderGlob{header, *pattern});
        }
    }
    return filter;
}

bool RecordFilter::matches_text(const std::string_view line) const {
    return std::ranges::all_of(patterns_, [&](const TextPattern& p) { return p.matches(line); });
}

bool RecordFilter::matches(const RecordRow& row) const {
    if (levels_.has_value()) {
        const auto severity = row.number("lb.sev");
        if (!severity.has_value() || *severity < levels_->worst || *severity > levels_->mildest) {
            return false;
        }
    }
    for (const HeaderGlob& glob : globs_) {
        const auto value = row.header(glob.header);
        if (!value.has_value() || !matches_glob(glob.pattern, *value)) {
            return false;
        }
    }
    return patterns_.empty() || matches_text(row.text()) != is_inverted_;
}

std::vector<Span> RecordFilter::matches_in(const std::string_view line) const {
    std::vector<Span> spans;
    if (is_inverted_) {
        return spans;
    }
    for (const TextPattern& pattern : patterns_) {
        std::size_t start = 0;
        while (start <= line.size()) {
            const std::optional<Span> span = pattern.find(line, start);
            if (!span.has_value()) {
                break;
            }
            if (span->to > span->from) {
                spans.push_back(*span);
            }
            start = std::max(span->to, start + 1);  // an empty match must not be found for ever
        }
    }
    return joined(std::move(spans));
}

}  // namespace logboom::ctl
