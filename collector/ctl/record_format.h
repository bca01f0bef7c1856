// How records are written to standard output: text, json, raw, or a template of the user's.
#pragma once

#include "collector/ctl/record_filter.h"
#include "collector/ctl/record_row.h"
#include "collector/ctl/time_text.h"

#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace logboom::ctl {

struct FormatOptions {
    std::string format;  ///< text, wide, json, ndjson, raw, or a template; empty: text
    TimeFormat time_format = TimeFormat::short_time;
    bool is_time_format_set = false;  ///< templates show rfc3339 unless the user said otherwise
    TimeZone zone = TimeZone::local;
    bool is_colored = false;                        ///< text and wide only
    std::shared_ptr<const RecordFilter> highlight;  ///< what it looks for is marked; may be null
};

/// Turns records into output.
class RecordFormat {
public:
    RecordFormat() = default;
    RecordFormat(const RecordFormat&) = delete;
    RecordFormat& operator=(const RecordFormat&) = delete;
    virtual ~RecordFormat() = default;
    /// Appends one record with its line end.
    virtual void append(const RecordRow& row, std::string& out) = 0;
};

/// The format, or what is wrong with the options.
[[nodiscard]] std::variant<std::unique_ptr<RecordFormat>, std::string> make_record_format(
    const FormatOptions& options
);

/// One JSON object without a line end; its keys are part of our interface.
[[nodiscard]] std::string to_json(const RecordRow& row);

}  // namespace logboom::ctl
