#include "shared/config/scan.h"

#include <algorithm>
#include <string>

namespace logboom::config {
namespace {

bool is_beyond_ascii(const char c) noexcept {
    return static_cast<unsigned char>(c) >= 0x80;
}

class Scanner {
public:
    explicit Scanner(const std::string_view text) noexcept : text_(text) {}

    std::optional<std::size_t> run() {
        while (at_ < text_.size() && !stray_.has_value()) {
            const char c = text_[at_];
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if ((c == '"' || c == '\'') && can_string_begin()) {
                skip_string(c);
            } else if (is_beyond_ascii(c)) {
                stray_ = at_;
            } else {
                note(c);
                ++at_;
            }
        }
        return stray_;
    }

private:
    /// Whether a quote that stands here is not the inside of something that has begun without one: of `2'x`
    /// the library reads all as one value. Parts of a key may be quoted behind a dot, those of a value never
    /// are.
    [[nodiscard]] bool can_string_begin() const noexcept {
        if (at_ == 0) {
            return true;
        }
        const std::string_view openers = is_in_value_ ? " \t\r\n=,[{" : " \t\r\n,[{.";
        return !is_in_bare_value_ && openers.find(text_[at_ - 1]) != std::string_view::npos;
    }

    void note(const char c) {
        if (is_in_value_) {
            note_in_value(c);
        } else if (c == '=') {
            is_in_value_ = true;
        } else if (c == '}') {
            close();
        }
    }

    /// What began without a quote or a bracket goes on to one of these, whatever else is in it.
    void note_in_value(const char c) {
        constexpr std::string_view ends = " \t\r\n\v\f,]}";
        is_in_bare_value_ = is_in_bare_value_ && ends.find(c) == std::string_view::npos;
        if (is_in_bare_value_) {
            return;
        }
        if (c == '[' || c == '{') {
            open_.push_back(c);
            is_in_value_ = c == '[';
        } else if (c == ']' || c == '}') {
            close();
        } else if (c == ',') {
            is_in_value_ = open_.empty() || open_.back() == '[';
        } else if (c == '\n') {
            is_in_value_ = !open_.empty();
        } else {
            is_in_bare_value_ = ends.find(c) == std::string_view::npos;
        }
    }

    /// Behind an array or a table, which is a value.
    void close() noexcept {
        if (!open_.empty()) {
            open_.pop_back();
            is_in_value_ = true;
        }
    }

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
    bool is_in_value_ = false;  ///< else in a key, or in a table's head
    bool is_in_bare_value_ = false;
    std::string open_;  ///< brackets of the value
    std::optional<std::size_t> stray_;
};

}  // namespace

std::optional<std::size_t> find_stray_character(const std::string_view text) {
    return Scanner(text).run();
}

}  // namespace logboom::config
