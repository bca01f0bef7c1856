// Records of other programs as logboomctl shows them: whatever is in them, a terminal sees plain lines and a
// reader of JSON sees JSON. The input is a batch without compression.
#include "collector/ctl/record_format.h"

#include "collector/ctl/printable.h"
#include "shared/json/json_value.h"
#include "tests/fuzz/fuzz.h"

#include <array>

using namespace logboom;
using namespace logboom::ctl;

namespace {

constexpr int rows_max = 4;

std::unique_ptr<RecordFormat> format_of(const char* const text) {
    FormatOptions options;
    options.format = text;
    options.zone = TimeZone::utc;
    options.time_format = TimeFormat::rfc3339ns;
    auto made = make_record_format(options);
    LB_ASSERT(made.index() == 0);
    return std::get<0>(std::move(made));
}

struct Formats {
    std::array<std::unique_ptr<RecordFormat>, 3> safe{
        format_of("text"), format_of("wide"), format_of("%t %p %o %T %k %v %s %h %a %u %P %H")};
    std::unique_ptr<RecordFormat> exact = format_of("%v{json} %v{base64} %k{hex}");
};

/// One line, of which no byte does anything to a terminal.
void check_line(const std::string& line) {
    LB_ASSERT(line.find('\n') == line.size() - 1);
    LB_ASSERT(printable(line.substr(0, line.size() - 1)) + '\n' == line);
}

void check_row(const Formats& formats, const RecordRow& row) {
    for (const std::unique_ptr<RecordFormat>& format : formats.safe) {
        std::string line;
        format->append(row, line);
        check_line(line);
    }
    const std::string as_json = to_json(row);
    LB_ASSERT(as_json.find('\n') == std::string::npos && is_utf8(as_json));
    LB_ASSERT(json::parse_json(as_json).has_value());
    std::string exact;
    formats.exact->append(row, exact);
    LB_ASSERT(exact.find('\n') == exact.size() - 1 && is_utf8(exact));
}

}  // namespace

LB_FUZZ_TARGET(record_format) {
    const ByteView bytes = fuzz::view_of(data, size);
    const Result<record::BatchView> batch = record::BatchView::parse(bytes, 1u << 20);
    if (!batch) {
        return 0;
    }
    Buffer scratch;
    const Result<ByteView> records = batch->records(scratch, 1u << 20);
    if (!records) {
        return 0;
    }
    record::RecordIterator iterator(*records, batch->header().records_count);
    record::RecordView record;
    const Formats formats;
    RecordRow row;
    row.topic = "app";
    for (int count = 0; count < rows_max; ++count) {
        const Result<bool> more = iterator.next(record);
        if (!more || !*more || !fill_row(batch->header(), record, row)) {
            break;
        }
        check_row(formats, row);
    }
    return 0;
}
