#include "collector/ctl/record_format.h"

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
    TextFormat(const TimeFormat time_format, const TimeZone zone, const bool is_wide)
        : time_format_(time_format)
        , zone_(zone)
        , is_wide_(is_wide) {}

    void append(const RecordRow& row, std::string& out) override {
        if (is_wide_) {
            out += row.address() + " ";
        }
        if (time_format_ != TimeFormat::none) {
            out += format_time(row.time_nanos(), time_format_, zone_) + " ";
        }
        out += printable(row.header("lb.host").value_or(not_there)) + " ";
        if (is_wide_) {
            out += printable(row.header("lb.path").value_or(not_there)) + " ";
        }
        out += app_of(row) + " " + level_of(row) + " " + printable(row.text());
        out += '\n';
    }

private:
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
        return Made(
            std::make_unique<TextFormat>(options.time_format, options.zone, format == "wide")
        );
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
