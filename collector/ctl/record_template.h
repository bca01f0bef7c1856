// Templates of `--format`: "%T %h %v".
#pragma once

#include "collector/ctl/record_format.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace logboom::ctl {

/// A template, taken apart once. A line end follows each record unless the template has one at its end.
class RecordTemplate final : public RecordFormat {
public:
    /// The template, or what is wrong with it: an unknown escape is an error, not empty text.
    [[nodiscard]] static std::variant<std::unique_ptr<RecordFormat>, std::string> parse(
        std::string_view text, TimeFormat time_format, TimeZone zone
    );

    void append(const RecordRow& row, std::string& out) override;

private:
    struct Part {
        char escape = 0;   ///< letter behind the percent sign; 0: `text` itself
        std::string text;  ///< or what stood in braces
    };

    RecordTemplate(const TimeFormat time_format, const TimeZone zone)
        : time_format_(time_format)
        , zone_(zone) {}
    /// Takes one escape from the front of `text`, behind its percent sign.
    [[nodiscard]] std::string take_escape(std::string_view& text);
    void add_text(std::string_view text);
    void append_part(const Part& part, const RecordRow& row, std::string& out) const;
    [[nodiscard]] std::string bytes_as(std::string_view bytes, std::string_view how) const;
    [[nodiscard]] std::string time_as(const RecordRow& row, std::string_view how) const;

    std::vector<Part> parts_;
    TimeFormat time_format_;
    TimeZone zone_;
};

}  // namespace logboom::ctl
