// One record as the command line shows it: its Kafka parts, and the fields that agents put into headers.
#pragma once

#include "collector/ctl/time_text.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/record/batch.h"
#include "shared/record/record_iterator.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::ctl {

struct RowHeader {
    std::string_view key;
    std::optional<ByteView> value;
};

/// Borrows from the batch it was made from.
struct RecordRow {
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = 0;
    std::optional<ByteView> key;
    std::optional<ByteView> value;
    std::vector<RowHeader> headers;
    bool is_late = false;  ///< a later one was shown before it

    /// The line itself; empty for a null value.
    [[nodiscard]] std::string_view text() const noexcept {
        return as_text(value.value_or(ByteView{}));
    }
    /// Value of the first header of that name.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
    /// The same as a number, if it is one.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const noexcept;
    /// Event time: `lb.ts_ns` where the agent knew it finer than milliseconds.
    [[nodiscard]] std::int64_t time_nanos() const noexcept;
    [[nodiscard]] bool has_nanos() const noexcept { return number("lb.ts_ns").has_value(); }
    /// "app/3@128394".
    [[nodiscard]] std::string address() const;
};

/// Severity's name, null for a number that is none.
[[nodiscard]] const char* level_name(std::int64_t severity) noexcept;

/// Fills `row` (whose topic and partition are set) from one record. `malformed` if its headers are, or no
/// 64 bits hold its time.
[[nodiscard]] Result<Ok> fill_row(
    const record::BatchHeader& batch, const record::RecordView& record, RecordRow& row
);

}  // namespace logboom::ctl
