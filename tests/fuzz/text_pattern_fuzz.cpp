// Patterns of users over foreign log lines. The input: a choice, the pattern's size, the pattern, the line.
#include "shared/lbq/text_pattern.h"

#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::lbq;

namespace {

void check_matches(const TextPattern& pattern, const std::string_view line) {
    const std::optional<Span> first = pattern.find(line, 0);
    LB_ASSERT(first.has_value() == pattern.matches(line));
    std::size_t start = 0;
    for (int round = 0; round < 20 && start <= line.size(); ++round) {
        const std::optional<Span> span = pattern.find(line, start);
        if (!span) {
            return;
        }
        LB_ASSERT(span->from >= start && span->from <= span->to && span->to <= line.size());
        start = std::max(span->to, start + 1);
    }
}

void check_substring(const std::string_view text, const Case letters, const std::string_view line) {
    const TextPattern substring = TextPattern::substring(text, letters);
    check_matches(substring, line);
    const bool is_inside = line.find(text) != std::string_view::npos;
    LB_ASSERT(substring.matches(line) == is_inside || (letters == Case::folded && !is_inside));
}

void check_regex(const std::string_view text, const Case letters, const std::string_view line) {
    const auto regex = TextPattern::regex(text, letters);
    if (const auto* const problem = std::get_if<std::string>(&regex)) {
        LB_ASSERT(!problem->empty());
    } else {
        check_matches(std::get<TextPattern>(regex), line);
    }
}

}  // namespace

LB_FUZZ_TARGET(text_pattern) {
    fuzz::Input input(data, size);
    const auto choice = input.take<std::uint8_t>();
    const Case letters = (choice & 1) != 0 ? Case::folded : Case::sensitive;
    const std::size_t wanted = input.take<std::uint8_t>();
    const std::string_view rest = as_text(input.rest());
    const std::string_view text = rest.substr(0, wanted);
    const std::string_view line = rest.substr(text.size());
    if ((choice & 2) != 0) {
        check_regex(text, letters, line);
    } else {
        check_substring(text, letters, line);
    }
    return 0;
}
