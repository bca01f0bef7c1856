#include "collector/ctl/record_format.h"

#include "collector/ctl/paint.h"
#include "collector/ctl/printable.h"
#include "collector/ctl/record_template.h"

namespace logboom::ctl {

namespace {

constexpr std::string_view not_there = "-";

class RawFormat final : public RecordFormat {
public:
    void append(const RecordRow& row, std::string& out) override {
        out += row.text();
        out += '\n';
    }
};

class JsonFormat final : public RecordFormat {
public:
    void append(const RecordRow& row, std::string& out) override {
        out += to_json(row);
        out += '\n';
    }
};

/// `TIME HOST APP[PID] LEVEL MESSAGE`; wide adds address and path in front.
class TextFormat final : public RecordFormat {
public:
    TextFormat(const FormatOptions& options, const bool is_wide)
        : time_format_(options.time_format)
        , zone_(options.zone)
        , is_wide_(is_wide)
        , paint_(options.is_colored)
        , highlight_(options.highlight) {}

    void append(const RecordRow& row, std::string& out) override {
        if (is_wide_) {
            out += row.address() + " ";
        }
        if (time_format_ != TimeFormat::none) {
            out += format_time(row.time_nanos(), time_format_, zone_) + " ";
        }
        std::string from = printable(row.header("lb.host").value_or(not_there)) + " ";
        if (is_wide_) {
            from += printable(row.header("lb.path").value_or(not_there)) + " ";
        }
        from += app_of(row);
        out += paint_.stream(row, from) + " ";
        out += paint_.level(row.number("lb.sev").value_or(-1), level_of(row)) + " ";
        append_line(row.text(), out);
        if (row.is_late) {
            out += paint_.dim(" late");
        }
        out += '\n';
    }

private:
    /// The pieces that were looked for stand out.
    void append_line(const std::string_view line, std::string& out) const {
        std::size_t at = 0;
        if (paint_.is_on() && highlight_ != nullptr) {
            for (const lbq::Span& span : highlight_->matches_in(line)) {
                out += printable(line.substr(at, span.from - at));
                out += paint_.match(printable(line.substr(span.from, span.to - span.from)));
                at = span.to;
            }
        }
        out += printable(line.substr(at));
    }
    static std::string app_of(const RecordRow& row) {
        const auto app = row.header("lb.app");
        const auto name = app.has_value() ? app : row.header("lb.unit");
        const auto pid = row.header("lb.pid");
        return printable(name.value_or(not_there))
             + (pid.has_value() ? "[" + printable(*pid) + "]" : "");
    }
    static std::string level_of(const RecordRow& row) {
        const auto severity = row.number("lb.sev");
        const char* const name = severity.has_value() ? level_name(*severity) : nullptr;
        return name == nullptr ? std::string(not_there) : name;
    }

    TimeFormat time_format_;
    TimeZone zone_;
    bool is_wide_;
    Paint paint_;
    std::shared_ptr<const RecordFilter> highlight_;
};

}  // namespace

std::variant<std::unique_ptr<RecordFormat>, std::string> make_record_format(
    const FormatOptions& options
) {
    using Made = std::unique_ptr<RecordFormat>;
    const std::string& format = options.format;
    if (format.find('%') != std::string::npos) {
        const TimeFormat time_format = options.is_time_format_set ? options.time_format
                                                                  : TimeFormat::rfc3339;
        return RecordTemplate::parse(format, time_format, options.zone);
    }
    if (format.empty() || format == "text" || format == "wide") {
        return Made(std::make_unique<TextFormat>(options, format == "wide"));
    }
    if (format == "json" || format == "ndjson") {
        return Made(std::make_unique<JsonFormat>());
    }
    if (format == "raw") {
        return Made(std::make_unique<RawFormat>());
    }
    return "unknown format '" + format
         + "'; it is one of text, wide, json, ndjson, raw, or a template such as '%T %h %v'";
}

}  // namespace logboom::ctl
