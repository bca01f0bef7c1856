// What a sealed batch says, for tests of the agent's folders.
#pragma once

#include "agent/ship/outlet.h"
#include "shared/record/batch_checker.h"
#include "shared/record/record_iterator.h"
#include "shared/record/source_cursor.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace logboom::tests {

using ReadHeaders = std::map<std::string, std::string>;

struct ReadRecord {
    std::string value;
    std::int64_t timestamp_ms = 0;
    std::shared_ptr<const ReadHeaders>
        headers;  // without the cursor; most records of a batch share them

    [[nodiscard]] bool has(const std::string& key) const { return headers->contains(key); }
    [[nodiscard]] std::string header(const std::string& key) const {
        const auto found = headers->find(key);
        return found == headers->end() ? std::string() : found->second;
    }
};

struct ReadBatch {
    record::SourceCursor cursor;
    codec::CodecId codec_id{};
    std::vector<ReadRecord> records;
};

inline ReadHeaders read_headers(const record::RecordView& record) {
    ReadHeaders headers;
    record::HeaderIterator iterator(record);
    record::HeaderView header;
    for (Result<bool> more = iterator.next(header); more && *more; more = iterator.next(header)) {
        const std::string key(as_text(header.key));
        if (key != record::cursor_header_key) {
            headers[key] = as_text(header.value.value_or(ByteView()));
        }
    }
    return headers;
}

/// Fails the test if a collector would refuse the batch.
inline ReadBatch read_batch(const ByteView bytes) {
    record::BatchCheckOptions options;
    options.door = record::Door::agents;
    options.depth = record::CheckDepth::records;
    Buffer scratch;
    const auto checked = record::check_batch(bytes, options, scratch);
    BOOST_REQUIRE(std::holds_alternative<record::BatchView>(checked));
    const record::BatchView& view = std::get<record::BatchView>(checked);
    const auto cursor = record::read_cursor(bytes);
    BOOST_REQUIRE((cursor.has_value() && cursor->has_value()));
    ReadBatch batch;
    batch.cursor = **cursor;
    batch.codec_id = view.codec_id();
    const auto records = view.records(scratch);
    BOOST_REQUIRE(records.has_value());
    record::RecordIterator iterator(*records, view.header().records_count);
    record::RecordView record;
    std::string headers_before;
    std::shared_ptr<const ReadHeaders> headers;
    for (Result<bool> more = iterator.next(record); more && *more; more = iterator.next(record)) {
        if (headers == nullptr || as_text(record.headers) != headers_before) {
            headers_before = as_text(record.headers);
            headers = std::make_shared<const ReadHeaders>(read_headers(record));
        }
        ReadRecord read;
        read.value = as_text(record.value.value_or(ByteView()));
        read.timestamp_ms = view.header().base_timestamp_ms + record.timestamp_delta_ms;
        read.headers = headers;
        batch.records.push_back(std::move(read));
    }
    return batch;
}

inline std::vector<std::string> values_of(const ReadBatch& batch) {
    std::vector<std::string> values;
    for (const ReadRecord& record : batch.records) {
        values.push_back(record.value);
    }
    return values;
}

inline record::Id128 id_of(const unsigned number) {
    record::Id128 id{};
    id[0] = static_cast<std::byte>(number >> 8);
    id[15] = static_cast<std::byte>(number);
    return id;
}

}  // namespace logboom::tests
