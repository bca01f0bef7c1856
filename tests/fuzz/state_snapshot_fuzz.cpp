// A partition's state snapshot. The input: its offset, the size of the head, the head, what stands behind it.
#include "collector/storage/state_snapshot.h"

#include "shared/codec/crc_frame.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::storage;

namespace {

void check(const ByteView file, const Offset offset) {
    const auto decode = [offset](const ByteView bytes) {
        return decode_state_snapshot(bytes, offset);
    };
    const auto encode = [offset](const StateSections& sections, Buffer& out) {
        encode_state_snapshot(offset, sections, out);
    };
    if (const Result<StateSections> sections = fuzz::decode_and_back(file, decode, encode)) {
        for (const StateSections::Section& section : sections->all()) {
            LB_ASSERT(section.bytes.size() < file.size());
            LB_ASSERT(fuzz::is_same(sections->bytes_of(section.id), section.bytes.view()));
        }
        LB_ASSERT(!decode_state_snapshot(file, offset + 1).has_value());
    }
}

void check_facts(const ByteView bytes) {
    const Result<std::vector<SegmentFacts>> segments =
        fuzz::decode_and_back(bytes, decode_segment_facts, encode_segment_facts);
    if (segments) {
        for (const SegmentFacts& facts : *segments) {
            LB_ASSERT(facts.base_offset.value >= 0 && facts.end_offset >= facts.base_offset);
        }
    }
}

}  // namespace

LB_FUZZ_TARGET(state_snapshot) {
    const ByteView bytes = fuzz::view_of(data, size);
    check_facts(bytes);
    fuzz::Input input(data, size);
    const Offset offset(input.take<std::int64_t>() & INT32_MAX);
    const std::size_t wanted = input.take<std::uint8_t>();
    const std::size_t head_bytes = std::min(wanted, input.rest().size());
    check(bytes, offset);
    if (head_bytes != 0) {
        Buffer file;
        codec::append_framed_file(
            "LBST", state_snapshot_version, input.rest().first(head_bytes), file
        );
        file.append(input.rest().subspan(head_bytes));
        check(fuzz::Exact(file.view()).view(), offset);
    }
    return 0;
}
