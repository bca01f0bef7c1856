// The idempotent producers of a state snapshot: the input is a file, and the payload of one.
#include "collector/replica/producer_table.h"

#include "shared/codec/crc_frame.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::replica;

namespace {

constexpr ProducerTableOptions options{4, limits::producer_expiration_ms_default};
constexpr std::int64_t now_ms = 1'700'000'000'000;

/// Every producer that was read can be asked about, and goes on.
void check_producers(ProducerTable& table) {
    record::BatchHeader header;
    for (std::int64_t id = 0; id < 4; ++id) {
        const ProducerState* const state = table.find(ProducerId(id));
        header.producer_id = ProducerId(id);
        header.producer_epoch = state == nullptr ? std::int16_t{0} : state->epoch();
        header.base_sequence = state == nullptr ? 0 : state->next_sequence();
        LB_ASSERT(header.base_sequence >= 0);
        header.base_offset = state == nullptr ? Offset(1) : state->last_offset() + 1;
        LB_ASSERT(table.judge(header, now_ms).verdict != ProducerTable::Verdict::fenced);
    }
    header.base_offset = Offset(INT64_MAX / 2);
    table.advance(header, now_ms);
    LB_ASSERT(table.size() <= options.producers_max);
}

void check(const ByteView file) {
    const auto decode = [](const ByteView bytes) { return ProducerTable::decode(bytes, options); };
    const auto encode = [](const ProducerTable& table, Buffer& out) { table.encode(out); };
    if (Result<ProducerTable> table = fuzz::decode_and_back(file, decode, encode)) {
        LB_ASSERT(table->size() <= options.producers_max);
        check_producers(*table);
    }
}

}  // namespace

LB_FUZZ_TARGET(producer_table) {
    const ByteView bytes = fuzz::view_of(data, size);
    check(bytes);
    if (size != 0) {
        Buffer file;
        codec::append_framed_file("LBPT", 1, bytes, file);
        check(file.view());
    }
    return 0;
}
