// A segment's two index files.
#include "collector/storage/offset_index.h"
#include "collector/storage/time_index.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/crc_frame.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::storage;

namespace {

constexpr Offset base{1000};

void check_offset_index(const ByteView file) {
    const Result<OffsetIndex> index = OffsetIndex::decode(file, base);
    if (!index) {
        return;
    }
    Buffer again;
    index->encode(again);
    // Three bytes of the head stand for nothing.
    constexpr std::size_t behind = codec::framed_file_head_bytes;
    LB_ASSERT(fuzz::is_same(again.view().subspan(behind), file.subspan(behind)));
    LB_ASSERT(!OffsetIndex::first_contradiction(*index, *index));
    for (const OffsetIndex::Entry& entry : index->entries()) {
        const auto position = static_cast<std::uint64_t>(entry.position);
        LB_ASSERT(index->position_of(base + entry.last_offset_delta) == position);
        LB_ASSERT(index->position_of(base + entry.last_offset_delta - 1) <= position);
    }
}

void check_time_index(const ByteView file) {
    const Result<TimeIndex> index = TimeIndex::decode(file, base);
    if (!index) {
        return;
    }
    Buffer again;
    index->encode(again);
    LB_ASSERT(fuzz::is_same(again.view(), file));
    for (const TimeIndex::Entry& entry : index->entries()) {
        LB_ASSERT(index->start_of(entry.timestamp_ms) <= base + entry.last_offset_delta);
    }
    LB_ASSERT(index->start_of(INT64_MIN) == base);
}

/// A file of entries with the fields that the input gives, and with right checksums.
Buffer framed(const ByteView fields) {
    constexpr std::size_t fields_bytes = 12;
    Buffer file;
    codec::append_file_head("LBOI", OffsetIndex::file_version, file);
    for (std::size_t at = 0; at + fields_bytes <= fields.size(); at += fields_bytes) {
        const ByteView entry = fields.subspan(at, fields_bytes);
        file.append(entry);
        codec::store_be(file.extend(sizeof(std::uint32_t)), codec::crc32c(entry));
    }
    return file;
}

}  // namespace

LB_FUZZ_TARGET(index_files) {
    const ByteView bytes = fuzz::view_of(data, size);
    check_offset_index(bytes);
    check_time_index(bytes);
    const Buffer file = framed(bytes);
    check_offset_index(file.view());
    return 0;
}
