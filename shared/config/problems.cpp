#include "shared/config/problems.h"

#include "shared/base/assert.h"
#include "shared/base/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace logboom::config {
namespace {

/// The line without its end; empty behind the last.
std::string_view line_of(const std::string_view text, const std::uint32_t line) {
    std::size_t begin = 0;
    for (std::uint32_t n = 1; n < line; ++n) {
        const std::size_t end = text.find('\n', begin);
        if (end == std::string_view::npos) {
            return {};
        }
        begin = end + 1;
    }
    std::string_view found = text.substr(begin, text.find('\n', begin) - begin);
    if (found.ends_with('\r')) {
        found.remove_suffix(1);
    }
    return found;
}

bool continues_a_character(const char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

/// White space as wide as the first `columns` characters of `line`: tabs stay tabs.
std::string padding(const std::string_view line, const std::uint32_t columns) {
    std::string pad;
    for (const char c : line) {
        if (pad.size() == columns) {
            break;
        }
        if (!continues_a_character(c)) {
            pad.push_back(c == '\t' ? '\t' : ' ');
        }
    }
    pad.resize(columns, ' ');
    return pad;
}

/// Control characters would let a file write to the terminal of whoever checks it.
std::string printable(const std::string_view line) {
    constexpr std::size_t shown_bytes_max = 160;
    std::string shown(line.substr(0, shown_bytes_max));
    for (char& c : shown) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
            c = '?';
        }
    }
    return shown;
}

std::string plural(const std::size_t n, const std::string_view word) {
    return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

}  // namespace

std::size_t Problems::add_source(Source source) {
    sources_.push_back(std::move(source));
    return sources_.size() - 1;
}

const Source& Problems::source(const std::size_t index) const {
    LB_ASSERT(index < sources_.size());
    return sources_[index];
}

void Problems::add(const Place place, std::string message, std::string hint) {
    ++count_;
    if (problems_.size() < limits::config_problems_max) {
        problems_.push_back({place, std::move(message), std::move(hint)});
    }
}

std::string Problems::where(const Place place) const {
    if (!place.is_known()) {
        return "(default)";
    }
    return fmt::format("{}:{}", source(place.source).name, place.line);
}

std::string Problems::excerpt(const Problem& problem) const {
    const Place& place = problem.place;
    const std::string_view line = line_of(source(place.source).text, place.line);
    if (line.empty()) {
        return problem.hint.empty() ? "" : fmt::format("     | {}\n", problem.hint);
    }
    const std::uint32_t before = place.column == 0 ? 0 : place.column - 1;
    const auto room = static_cast<std::uint32_t>(std::max<std::size_t>(line.size(), before + 1));
    const std::uint32_t width = std::clamp<std::uint32_t>(place.width, 1, room - before);
    return fmt::format(
        "{:4} | {}\n     | {}^{}{}{}\n",
        place.line,
        printable(line),
        padding(line, before),
        std::string(width - 1, '~'),
        problem.hint.empty() ? "" : " ",
        problem.hint
    );
}

std::string Problems::text() const {
    if (empty()) {
        return "";
    }
    std::vector<Problem> sorted = problems_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.place.source, a.place.line, a.place.column)
             < std::tie(b.place.source, b.place.line, b.place.column);
    });
    std::string out;
    for (const Problem& problem : sorted) {
        if (problem.place.is_known()) {
            out += fmt::format(
                "{}:{}: error: {}\n", where(problem.place), problem.place.column, problem.message
            );
            out += excerpt(problem);
        } else {
            out += fmt::format("error: {}\n", problem.message);
        }
    }
    const auto files_count = std::count_if(sources_.begin(), sources_.end(), [](const Source& s) {
        return s.kind == Source::Kind::file;
    });
    out += fmt::format(
        "{} read, {}. Nothing was changed.\n",
        plural(static_cast<std::size_t>(files_count), "file"),
        plural(count_, "error")
    );
    return out;
}

}  // namespace logboom::config
