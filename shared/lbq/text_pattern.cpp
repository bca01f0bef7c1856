#include "shared/lbq/text_pattern.h"

#include "shared/base/assert.h"

#include <re2/re2.h>

namespace logboom::lbq {

struct TextPattern::Compiled {
    Compiled(const std::string_view expression, const RE2::Options& options)
        : regex(re2::StringPiece(expression.data(), expression.size()), options) {}
    RE2 regex;
};

namespace {

re2::StringPiece piece_of(const std::string_view text) noexcept {
    return {text.data(), text.size()};
}

RE2::Options options_for(const Case letters, const RE2::Options::Encoding encoding) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(letters == Case::sensitive);
    options.set_encoding(encoding);
    return options;
}

}  // namespace

TextPattern::TextPattern(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
TextPattern::TextPattern(TextPattern&&) noexcept = default;
TextPattern& TextPattern::operator=(TextPattern&&) noexcept = default;
TextPattern::~TextPattern() = default;

TextPattern TextPattern::substring(const std::string_view text, const Case letters) {
    const std::string quoted = RE2::QuoteMeta(piece_of(text));
    auto utf8 =
        std::make_unique<Compiled>(quoted, options_for(letters, RE2::Options::EncodingUTF8));
    if (utf8->regex.ok()) {
        return TextPattern(std::move(utf8));
    }
    // Not UTF-8: its bytes, then.
    const RE2::Options options = options_for(letters, RE2::Options::EncodingLatin1);
    auto bytes = std::make_unique<Compiled>(quoted, options);
    LB_ASSERT(bytes->regex.ok());
    return TextPattern(std::move(bytes));
}

std::variant<TextPattern, std::string> TextPattern::regex(
    const std::string_view expression, const Case letters
) {
    const RE2::Options options = options_for(letters, RE2::Options::EncodingUTF8);
    auto compiled = std::make_unique<Compiled>(expression, options);
    if (!compiled->regex.ok()) {
        return compiled->regex.error();
    }
    return TextPattern(std::move(compiled));
}

bool TextPattern::matches(const std::string_view line) const {
    return RE2::PartialMatch(piece_of(line), compiled_->regex);
}

std::optional<Span> TextPattern::find(const std::string_view line, const std::size_t start) const {
    LB_ASSERT(start <= line.size());
    re2::StringPiece found;
    const bool is_found =
        compiled_->regex.Match(piece_of(line), start, line.size(), RE2::UNANCHORED, &found, 1);
    if (!is_found) {
        return std::nullopt;
    }
    const auto from = static_cast<std::size_t>(found.data() - line.data());
    return Span{from, from + found.size()};
}

}  // namespace logboom::lbq
