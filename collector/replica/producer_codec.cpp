// The bytes of a producer table: one message in a CRC frame (collector/replica/LAYOUT.md).
#include "collector/replica/producer_table.h"
#include "producers.pb.h"
#include "shared/codec/crc_frame.h"

#include <limits>
#include <optional>

namespace logboom::replica {

namespace {

constexpr std::string_view table_kind = "LBPT";
constexpr std::uint8_t table_version = 1;

constexpr Error corrupt{ErrorCode::corrupt, 0, "content of a producer table"};

void put_state(const ProducerId id, const ProducerState& state, v1::ProducerTable& message) {
    v1::Producer& producer = *message.add_producers();
    producer.set_id(id.value);
    producer.set_epoch(state.epoch());
    producer.set_last_seen_ms(state.last_seen_ms());
    for (const ProducerBatch& batch : state.batches()) {
        v1::ProducerBatch& to = *producer.add_batches();
        to.set_first_sequence(batch.first_sequence);
        to.set_last_sequence(batch.last_sequence);
        to.set_base_offset(batch.base_offset.value);
        to.set_log_append_time_ms(batch.log_append_time_ms);
    }
}

Result<ProducerBatch> get_batch(const v1::ProducerBatch& message, const Offset from) {
    ProducerBatch batch;
    batch.first_sequence = message.first_sequence();
    batch.last_sequence = message.last_sequence();
    batch.base_offset = Offset(message.base_offset());
    batch.log_append_time_ms = message.log_append_time_ms();
    constexpr std::int64_t base_offset_max = std::numeric_limits<std::int64_t>::max()
                                           - std::numeric_limits<std::int32_t>::max() - 1;
    const bool is_good = batch.first_sequence >= 0 && batch.last_sequence >= 0
                      && batch.base_offset >= from && batch.base_offset.value <= base_offset_max
                      && batch.log_append_time_ms >= -1;
    return is_good ? Result<ProducerBatch>(batch) : corrupt;
}

Result<ProducerState> get_state(const v1::Producer& message) {
    const bool is_good = message.epoch() >= 0
                      && message.epoch() <= std::numeric_limits<std::int16_t>::max()
                      && message.batches_size() >= 1
                      && message.batches_size() <= static_cast<int>(limits::producer_batches_max);
    if (!is_good) {
        return corrupt;
    }
    const std::int64_t last_seen_ms = message.last_seen_ms();
    ProducerState state(static_cast<std::int16_t>(message.epoch()), 0, last_seen_ms);
    Offset from(0);
    for (const v1::ProducerBatch& encoded : message.batches()) {
        LB_TRY(const ProducerBatch batch, get_batch(encoded, from));
        state.add(batch, last_seen_ms);
        from = batch.last_offset() + 1;
    }
    return state;
}

}  // namespace

void ProducerTable::encode(Buffer& out) const {
    // Behind what is settled a producer is as it was before its first batch there.
    std::map<ProducerId, const ProducerState*> settled;
    for (const auto& [id, state] : states_) {
        settled.emplace(id, &state);
    }
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) {
        settled[undo->id] = &undo->before;
    }
    v1::ProducerTable message;
    for (const auto& [id, state] : settled) {
        // Who has nothing in the log yet is unknown after a start; its connection is gone then.
        if (!state->batches().empty()) {
            put_state(id, *state, message);
        }
    }
    message.set_is_whole(true);
    const std::string payload = message.SerializeAsString();
    codec::append_framed_file(table_kind, table_version, as_bytes(payload), out);
}

Result<ProducerTable> ProducerTable::decode(
    const ByteView bytes, const ProducerTableOptions& options
) {
    LB_TRY(const ByteView payload, codec::read_framed_file(bytes, table_kind, table_version));
    v1::ProducerTable message;
    const bool is_read = message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    if (!is_read || !message.is_whole()) {
        return corrupt;
    }
    ProducerTable table(options);
    std::optional<ProducerId> last;
    for (const v1::Producer& producer : message.producers()) {
        const ProducerId id(producer.id());
        if (id.value < 0 || (last && id <= *last)) {
            return corrupt;
        }
        last = id;
        LB_TRY(const ProducerState state, get_state(producer));
        table.put(id, state);
        if (table.size() > options.producers_max) {
            table.remove(table.by_last_offset_.begin()->second);
        }
    }
    return table;
}

}  // namespace logboom::replica
