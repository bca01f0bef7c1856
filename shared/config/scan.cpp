#include "shared/config/scan.h"

#include <algorithm>

namespace logboom::config {
namespace {

bool is_beyond_ascii(const char c) noexcept {
    return static_cast<unsigned char>(c) >= 0x80;
}

class Scanner {
public:
    explicit Scanner(const std::string_view text) noexcept : text_(text) {}

    std::optional<std::size_t> run() noexcept {
        while (at_ < text_.size() && !stray_.has_value()) {
            const char c = text_[at_];
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (c == '"' || c == '\'') {
                skip_string(c);
            } else if (is_beyond_ascii(c)) {
                stray_ = at_;
            } else {
                ++at_;
            }
        }
        return stray_;
    }

private:
    void skip_string(const char quote) noexcept {
        const char triple[] = {quote, quote, quote};
        const std::string_view three(triple, 3);
        if (text_.substr(at_).starts_with(three)) {
            at_ += 3;
            skip_multi_line(quote, three);
        } else {
            ++at_;
            skip_single_line(quote);
        }
    }

    /// An unfinished string ends with its line: the library stops there too.
    void skip_single_line(const char quote) noexcept {
        while (at_ < text_.size() && text_[at_] != '\n') {
            const char c = text_[at_++];
            if (c == quote) {
                return;
            }
            if (c == '\\' && quote == '"' && at_ < text_.size() && text_[at_] != '\n') {
                ++at_;
            }
        }
    }

    void skip_multi_line(const char quote, const std::string_view three) noexcept {
        while (at_ < text_.size() && !stray_.has_value()) {
            if (text_.substr(at_).starts_with(three)) {
                at_ += 3;
                // Up to two quotes may stand right before the closing three.
                for (int extra = 0; extra < 2 && at_ < text_.size() && text_[at_] == quote;
                     ++extra) {
                    ++at_;
                }
                return;
            }
            if (text_[at_] == '\\' && quote == '"') {
                skip_escape();
            } else {
                ++at_;
            }
        }
    }

    /// A backslash at the end of a line joins it to the next character that is not white space.
    void skip_escape() noexcept {
        ++at_;
        if (at_ >= text_.size()) {
            return;
        }
        if (std::string_view(" \t\r\n").find(text_[at_]) == std::string_view::npos) {
            if (is_beyond_ascii(text_[at_])) {
                stray_ = at_;
            }
            ++at_;
            return;
        }
        at_ = std::min(text_.find_first_not_of(" \t\r\n\v\f", at_), text_.size());
        if (at_ < text_.size() && is_beyond_ascii(text_[at_])) {
            stray_ = at_;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<std::size_t> stray_;
};

}  // namespace

std::optional<std::size_t> find_stray_character(const std::string_view text) noexcept {
    return Scanner(text).run();
}

}  // namespace logboom::config
