// Batches for tests of this folder.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/rng.h"
#include "shared/codec/endian.h"
#include "shared/record/batch.h"
#include "shared/record/batch_builder.h"
#include "shared/record/record_iterator.h"
#include "shared/record/source_cursor.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace logboom::tests {

inline Buffer copy_of(const ByteView bytes) {
    Buffer copy;
    copy.append(bytes);
    return copy;
}

/// A batch without cursor, of records without headers.
inline Buffer plain_batch(const std::vector<std::string>& values) {
    record::BatchBuilder builder;
    builder.begin(record::RecordHeaders());
    for (const std::string& value : values) {
        builder.append(1'700'000'000'000, as_bytes(value));
    }
    Buffer out;
    static_cast<void>(builder.seal_without_cursor(out));
    return out;
}

inline record::SourceCursor some_cursor() {
    record::SourceCursor cursor;
    cursor.agent_id.fill(std::byte{0xaa});
    cursor.agent_epoch = 3;
    cursor.stream.fill(std::byte{0x55});
    cursor.generation = 1;
    cursor.from = 1000;
    cursor.to = 2000;
    cursor.tail_len = 64;
    cursor.tail_hash = 0x0123456789abcdef;
    return cursor;
}

/// Writes the checksum that belongs to the bytes, after a test changed some.
inline void renew_crc(Buffer& batch) {
    codec::store_be(batch.data() + 17, record::compute_batch_crc(batch.view()));
}

/// The records' values; fails the test if the batch is not whole.
inline std::vector<std::string> values_of(const ByteView batch) {
    const auto view = record::BatchView::parse(batch);
    BOOST_REQUIRE(view.has_value());
    Buffer scratch;
    const auto records = view->records(scratch);
    BOOST_REQUIRE(records.has_value());
    record::RecordIterator iterator(*records, view->header().records_count);
    record::RecordView record;
    std::vector<std::string> values;
    while (true) {
        const Result<bool> more = iterator.next(record);
        BOOST_REQUIRE(more.has_value());
        if (!*more) {
            return values;
        }
        values.emplace_back(as_text(record.value.value_or(ByteView())));
    }
}

}  // namespace logboom::tests
